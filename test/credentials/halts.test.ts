import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { liveCredentials } from '@gatewright/runtime/credentials'
import { sqliteStore } from '@gatewright/runtime/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, type Desk, openApi, openDesk } from './desk.ts'
import type { ScriptedIssuerOptions } from './scripted-issuer.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }

let api: Api
let folder: string
beforeEach(async () => {
  api = await openApi()
  folder = await mkdtemp(join(tmpdir(), 'gatewright-tokens-'))
})
afterEach(async () => {
  await api[Symbol.asyncDispose]()
  await rm(folder, { recursive: true })
})

/** A desk as another process would have one: with a connection of its own to the shared store. */
function deskAt(issuing?: ScriptedIssuerOptions): Desk {
  const store = sqliteStore({ path: join(folder, 'state.db') })
  const desk = openDesk({ api, guard: { store }, ...(issuing === undefined ? {} : { issuing }) })
  return {
    ...desk,
    async [Symbol.asyncDispose]() {
      await desk[Symbol.asyncDispose]()
      await store.close()
    },
  }
}

describe.for([
  ['user', { user: 'alice' }],
  ['agent, by its id', { agent: 'support' }],
  ['everything', { everything: true }],
] as const)('a halt of the %s', ([, scope]) => {
  test('revokes the tokens of it in this process, and says of each what came of it', async () => {
    await using desk = openDesk({ api })
    await desk.call(() => 'ok', { principal: { subject: 'user:alice' } })
    const { hooks } = await desk.guard.halt(scope, WHY)
    expect(hooks).toMatchObject([
      {
        name: 'credentials',
        confirmed: true,
        details: [
          { what: expect.stringContaining('user:alice'), confirmed: true },
          { what: expect.stringContaining('the standing of the agent'), confirmed: true },
        ],
      },
    ])
    expect([...desk.issuer.tokens.values()]).toMatchObject([{ active: false }])
    expect(await desk.guard.credentials?.live()).toMatchObject([{ state: 'revoked' }])
    expect(desk.events.filter(({ type }) => type === 'credential')).toMatchObject([
      { action: 'issued', subject: 'user:alice', scopes: ['orders:read'] },
      { action: 'revoked', subject: 'user:alice', confirmed: true },
    ])
    await expect(desk.call(() => 'ok')).rejects.toMatchObject({ code: 'ERR_HALTED' })
    expect(desk.issuer.asked).toHaveLength(1)
  })
})

test('a halt of another user, or of a tool, revokes nothing', async () => {
  await using desk = openDesk({ api })
  await desk.call(() => 'ok')
  await desk.guard.halt({ user: 'bob' }, WHY)
  await desk.guard.halt({ tool: 'lookUp' }, WHY)
  expect([...desk.issuer.tokens.values()]).toMatchObject([{ active: true }])
})

test('a halt says so where a token could not be confirmed to be gone', async () => {
  await using desk = openDesk({ api, issuing: { without: ['introspect'] } })
  await desk.call(() => 'ok')
  const { hooks } = await desk.guard.halt({ user: 'alice' }, WHY)
  expect(hooks?.[0]).toMatchObject({ name: 'credentials', confirmed: false })
  expect(hooks?.[0]?.details?.[0]).toMatchObject({
    confirmed: false,
    detail: 'The issuer took the revocation, and has no way to confirm it.',
  })
})

describe('over processes that share a store', () => {
  test('each revokes what it holds, and whoever halts hears of it', async () => {
    await using one = deskAt()
    await using two = deskAt()
    await one.call(() => 'ok')
    await two.call(() => 'ok')
    expect(await one.guard.credentials?.live({ agent: 'support' })).toHaveLength(2)
    const { hooks } = await one.guard.halt({ user: 'alice' }, WHY)
    expect(hooks?.[0]).toMatchObject({ confirmed: true })
    expect(hooks?.[0]?.details?.map(({ detail }) => detail)).toContain(
      'Revoked by the process that holds it.',
    )
    expect([...two.issuer.tokens.values()]).toMatchObject([{ active: false }])
    const live = (await two.guard.credentials?.live()) ?? []
    expect(live.map(({ state }) => state)).toEqual(['revoked', 'revoked'])
    expect(new Set(live.map(({ heldBy }) => heldBy)).size).toBe(2)
  })

  test('a token whose process cannot revoke it is reported as not confirmed', async () => {
    await using one = deskAt()
    await using two = deskAt({ without: ['revoke'], capabilities: { revokes: false } })
    await two.call(() => 'ok')
    const { hooks } = await one.guard.halt({ user: 'alice' }, WHY)
    expect(hooks?.[0]).toMatchObject({ confirmed: false })
    expect(hooks?.[0]?.details?.some(({ detail }) => detail.includes('has not confirmed'))).toBe(true)
  })

  test('the records hold no token, are of their agent, and go with it', async () => {
    await using one = deskAt()
    await one.call(() => 'ok')
    const store = sqliteStore({ path: join(folder, 'state.db') })
    const call = { signal: AbortSignal.timeout(30_000) }
    expect(await liveCredentials(store, { agent: 'support@1' }, call)).toHaveLength(1)
    expect(await liveCredentials(store, { agent: 'agent:support' }, call)).toHaveLength(1)
    expect(await liveCredentials(store, { agent: 'supp' }, call)).toEqual([])
    const records = await store.list('', call)
    expect(JSON.stringify(records)).not.toContain('CANARY')
    await store.close()
  })
})

test('a token is not handed out where its record cannot be written', async () => {
  const store = sqliteStore({ path: join(folder, 'state.db') })
  const broken = { ...store, compareAndSet: failing(store.compareAndSet.bind(store)) }
  await using desk = openDesk({ api, guard: { store: broken } })
  let ran = false
  await desk.call(() => (ran = true)).catch(() => {})
  expect(ran).toBe(false)
  expect([...desk.issuer.tokens.values()]).toMatchObject([{ active: false }])
})

function failing<T extends (key: string, ...rest: never[]) => unknown>(write: T): T {
  return ((key: string, ...rest: never[]) => {
    if (key.startsWith('credentials/')) throw new Error('The disk is full.')
    return write(key, ...rest)
  }) as T
}

test('revoking without a halt ends the tokens, and the next call gets another one', async () => {
  await using desk = openDesk({ api })
  await desk.call(() => 'ok')
  expect(await desk.guard.credentials?.revoke({ agent: 'support' })).toMatchObject([
    { kind: 'token', confirmed: true },
    { kind: 'delegation', confirmed: true },
  ])
  await desk.call(() => 'ok')
  expect([...desk.issuer.tokens.values()].map(({ active }) => active)).toEqual([false, true])
})
