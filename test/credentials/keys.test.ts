import { createCredentials, environmentSecrets } from '@gatewright/runtime/credentials'
import { guardAgent } from '@gatewright/runtime'
import { scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { z } from 'zod'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Api, type Desk, openApi, openDesk } from './desk.ts'

let api: Api
const environment: Record<string, string> = {}
beforeEach(async () => {
  api = await openApi((message, response) => response.end(JSON.stringify(message.headers)))
  environment['PAY_KEY'] = 'CANARY-third-party-key'
})
afterEach(() => api[Symbol.asyncDispose]())

const desk = (wanted: { header?: string; scheme?: string } = {}): Desk =>
  openDesk({
    api,
    wanted: { secret: 'PAY_KEY', origin: api.origin, ...wanted },
    credentials: { issuers: {}, secrets: environmentSecrets(environment) },
  })

test.for<[string, { header?: string; scheme?: string }, string, string]>([
  ['as a bearer token', {}, 'authorization', 'Bearer CANARY-third-party-key'],
  ['under another scheme', { scheme: 'Token' }, 'authorization', 'Token CANARY-third-party-key'],
  ['in a header of its own', { header: 'X-Api-Key' }, 'x-api-key', 'CANARY-third-party-key'],
])(
  "a third party's key goes to its one origin, %s, and not into the answer",
  async ([, wanted, header, value]) => {
    await using of = desk(wanted)
    const told = await of.call(async (credentials) =>
      (await credentials.fetch(`${api.origin}/charge`)).json(),
    )
    expect(api.seen[0]?.headers[header]).toBe(value)
    expect(told).toContain('[secret]')
    expect(told).not.toContain('CANARY')
    expect(of.events.filter(({ type }) => type === 'contract-mismatch')).toMatchObject([{ paths: [header] }])
    expect(await of.call((credentials) => credentials.fetch('https://evil.example/'))).toContain('may not')
  },
)

test('a key is read for each call, and one that was taken away is gone', async () => {
  await using of = desk()
  await of.call(async (credentials) => void (await credentials.fetch(api.origin)))
  environment['PAY_KEY'] = 'CANARY-another-key'
  await of.call(async (credentials) => void (await credentials.fetch(api.origin)))
  expect(api.seen.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer CANARY-third-party-key',
    'Bearer CANARY-another-key',
  ])
  delete environment['PAY_KEY']
  let ran = false
  expect(await of.call(() => (ran = true))).toContain('did not permit')
  expect(ran).toBe(false)
  environment['PAY_KEY'] = 'short'
  expect(await of.call(() => (ran = true))).toContain('did not permit')
  expect(ran).toBe(false)
})

test('a contract that asks for a key does not start where there is no source of keys', async () => {
  await using of = openDesk({ api, guard: { credentials: createCredentials({ issuers: {} }) } })
  expect(() =>
    guardAgent(of.guard, {
      model: scriptedModel([]),
      tools: { pay: tool({ inputSchema: z.object({}), execute: () => 'ok' }) },
      contracts: { pay: { effect: 'read', credentials: { secret: 'PAY_KEY', origin: api.origin } } },
    }),
  ).toThrow('credentials.secrets')
})

test.for(['http://api.example/', 'api.example', 'https://API.example', 'ftp://api.example'])(
  'a contract whose key is for %j is refused: that is no origin as it is compared',
  async (origin) => {
    await using of = openDesk({ api, wanted: { secret: 'PAY_KEY', origin } })
    await expect(of.call(() => 'ok')).rejects.toThrow('contracts.lookUp.credentials.origin')
  },
)
