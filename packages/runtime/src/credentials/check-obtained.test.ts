import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CredentialError } from '../errors.ts'
import { type CheckOptions, checkObtained, CLOCK_TOLERANCE_MS } from './check-obtained.ts'
import type { IssuerCapabilities, ObtainedToken, TokenClaims } from './issuer.ts'
import { Secret } from './secret.ts'
import type { CredentialRequest } from './source.ts'

const NOW = new Date('2026-11-22T10:00:00Z')
const SECONDS = NOW.getTime() / 1000
const MINUTES = 60_000

const REQUEST: CredentialRequest = {
  subject: 'user:alice',
  actor: 'agent:support@1',
  tenant: undefined,
  run: 'r1',
  session: undefined,
  audience: 'https://orders.example',
  resource: 'https://orders.example/v1',
  scopes: ['orders:read', 'orders:note'],
  subjectToken: undefined,
  delegation: [],
  tool: 'lookupOrder',
}

const CAPABILITIES: IssuerCapabilities = {
  revokes: true,
  introspects: true,
  dpop: false,
  withoutUser: true,
  opaque: 'none',
  exchanges: true,
}

const OPTIONS: CheckOptions = {
  issuer: { issuer: 'https://as.example', client: 'support-client', capabilities: CAPABILITIES },
  expected: { subject: 'alice', actors: ['support-client'] },
  now: NOW,
  maxLifetimeMs: 10 * MINUTES,
  revokeAtLimit: false,
}

const CLAIMS: TokenClaims = {
  iss: 'https://as.example',
  sub: 'alice',
  act: { sub: 'support-client' },
  aud: ['https://orders.example'],
  scope: ['orders:read'],
  exp: SECONDS + 300,
  iat: SECONDS,
}

const OBTAINED: ObtainedToken = {
  token: new Secret('a-token-of-some-length'),
  tokenType: 'bearer',
  issuedTokenType: 'urn:ietf:params:oauth:token-type:access_token',
  scopes: ['orders:read'],
  expires: new Date(NOW.getTime() + 5 * MINUTES),
  claims: CLAIMS,
}

const withClaims = (claims: Partial<Record<keyof TokenClaims, unknown>>): ObtainedToken => ({
  ...OBTAINED,
  claims: { ...CLAIMS, ...claims } as TokenClaims,
})
const capable = (capabilities: Partial<IssuerCapabilities>, dpopKey?: string): CheckOptions => ({
  ...OPTIONS,
  issuer: {
    ...OPTIONS.issuer,
    capabilities: { ...CAPABILITIES, ...capabilities },
    ...(dpopKey === undefined ? {} : { dpopKey }),
  },
})
const reasonOf = (
  obtained: unknown,
  { request = REQUEST, options = OPTIONS }: { request?: CredentialRequest; options?: CheckOptions } = {},
): string | undefined => {
  try {
    checkObtained(obtained as ObtainedToken, request, options)
    return undefined
  } catch (error) {
    return (error as CredentialError).reason
  }
}

test('what was asked for is taken, and less than that too', () => {
  expect(checkObtained(OBTAINED, REQUEST, OPTIONS)).toMatchObject({ scopes: ['orders:read'] })
  expect(reasonOf({ ...OBTAINED, scopes: [] })).toBeUndefined()
  expect(reasonOf(withClaims({ aud: ['https://orders.example/v1'] }))).toBeUndefined()
})

