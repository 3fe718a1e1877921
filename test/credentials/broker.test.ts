import {
  createCredentials,
  type CredentialError,
  type CredentialOwner,
  type CredentialRequest,
  type CredentialsOptions,
  type ObtainedToken,
  Secret,
} from '@gatewright/runtime/credentials'
import { ConfigError, HaltedError } from '@gatewright/runtime'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  AUDIENCE,
  requested,
  type ScriptedIssuer,
  scriptedIssuer,
  type ScriptedIssuerOptions,
} from './scripted-issuer.ts'

const START = new Date('2026-11-22T10:00:00Z').getTime()
const NEVER = new AbortController().signal

interface World {
  readonly issuer: ScriptedIssuer
  readonly credentials: ReturnType<typeof createCredentials>
  readonly clock: { at: number }
  readonly halted: Set<string>
  get(over?: Partial<CredentialRequest>, signal?: AbortSignal): Promise<string>
}

function world(issuing: ScriptedIssuerOptions = {}, options: Partial<CredentialsOptions> = {}): World {
  const clock = { at: START }
  const now = (): Date => new Date(clock.at)
  const issuer = scriptedIssuer({ now, ...issuing })
  const credentials = createCredentials({ issuers: { [AUDIENCE]: issuer }, now, ...options })
  const halted = new Set<string>()
  credentials.attach({ isHalted: ({ run }) => halted.has(run), record: async () => {} })
  return {
    issuer,
    credentials,
    clock,
    halted,
    get: async (over, signal = NEVER) => (await credentials.issue(requested(over), { signal })).token(),
  }
}

const everyone = { scope: { everything: true as const }, matches: () => true }
const ofRun = (run: string): { scope: { run: string }; matches: (of: CredentialOwner) => boolean } => ({
  scope: { run },
  matches: (of) => of.run === run,
})

