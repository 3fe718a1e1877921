import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGuard, guardAgent } from '@gatewright/runtime'
import { createCredentials, Secret, type TokenIssuer } from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { sqliteStore } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { said } from '../fixtures/said.ts'

let folder = ''
let file = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-credentials-'))
  file = join(folder, 'state.db')
  await sqliteStore({ path: file }).close()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const AUDIENCE = 'https://orders.example'
const issuer: TokenIssuer = {
  name: 'scripted',
  issuer: 'https://as.example',
  client: 'support-client',
  capabilities: {
    revokes: true,
    introspects: true,
    dpop: false,
    withoutUser: false,
    opaque: 'trusted-response',
  },
  obtain: async ({ scopes }) => ({
    token: new Secret('CANARY-0123456789'),
    tokenType: 'bearer',
    scopes,
    expires: new Date(Date.now() + 300_000),
    claims: undefined,
  }),
  revoke: async () => {},
  introspect: async () => ({ active: false }),
}

test('shows which tokens an agent of another process holds, and that a halt has revoked them', async () => {
  const store = sqliteStore({ path: file })
  const guard = createGuard({
    agent: { id: 'support', version: '2', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    store,
    credentials: createCredentials({ issuers: { [AUDIENCE]: issuer } }),
  })
  const agent = guardAgent(guard, {
    model: scriptedModel([callTool('lookUp', {}), say('done')]),
    tools: { lookUp: tool({ inputSchema: z.object({}), execute: () => 'ok' }) },
    contracts: { lookUp: { effect: 'read', credentials: { audience: AUDIENCE, scopes: ['orders:read'] } } },
  })
  await agent.generate({ prompt: 'Look it up.', options: { principal: { subject: 'user:alice' } } })

  const at = ['--store', `sqlite:${file}`]
  const shown = await said('credentials', '--agent', 'support', ...at)
  expect(shown).toMatchObject({ code: 0, error: '' })
  for (const part of [
    'live  agent:support@2',
    'user:alice',
    AUDIENCE,
    'orders:read',
    'support-client',
    `:${process.pid}:`,
  ])
    expect(shown.out).toContain(part)
  const listed = await said('credentials', '--json', ...at)
  expect(JSON.parse(listed.out)).toMatchObject([
    { agent: 'agent:support@2', subject: 'user:alice', state: 'live' },
  ])
  expect(shown.out + listed.out).not.toContain('CANARY')
  for (const other of ['supp', 'other', 'support@1'])
    expect(await said('credentials', '--agent', other, ...at)).toEqual({
      code: 0,
      out: `${other} holds no token.\n`,
      error: '',
    })

  await guard.halt({ agent: 'support' }, { by: 'robin', reason: 'INC-42' })
  expect((await said('credentials', '--agent', 'support@2', ...at)).out).toContain('revoked')
  await guard[Symbol.asyncDispose]()
  await store.close()
})

test('says which store it wants, and exits with 2', async () => {
  expect(await said('credentials', '--store', `sqlite:${join(folder, 'missing.db')}`)).toMatchObject({
    code: 2,
  })
  expect(await said('credentials', '--agnet', 'x')).toMatchObject({ code: 2 })
})