describe('refused', () => {
  test.for<[string, string, unknown]>([
    ['nothing at all', 'nonsense', null],
    ['a token that is a plain string', 'nonsense', { ...OBTAINED, token: 'a-token-of-some-length' }],
    ['a token that ends a header', 'nonsense', { ...OBTAINED, token: new Secret('abcdefgh\r\nHost: evil') }],
    ['a token too short to be one', 'nonsense', { ...OBTAINED, token: new Secret('abc') }],
    [
      'an ID token in the place of an access token',
      'issued-type',
      { ...OBTAINED, issuedTokenType: 'urn:ietf:params:oauth:token-type:id_token' },
    ],
    [
      'a refresh token in its place',
      'issued-type',
      { ...OBTAINED, issuedTokenType: 'urn:ietf:params:oauth:token-type:refresh_token' },
    ],
    [
      'an exchange that does not say what it issued',
      'issued-type',
      { ...OBTAINED, issuedTokenType: undefined },
    ],
    ['a token type that nobody knows', 'token-type', { ...OBTAINED, tokenType: 'mac' }],
    ['a bound token where none was asked for', 'token-type', { ...OBTAINED, tokenType: 'dpop' }],
    ['a bearer token that says it is bound', 'token-type', withClaims({ cnf: { jkt: 'x' } })],
    ['a scope more than was asked for', 'scope', { ...OBTAINED, scopes: ['orders:read', 'orders:refund'] }],
    ['a scope more inside the token than beside it', 'scope', withClaims({ scope: ['admin'] })],
    ['a scope that is a string of several', 'scope', { ...OBTAINED, scopes: 'orders:read' }],
    ['another audience', 'audience', withClaims({ aud: ['https://payments.example'] })],
    [
      'an audience more',
      'audience',
      withClaims({ aud: ['https://orders.example', 'https://payments.example'] }),
    ],
    ['no audience', 'audience', withClaims({ aud: undefined })],
    ['an empty audience', 'audience', withClaims({ aud: [] })],
    ['the token of another user', 'subject', withClaims({ sub: 'bob' })],
    ['the token of nobody', 'subject', withClaims({ sub: undefined })],
    ['no actor', 'actor', withClaims({ act: undefined })],
    ['another actor', 'actor', withClaims({ act: { sub: 'admin-client' } })],
    [
      'another actor, with this agent behind it',
      'actor',
      withClaims({ act: { sub: 'admin-client', act: { sub: 'support-client' } } }),
    ],
    ['an actor that is a string', 'actor', withClaims({ act: 'support-client' })],
    ['a chain of actors with a hole', 'actor', withClaims({ act: { sub: 'support-client', act: 'x' } })],
    ['a token of another issuer', 'issuer', withClaims({ iss: 'https://evil.example' })],
    ['a JWT of no issuer', 'issuer', withClaims({ iss: undefined })],
    ['a token that nobody can read', 'claims', { ...OBTAINED, claims: undefined }],
    ['a longer life', 'lifetime', { ...OBTAINED, expires: new Date(NOW.getTime() + 11 * MINUTES) }],
    ['a life a minute longer inside the token', 'lifetime', withClaims({ exp: SECONDS + 660 })],
    ['a longer life inside the token', 'lifetime', withClaims({ exp: SECONDS + 3600 })],
    ['a longer life with an issue date to match', 'lifetime', withClaims({ exp: 4e9, iat: 4e9 - 60 })],
    ['a longer life with no issue date', 'lifetime', withClaims({ exp: SECONDS + 3600, iat: undefined })],
    ['a life that is over', 'lifetime', { ...OBTAINED, expires: NOW }],
    [
      'a life that is over inside the token',
      'lifetime',
      withClaims({ exp: SECONDS - 301, iat: SECONDS - 600 }),
    ],
    ['a life that is no date', 'lifetime', { ...OBTAINED, expires: new Date(Number.NaN) }],
    [
      'details that were not asked for',
      'authorization-details',
      { ...OBTAINED, authorizationDetails: [{ type: 'pay' }] },
    ],
  ])('%s', ([, reason, obtained]) => {
    expect(reasonOf(obtained)).toBe(reason)
  })

  test('details that were asked for and not confirmed, or changed', () => {
    const request = { ...REQUEST, authorizationDetails: [{ type: 'payment', amount: '10.00' }] }
    const granted = (authorizationDetails: unknown): string | undefined =>
      reasonOf({ ...OBTAINED, authorizationDetails }, { request })
    expect(granted([{ amount: '10.00', type: 'payment' }])).toBeUndefined()
    expect(granted(undefined)).toBe('authorization-details')
    expect(granted([{ type: 'payment', amount: '1000.00' }])).toBe('authorization-details')
    expect(granted([{ type: 'payment' }])).toBe('authorization-details')
  })

  test('a token that cannot be read, unless the developer takes the word of that server', () => {
    const unread = { ...OBTAINED, claims: undefined }
    expect(reasonOf(unread, { options: capable({ opaque: 'introspected' }) })).toBe('claims')
    const options = capable({ opaque: 'trusted-response' })
    expect(reasonOf(unread, { options })).toBeUndefined()
    expect(reasonOf({ ...unread, scopes: ['admin'] }, { options })).toBe('scope')
    expect(reasonOf(withClaims({ sub: 'bob' }), { options })).toBe('subject')
  })

  test("a user's token where the agent acts for itself", () => {
    const request = { ...REQUEST, subject: undefined }
    const options = { ...OPTIONS, expected: { ...OPTIONS.expected, subject: undefined } }
    expect(
      reasonOf(withClaims({ sub: 'support-client', act: undefined }), { request, options }),
    ).toBeUndefined()
    expect(reasonOf(withClaims({ sub: 'alice' }), { request, options })).toBe('subject')
  })

  test('with a key: a bearer token, one bound to nothing, to another key, or that nothing can prove', () => {
    const options = capable({ dpop: true }, 'our-thumbprint')
    const bound = (cnf: unknown, prove: unknown = async () => 'proof'): unknown => ({
      ...withClaims({ cnf }),
      tokenType: 'dpop',
      prove,
    })
    expect(reasonOf(bound({ jkt: 'our-thumbprint' }), { options })).toBeUndefined()
    expect(reasonOf(OBTAINED, { options })).toBe('token-type')
    expect(reasonOf(bound(undefined), { options })).toBe('token-type')
    expect(reasonOf(bound({ jkt: 'another' }), { options })).toBe('token-type')
    expect(reasonOf(bound({ jkt: 'our-thumbprint' }, null), { options })).toBe('token-type')
  })

  test('another client, of a server that names the actor as its client', () => {
    const options = capable({ actorIn: 'client' })
    const as = (client: string | undefined, act?: unknown): string | undefined =>
      reasonOf(withClaims({ client, act }), { options })
    expect(as('support-client')).toBeUndefined()
    expect(as('another-client')).toBe('actor')
    expect(as(undefined)).toBe('actor')
    expect(as('support-client', { sub: 'another-client' })).toBe('actor')
  })
})