describe('the cache', () => {
  test('a token is asked for once, and again shortly before it expires', async () => {
    const { get, issuer, clock } = world({ lifeMs: 300_000 })
    const first = await get()
    expect(await get()).toBe(first)
    clock.at += 284_000
    expect(await get()).toBe(first)
    clock.at += 2000
    expect(await get()).not.toBe(first)
    expect(issuer.asked).toHaveLength(2)
  })

  test('two calls share a token only if they agree in everything that it stands for', async () => {
    const different: Partial<CredentialRequest>[] = [
      { tenant: 'other' },
      { run: 'r2' },
      { session: 's2' },
      { subject: 'user:bob' },
      { subjectToken: new Secret('another-login') },
      { actor: 'agent:support@2' },
      { delegation: ['agent:planner@1'] },
      { resource: 'https://orders.example/v1' },
      { scopes: ['orders:read', 'orders:note'] },
      { authorizationDetails: [{ type: 'payment', amount: '10' }] },
      { authorizationDetails: [{ type: 'payment', amount: '11' }] },
      { authenticationContext: 'mfa' },
    ]
    const { get } = world()
    const tokens = [await get()]
    for (const over of different) tokens.push(await get(over))
    expect(new Set(tokens).size).toBe(tokens.length)
    // The tool's name, and the order of scopes, are not part of it.
    expect(await get({ tool: 'another' })).toBe(tokens[0])
    expect(await get({ scopes: ['orders:note', 'orders:read'] })).toBe(
      await get({ scopes: ['orders:read', 'orders:note'] }),
    )
  })

  test('two audiences of one issuer have a token each', async () => {
    const issuer = scriptedIssuer()
    const other = 'https://payments.example'
    const credentials = createCredentials({ issuers: [{ issuer, audiences: [AUDIENCE, other] }] })
    const of = async (audience: string): Promise<string> =>
      (await credentials.issue(requested({ audience }), { signal: NEVER })).token()
    const [first, second] = [await of(AUDIENCE), await of(other)]
    expect(second).not.toBe(first)
    expect(issuer.tokens.get(second)?.request.audience).toBe(other)
  })

  test('a thousand calls of one run at once make one exchange', async () => {
    const { get, issuer } = world()
    const tokens = await Promise.all(Array.from({ length: 1000 }, () => get()))
    expect(new Set(tokens).size).toBe(1)
    expect(issuer.asked).toHaveLength(1)
  })

  test('a token that the resource server refused is not handed out again', async () => {
    const { credentials, get } = world()
    const credential = await credentials.issue(requested(), { signal: NEVER })
    credential.refused?.()
    expect(await get()).not.toBe(credential.token())
    expect(credentials.held().map(({ state }) => state)).toEqual(['dropped', 'live'])
  })

  test('nothing of an ended run is kept to be handed out, and it is revoked where that is wanted', async () => {
    for (const revokeWhenRunEnds of [false, true]) {
      const { get, credentials, issuer } = world({}, { revokeWhenRunEnds })
      credentials.opened('r1')
      credentials.opened('r1')
      const first = await get()
      const other = await get({ run: 'r2' })
      await credentials.ended('r1')
      expect(await get()).toBe(first)
      await credentials.ended('r1')
      expect(issuer.tokens.get(first)?.active).toBe(!revokeWhenRunEnds)
      expect(await get()).not.toBe(first)
      expect(await get({ run: 'r2' })).toBe(other)
    }
  })

  test('the token of one user is never that of another, however calls and answers interleave', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(
          fc.record({
            subject: fc.constantFrom(
              'user:alice',
              'user:bob',
              'user:carol',
            ) as fc.Arbitrary<`user:${string}`>,
            run: fc.constantFrom('r1', 'r2'),
            scopes: fc.constantFrom(['orders:read'], ['orders:note']),
            leaves: fc.boolean(),
          }),
          { minLength: 2, maxLength: 12 },
        ),
        async (scheduler, calls) => {
          const { credentials, issuer } = world({ before: () => scheduler.schedule(Promise.resolve()) })
          const got = calls.map(async ({ leaves, ...over }) => {
            const own = new AbortController()
            if (leaves) void scheduler.schedule(Promise.resolve()).then(() => own.abort(new Error('left')))
            const asked = requested(over)
            try {
              return { asked, token: (await credentials.issue(asked, { signal: own.signal })).token() }
            } catch (error) {
              expect(error).toMatchObject({ message: 'left' })
              expect(leaves).toBe(true)
              return undefined
            }
          })
          await scheduler.waitIdle()
          for (const one of await Promise.all(got)) {
            if (one === undefined) continue
            const { subject, run, scopes } = issuer.tokens.get(one.token)!.request
            expect({ subject, run, scopes }).toEqual({
              subject: one.asked.subject,
              run: one.asked.run,
              scopes: one.asked.scopes,
            })
          }
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('whoever leaves', () => {
  test('does not take the others along, and the last one stops the exchange', async () => {
    const gate = Promise.withResolvers<void>()
    const cuts: AbortSignal[] = []
    const { get, issuer } = world({
      before: async (_, signal) => {
        cuts.push(signal)
        await gate.promise
      },
    })
    const [one, two] = [new AbortController(), new AbortController()]
    const first = get({}, one.signal)
    const second = get({}, two.signal)
    one.abort(new Error('left'))
    await expect(first).rejects.toThrow('left')
    expect(cuts[0]?.aborted).toBe(false)
    gate.resolve()
    const token = await second
    expect(issuer.tokens.get(token)?.active).toBe(true)

    const three = new AbortController()
    const third = get({ run: 'r3' }, three.signal)
    three.abort(new Error('left'))
    await expect(third).rejects.toThrow('left')
    expect(cuts[1]?.aborted).toBe(true)
  })

  test('leaves no token behind: one that comes back when nobody waits is revoked', async () => {
    const gate = Promise.withResolvers<void>()
    const { get, issuer, credentials } = world({ before: () => gate.promise })
    const own = new AbortController()
    const call = get({}, own.signal)
    own.abort(new Error('left'))
    await expect(call).rejects.toThrow('left')
    gate.resolve()
    await expect.poll(() => [...issuer.tokens.values()]).toMatchObject([{ active: false }])
    expect(credentials.held()).toEqual([])
  })
})

describe('a halt', () => {
  test('is seen though a token is in the cache', async () => {
    const { get, halted } = world()
    await get()
    halted.add('r1')
    await expect(get()).rejects.toBeInstanceOf(HaltedError)
  })

  test('that comes while an exchange is under way refuses it, and what comes back is revoked', async () => {
    const gate = Promise.withResolvers<void>()
    const { get, halted, credentials, issuer } = world({ before: () => gate.promise })
    const call = get()
    halted.add('r1')
    const revoked = credentials.revoke(ofRun('r1'), { signal: NEVER })
    await expect(call).rejects.toBeInstanceOf(HaltedError)
    expect(issuer.tokens.size).toBe(0)
    gate.resolve()
    expect(await revoked).toEqual([
      expect.objectContaining({ kind: 'exchange', run: 'r1', confirmed: true }),
      expect.objectContaining({ kind: 'delegation', confirmed: true }),
    ])
    expect([...issuer.tokens.values()]).toMatchObject([{ active: false }])
    expect(credentials.held()).toEqual([])
  })

  test('that comes in the instant between the answer and the call finds nothing handed out', async () => {
    const { credentials, halted, issuer } = world()
    // Nobody calls revoke: the halt itself is enough.
    const call = (async () => credentials.issue(requested(), { signal: NEVER }))()
    halted.add('r1')
    await expect(call).rejects.toBeInstanceOf(HaltedError)
    await expect.poll(() => [...issuer.tokens.values()].every(({ active }) => !active)).toBe(true)
  })

  test('that meets a server which hangs is reported as not confirmed, in time', async () => {
    const { get, credentials } = world({ before: () => new Promise(() => {}) }, { timeoutMs: 30 })
    const refused = get().catch((error: unknown) => error)
    const revoked = await credentials.revoke(everyone, { signal: NEVER })
    expect(await refused).toBeInstanceOf(HaltedError)
    expect(revoked).toContainEqual(expect.objectContaining({ kind: 'exchange', confirmed: false }))
  })

  test('revokes each token of its scope and no other, tells the issuer, and says what is confirmed', async () => {
    const { get, credentials, issuer } = world()
    const mine = await get()
    const other = await get({ run: 'r2', subject: 'user:bob' })
    const results = await credentials.revoke(ofRun('r1'), { signal: NEVER })
    expect(results).toEqual([
      expect.objectContaining({ kind: 'token', subject: 'user:alice', run: 'r1', confirmed: true }),
      expect.objectContaining({ kind: 'delegation', confirmed: true }),
    ])
    expect(issuer.ended).toEqual([{ run: 'r1', subjects: ['user:alice'] }])
    expect(issuer.tokens.get(mine)?.active).toBe(false)
    expect(issuer.tokens.get(other)?.active).toBe(true)
    expect(await get({ run: 'r2', subject: 'user:bob' })).toBe(other)
    expect(JSON.stringify(results)).not.toContain('CANARY')
  })

  test.for<[string, ScriptedIssuerOptions, string]>([
    ['does not revoke', { without: ['revoke'], capabilities: { revokes: false } }, 'revokes nothing'],
    ['does not introspect', { without: ['introspect'] }, 'no way to confirm'],
    ['fails', { revoking: () => Promise.reject(new Error('CANARY')) }, 'could not be told'],
    ['hangs', { revoking: () => new Promise(() => {}) }, 'not'],
  ])('an issuer that %s: its tokens are dropped, and not said to be gone', async ([, issuing, detail]) => {
    const { get, credentials } = world({ ...issuing }, { timeoutMs: 40 })
    const token = await get()
    const [result] = await credentials.revoke(ofRun('r1'), { signal: NEVER })
    expect(result).toMatchObject({ kind: 'token', confirmed: false })
    expect(result?.detail).toContain(detail)
    expect(result?.detail).not.toContain('CANARY')
    expect(credentials.held()).toMatchObject([{ state: 'not-confirmed' }])
    expect(await get()).not.toBe(token)
  })
})

describe('what comes back', () => {
  test.for<[string, (right: ObtainedToken) => unknown]>([
    ['a wider scope', (right) => ({ ...right, scopes: ['orders:read', 'admin'] })],
    [
      'another audience',
      (right) => ({ ...right, claims: { ...right.claims, aud: ['https://evil.example'] } }),
    ],
    ['another user', (right) => ({ ...right, claims: { ...right.claims, sub: 'bob' } })],
    ['another actor', (right) => ({ ...right, claims: { ...right.claims, act: { sub: 'evil' } } })],
    ['a longer life', (right) => ({ ...right, expires: new Date(START + 86_400_000) })],
  ])('is refused and revoked if it is of %s', async ([, answer]) => {
    const { get, issuer, credentials } = world({ answer })
    await expect(get()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL' })
    await expect.poll(() => [...issuer.tokens.values()]).toMatchObject([{ active: false }])
    expect(credentials.held()).toEqual([])
  })

  test('and lives too long is taken only to be revoked at the limit', async () => {
    const options = { maxLifetimeMs: 50, marginMs: 10, revokeAtLimit: true }
    const { get, issuer, credentials, clock } = world({ lifeMs: 86_400_000 }, options)
    const token = await get()
    expect(credentials.held()).toMatchObject([{ state: 'live' }])
    await expect.poll(() => issuer.tokens.get(token)?.active).toBe(false)
    clock.at += 45
    expect(await get()).not.toBe(token)
    expect(() =>
      createCredentials({
        issuers: { [AUDIENCE]: scriptedIssuer({ without: ['revoke'] }) },
        revokeAtLimit: true,
      }),
    ).toThrow(ConfigError)
  })

  test('is nothing that can be written down: neither is not handed out', async () => {
    const { credentials, issuer } = world()
    credentials.attach({
      isHalted: () => false,
      record: ({ action }) => (action === 'issued' ? Promise.reject(new Error('down')) : Promise.resolve()),
    })
    await expect(credentials.issue(requested(), { signal: NEVER })).rejects.toThrow('down')
    await expect.poll(() => [...issuer.tokens.values()]).toMatchObject([{ active: false }])
  })
})

describe('a server that', () => {
  test('is slow is one that cannot be reached', async () => {
    const { get } = world({ before: () => new Promise(() => {}) }, { timeoutMs: 20 })
    await expect(get()).rejects.toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
  })

  test.for<[string, unknown]>([
    ['nothing', null],
    ['a string', 'CANARY'],
    ['an empty object', {}],
    ['a token alone', { token: new Secret('CANARY-0123456789') }],
  ])('answers %s gives no token, and its words are in no error', async ([, answer]) => {
    const { get } = world({ answer: () => answer ?? 0 })
    const error = (await get().catch((one: unknown) => one)) as CredentialError
    expect(error.code).toBe('ERR_CREDENTIAL')
    expect(`${error.stack} ${String(error.cause)}`).not.toContain('CANARY')
  })

  test('throws its own words does not get them into our error', async () => {
    const thrown = Object.assign(new Error('CANARY invalid assertion eyJCANARY'), {
      response: { body: 'CANARY' },
      code: 'ECONNREFUSED',
    })
    const { get } = world({ before: () => Promise.reject(thrown) })
    const error = (await get().catch((one: unknown) => one)) as Error
    const { inspect } = await import('node:util')
    expect(error).toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('CANARY')
    expect(inspect(error, { depth: Infinity })).toContain('ECONNREFUSED')
  })
})

test('an audience that nobody serves, and a run with no user where tokens are for users, get nothing', async () => {
  const { get } = world({ capabilities: { withoutUser: false } })
  await expect(get({ audience: 'https://other.example' })).rejects.toMatchObject({
    reason: 'audience-unknown',
  })
  await expect(get({ subject: undefined })).rejects.toMatchObject({ reason: 'without-user' })
  const own = world()
  expect(await own.get({ subject: undefined })).toContain('CANARY')
})

test('the inventory says of each token all but the token', async () => {
  const { get, credentials, clock } = world({ lifeMs: 300_000 })
  const token = await get()
  const [one] = credentials.held()
  expect(one).toMatchObject({
    issuer: 'scripted',
    client: 'support-client',
    subject: 'user:alice',
    agent: 'agent:support@1',
    tenant: 'acme',
    run: 'r1',
    audience: AUDIENCE,
    scopes: ['orders:read'],
    heldBy: expect.stringContaining(`:${process.pid}:`),
    expires: new Date(START + 300_000).toISOString(),
    revocation: 'issuer',
    state: 'live',
  })
  expect(JSON.stringify(one)).not.toContain(token)
  clock.at += 300_001
  expect(credentials.held()).toEqual([])
})

test.for<[string, Partial<CredentialsOptions>]>([
  ['credentials.maxLifetimeMs', { maxLifetimeMs: 0 }],
  ['credentials.timeoutMs', { timeoutMs: Number.NaN }],
  ['credentials.marginMs', { marginMs: 600_000 }],
  ['credentials.secrets', { secrets: {} as never }],
  ['credentials.issuers', { issuers: undefined as never }],
  ['credentials.issuers.0', { issuers: [{ issuer: {} as never, audiences: ['a'] }] }],
  [
    'credentials.issuers.1',
    {
      issuers: [
        { issuer: scriptedIssuer(), audiences: ['a'] },
        { issuer: scriptedIssuer(), audiences: ['a'] },
      ],
    },
  ],
])('a source that is not safe to start with names %s', ([key, options]) => {
  expect(() => createCredentials({ issuers: {}, ...options })).toThrow(key)
})
