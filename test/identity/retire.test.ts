import { createCredentials, type ObtainedToken, Secret } from '@gatewright/runtime/credentials'
import { retireAgent } from '@gatewright/runtime/identity'
import { memoryStore } from '@gatewright/runtime/store'
import { expect, test } from 'vitest'
import { ALICE, by, desk, registered, signal } from './world.ts'

const WHY = { by: 'user:ops', reason: 'INC-7' }

test('retiring an agent ends its runs and sessions in every process, and says so system by system', async () => {
  const store = memoryStore({ now: () => new Date() })
  const agents = await registered({
    maxSessions: 2,
    credentials: [{ client: 'c-1', issuer: 'https://id.example', keys: ['k-1'] }],
  })
  const [here, there] = [desk(agents, { store }), desk(agents, { store })]
  const runs = [
    await here.guard.startRun({ principal: ALICE }),
    await there.guard.startRun({ principal: ALICE }),
  ]
  const steps = await here.guard.retire(WHY)
  expect(runs.map(({ signal: own }) => own.aborted)).toEqual([true, true])
  expect(steps.map(({ system, confirmed }) => [system, confirmed])).toEqual([
    ['registry', true],
    ['halts', true],
    ['https://id.example', false],
    ['sessions', true],
  ])
  expect(steps[2]?.detail).toBe('client c-1, keys k-1: to be removed where it is registered')
  expect((await agents.get('clerk', { signal }))?.changes.at(-1)).toMatchObject({ action: 'retired', ...WHY })
  // Lifting the halt brings nothing back.
  await here.guard.resume({ agent: 'clerk' }, WHY)
  await expect(there.guard.startRun({ principal: ALICE })).rejects.toMatchObject({
    code: 'ERR_AGENT_RETIRED',
  })
  for (const { guard } of [here, there]) await guard[Symbol.asyncDispose]()
})

test('its tokens are revoked, and each that could not be is named', async () => {
  const revoked: string[] = []
  let count = 0
  const credentials = createCredentials({
    issuers: {
      'https://api.example': {
        name: 'test',
        issuer: 'https://id.example',
        client: 'c-1',
        capabilities: {
          revokes: true,
          introspects: false,
          dpop: false,
          withoutUser: true,
          opaque: 'trusted-response',
        },
        async obtain(): Promise<ObtainedToken> {
          count += 1
          return {
            token: new Secret(`opaque-token-${count}`),
            tokenType: 'bearer',
            scopes: ['read'],
            expires: new Date(Date.now() + 60_000),
            claims: undefined,
          }
        },
        async revoke(token) {
          if (token.reveal() === 'opaque-token-2') throw new Error('server down')
          revoked.push(token.reveal())
        },
      },
    },
  })
  const { guard } = desk(await registered(), { credentials })
  for (let i = 0; i < 2; i += 1) {
    const run = await guard.startRun({ principal: ALICE })
    const owner = {
      subject: ALICE.subject,
      actor: 'agent:clerk@1',
      tenant: ALICE.tenant,
      run: run.id,
      session: undefined,
    } as const
    await credentials.issue(
      {
        ...owner,
        audience: 'https://api.example',
        scopes: ['read'],
        subjectToken: undefined,
        delegation: [],
        tool: 'lookup',
      },
      { signal: run.signal },
    )
  }
  const steps = (await guard.retire(WHY)).filter(({ system }) => system === 'credentials')
  expect(revoked).toEqual(['opaque-token-1'])
  expect(steps.some(({ confirmed }) => confirmed)).toBe(false)
  expect(steps.length).toBeGreaterThanOrEqual(2)
  expect(JSON.stringify(steps)).not.toContain('opaque-token-2')
  await guard[Symbol.asyncDispose]()
})

test('a system that fails does not keep the others from being told, and is named', async () => {
  const agents = await registered()
  const told: string[] = []
  const steps = await retireAgent('clerk', {
    agents,
    ...by,
    halts: {
      halt: async () => {
        throw new Error('postgres://u:secret@host')
      },
    },
    revoke: [
      {
        system: 'vault',
        run: async () => {
          throw new Error('secret')
        },
      },
      { system: 'tokens', run: async (agent) => void told.push(agent) },
    ],
  })
  expect(steps).toEqual([
    expect.objectContaining({ system: 'registry', confirmed: true }) as unknown,
    { system: 'halts', action: 'halted every run of it', confirmed: false, detail: 'it failed' },
    { system: 'vault', action: 'revoke', confirmed: false, detail: 'it failed' },
    { system: 'tokens', action: 'revoked', confirmed: true, detail: 'done' },
  ])
  expect(told).toEqual(['clerk'])
})

test('where the registry cannot be changed, nothing else is done', async () => {
  const agents = await registered()
  const told: string[] = []
  const options = { agents, ...by, revoke: [{ system: 't', run: async () => void told.push('x') }] }
  await expect(retireAgent('nobody', options)).rejects.toMatchObject({ code: 'ERR_AGENT_UNKNOWN' })
  await expect(retireAgent('clerk', { ...options, revision: 9 })).rejects.toMatchObject({
    code: 'ERR_AGENT_CONFLICT',
  })
  expect(told).toEqual([])
})

test('an agent that is in no registry cannot be retired', async () => {
  const { guard } = desk(await registered(), {
    agents: undefined,
    registration: undefined,
    agent: { id: 'clerk', version: '1', expires: new Date('2100-01-01') },
  } as never)
  await expect(guard.retire(WHY)).rejects.toThrow('agents: expected a registry')
})