test('a server whose clock is off by five minutes, either way, still gives tokens of minutes and none of an hour', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: -CLOCK_TOLERANCE_MS / 1000 + 1, max: CLOCK_TOLERANCE_MS / 1000 - 1 }),
      fc.integer({ min: 1, max: 600 }),
      (skew, life) => {
        const at = (seconds: number): ObtainedToken => ({
          ...withClaims({ iat: SECONDS + skew, exp: SECONDS + skew + seconds }),
          expires: new Date(NOW.getTime() + seconds * 1000),
        })
        expect(reasonOf(at(life))).toBeUndefined()
        expect(reasonOf(at(3600))).toBe('lifetime')
      },
    ),
  )
})

describe('whatever a driver answers', () => {
  const scope = fc.constantFrom('orders:read', 'orders:note', 'orders:refund', 'admin', '', '*')
  const name = fc.constantFrom('alice', 'bob', 'support-client', 'admin-client', '')
  const audience = fc.constantFrom(
    'https://orders.example',
    'https://orders.example/v1',
    'https://payments.example',
    '*',
  )
  const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined })
  const act = fc.letrec((tie) => ({
    act: fc.option(fc.record({ sub: name, act: tie('act') }, { requiredKeys: ['sub'] }), { nil: undefined }),
  })).act
  const claims = fc.record({
    iss: maybe(fc.constantFrom('https://as.example', 'https://evil.example')),
    sub: maybe(name),
    act,
    aud: maybe(fc.array(audience, { maxLength: 3 })),
    scope: maybe(fc.array(scope, { maxLength: 3 })),
    exp: maybe(fc.integer({ min: SECONDS - 1000, max: SECONDS + 5000 })),
    iat: maybe(fc.integer({ min: SECONDS - 1000, max: SECONDS + 5000 })),
  })
  const obtained = fc.record({
    token: fc.string().map((text) => new Secret(text)),
    tokenType: fc.constantFrom('bearer', 'dpop') as fc.Arbitrary<'bearer' | 'dpop'>,
    issuedTokenType: maybe(
      fc.constantFrom(
        'urn:ietf:params:oauth:token-type:access_token',
        'urn:ietf:params:oauth:token-type:id_token',
      ),
    ),
    scopes: maybe(fc.array(scope, { maxLength: 3 })),
    expires: fc.integer({ min: -10, max: 90 }).map((minutes) => new Date(NOW.getTime() + minutes * MINUTES)),
    claims: maybe(claims),
  }) as unknown as fc.Arbitrary<ObtainedToken>
  // Answers that are nearly right, so that many pass.
  const near = fc
    .record({
      claims,
      obtained,
      keep: fc.uniqueArray(fc.constantFrom(...Object.keys(CLAIMS)), { minLength: 5 }),
    })
    .map(({ claims: odd, obtained: other, keep }) => ({
      ...other,
      token: OBTAINED.token,
      tokenType: 'bearer' as const,
      issuedTokenType: OBTAINED.issuedTokenType,
      claims: {
        ...odd,
        ...Object.fromEntries(keep.map((key) => [key, CLAIMS[key as keyof TokenClaims]])),
      } as TokenClaims,
    }))

  test('what passes is of this user, this agent, this audience, within these scopes and this life', () => {
    let passed = 0
    fc.assert(
      fc.property(fc.oneof(obtained, near), (answer) => {
        let checked
        try {
          checked = checkObtained(answer, REQUEST, OPTIONS)
        } catch (error) {
          expect(error).toBeInstanceOf(CredentialError)
          return
        }
        passed += 1
        const { sub, act: actor, aud, scope: inside = [], exp, iat } = answer.claims as TokenClaims
        expect(sub).toBe('alice')
        expect(actor).toMatchObject({ sub: 'support-client' })
        expect(aud).not.toEqual([])
        expect(['https://orders.example', 'https://orders.example/v1']).toEqual(
          expect.arrayContaining([...aud!]),
        )
        expect(REQUEST.scopes).toEqual(expect.arrayContaining([...(answer.scopes ?? []), ...inside]))
        expect(REQUEST.scopes).toEqual(expect.arrayContaining([...checked.scopes]))
        expect(checked.expires.getTime() - NOW.getTime()).toBeGreaterThan(0)
        expect(checked.expires.getTime() - NOW.getTime()).toBeLessThanOrEqual(OPTIONS.maxLifetimeMs)
        if (exp !== undefined && iat !== undefined) expect(exp - iat).toBeLessThanOrEqual(600)
      }),
      { numRuns: 2000 },
    )
    expect(passed).toBeGreaterThan(20)
  })

  test('who acted before, however privileged, changes nothing', () => {
    fc.assert(
      fc.property(act, (nested) => {
        const answer = withClaims({
          act: { sub: 'support-client', ...(nested === undefined ? {} : { act: nested }) },
        })
        expect(checkObtained(answer, REQUEST, OPTIONS)).toEqual(checkObtained(OBTAINED, REQUEST, OPTIONS))
        expect(reasonOf(withClaims({ act: { sub: 'admin-client', act: { sub: 'support-client' } } }))).toBe(
          'actor',
        )
      }),
    )
  })
})
