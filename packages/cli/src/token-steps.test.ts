import { createGuard } from '@gatewright/runtime'
import { createCredentials, Secret } from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore } from '@gatewright/runtime/store'
import { expect, test } from 'vitest'
import { tokenSteps } from './token-steps.ts'

test('a token is named until the process that holds it has confirmed that it is revoked', async () => {
  const signal = new AbortController().signal
  const store = memoryStore({ now: () => new Date() })
  const audience = 'https://api.example'
  const credentials = createCredentials({
    issuers: {
      [audience]: {
        name: 'test',
        issuer: 'https://id.example',
        client: 'c-1',
        capabilities: {
          revokes: true,
          introspects: true,
          dpop: false,
          withoutUser: true,
          opaque: 'trusted-response',
        },
        obtain: async () => ({
          token: new Secret('opaque-token-1'),
          tokenType: 'bearer',
          scopes: ['read'],
          expires: new Date(Date.now() + 60_000),
          claims: undefined,
        }),
        revoke: async () => {},
        introspect: async () => ({ active: false }),
      },
    },
  })
  await using guard = createGuard({
    agent: { id: 'clerk', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    store,
    credentials,
  })
  expect(await tokenSteps(store, 'clerk', { signal })).toMatchObject([{ confirmed: true }])
  const run = await guard.startRun({ principal: { subject: 'user:alice' } })
  await credentials.issue(
    {
      subject: 'user:alice',
      actor: 'agent:clerk@1',
      tenant: undefined,
      run: run.id,
      session: undefined,
      audience,
      scopes: ['read'],
      subjectToken: undefined,
      delegation: [],
      tool: 'lookup',
    },
    { signal: run.signal },
  )
  const [open, ...more] = await tokenSteps(store, 'clerk', { signal, waitMs: 0 })
  expect(more).toEqual([])
  expect(open).toMatchObject({ system: 'credentials', confirmed: false })
  expect(open?.detail).toMatch(/of user:alice at test, held by .* runs out at \S+Z$/)
  await guard.halt({ agent: 'clerk' }, { by: 'user:ops', reason: 'INC-7' })
  const [ended] = await tokenSteps(store, 'clerk', { signal })
  expect(ended).toMatchObject({ confirmed: true })
  expect(JSON.stringify([open, ended])).not.toContain('opaque-token')
})
