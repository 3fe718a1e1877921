import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCredentials } from '@gatewright/runtime/credentials'
import { sqliteStore } from '@gatewright/runtime/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, type Desk, openApi, openDesk } from './desk.ts'
import { type ScriptedIssuer, scriptedIssuer, type ScriptedIssuerOptions } from './scripted-issuer.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const HELPER = { id: 'helper', version: '1', expires: new Date('2999-01-01') }

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

interface Pair extends AsyncDisposable {
  readonly issuer: ScriptedIssuer
  readonly support: Desk
  /** The agent that the tool of the other one runs. */
  readonly helper: Desk
}

/** Two agents of one process, with the same source of tokens. */
function openPair(issuing: ScriptedIssuerOptions = {}): Pair {
  const issuer = scriptedIssuer(issuing)
  const credentials = createCredentials({ issuers: { [api.origin]: issuer } })
  const store = sqliteStore({ path: join(folder, 'state.db') })
  const support = openDesk({ api, guard: { credentials, store } })
  const helper = openDesk({ api, guard: { credentials, store, agent: HELPER } })
  return {
    issuer,
    support,
    helper,
    async [Symbol.asyncDispose]() {
      await support[Symbol.asyncDispose]()
      await helper[Symbol.asyncDispose]()
      await store.close()
    },
  }
}

/** Which agents have a token that their server still takes. */
function active({ issuer }: Pair): string[] {
  return [...issuer.tokens.values()]
    .filter((token) => token.active)
    .map(({ request }) => request.actor)
    .toSorted()
}

describe('a sub-agent’s tokens', () => {
  test.for(['agent', 'run'] as const)('are revoked with a halt of the %s that it acts for', async (kind) => {
    await using pair = openPair()
    await pair.support.call(async () => await pair.helper.call(() => 'ok'))
    await pair.helper.call(() => 'of a run of its own')
    expect(active(pair)).toEqual(['agent:helper@1', 'agent:helper@1', 'agent:support@1'])
    const outer = pair.issuer.asked.find(({ actor }) => actor === 'agent:support@1')
    const { hooks } = await pair.support.guard.halt(
      kind === 'agent' ? { agent: 'support' } : { run: outer?.run ?? '' },
      WHY,
    )
    // What the other agent got for itself is none of it.
    expect(active(pair)).toEqual(['agent:helper@1'])
    expect(hooks?.[0]).toMatchObject({ confirmed: true })
  })

  test('of another process are looked for as well, and said not to be confirmed where they are not', async () => {
    await using here = openPair()
    await using there = openPair({ without: ['revoke'], capabilities: { revokes: false } })
    await there.support.call(async () => await there.helper.call(() => 'ok'))
    const { hooks } = await here.support.guard.halt({ agent: 'support' }, WHY)
    const open = hooks?.[0]?.details?.filter(({ confirmed }) => !confirmed) ?? []
    expect(open).toHaveLength(2)
  })
})
