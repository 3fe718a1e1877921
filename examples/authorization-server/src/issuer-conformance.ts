import { createServer } from 'node:http'
import { inspect } from 'node:util'
import {
  type CredentialRequest,
  type ObtainedToken,
  Secret,
  type TokenIssuer,
} from '@gatewright/runtime/credentials'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { requestOf } from './credential-request.ts'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  openAuthorizationServer,
} from './server.ts'
import { ORDERS_API } from './world.ts'

export interface DriverUnderTest {
  readonly name: string
  readonly server?: AuthorizationServerOptions
  /** The driver as a client of the server, with what a test wants besides. */
  open(
    server: AuthorizationServer,
    options: { readonly timeoutMs?: number },
  ): TokenIssuer | Promise<TokenIssuer>
  /** Where users sign in. Default: at the server itself. */
  signIn?(user: string): Promise<string>
  /** Default `https://orders.example/`. */
  readonly audience?: string
  /** What a scope that the user did not grant gives. Default `ERR_CONSENT_REQUIRED`. */
  readonly notGranted?: 'ERR_CONSENT_REQUIRED' | 'ERR_INTERACTION_REQUIRED'
  /** For a driver that acts for the agent alone. */
  readonly withoutUser?: boolean
}

/** What any driver of the port `TokenIssuer` owes the broker, tried on a real authorization server. */
export function issuerConformance(driver: DriverUnderTest): void {
  const { name, audience = ORDERS_API, notGranted = 'ERR_CONSENT_REQUIRED', withoutUser = false } = driver
  const never = new AbortController().signal
  let server: AuthorizationServer
  let issuer: TokenIssuer

  async function request(user: string, changes: Partial<CredentialRequest> = {}): Promise<CredentialRequest> {
    const subject = withoutUser ? undefined : (`user:${user}` as const)
    return await requestOf({ signIn: driver.signIn ?? server.signIn }, { audience, subject, ...changes })
  }

  async function obtain(user = 'alice', changes: Partial<CredentialRequest> = {}): Promise<ObtainedToken> {
    return await issuer.obtain(await request(user, changes), { signal: never })
  }

  /** What an attempt fails with. */
  async function failing(attempt: Promise<unknown>): Promise<Error & { code?: string; reason?: string }> {
    return await attempt.then(
      () => expect.unreachable('it did not fail'),
      (error: Error) => error,
    )
  }

  describe(`an issuer: ${name}`, () => {
    beforeAll(async () => {
      server = await openAuthorizationServer(driver.server)
      issuer = await driver.open(server, {})
      await obtain()
    })
    beforeEach(() => server.misbehave({}))
    afterAll(async () => {
      await server[Symbol.asyncDispose]()
    })

    test('gives a token for this user, this audience and these scopes alone, that names this agent', async () => {
      const { claims, scopes, tokenType, expires } = await obtain()
      expect(scopes).toEqual(['orders:read'])
      expect(claims?.scope).toEqual(['orders:read'])
      expect(claims?.aud).toEqual([audience])
      expect(claims?.iss).toBe(issuer.issuer)
      expect(claims?.sub).toBe(withoutUser ? issuer.client : 'alice')
      if (!withoutUser && issuer.capabilities.actorIn !== 'client')
        expect(claims?.act).toEqual({ sub: issuer.client })
      if (issuer.capabilities.actorIn === 'client') expect(claims?.client).toBe(issuer.client)
      expect(tokenType).toBe(issuer.capabilities.dpop ? 'dpop' : 'bearer')
      expect(expires.getTime() - Date.now()).toBeGreaterThan(60_000)
      expect(expires.getTime() - Date.now()).toBeLessThanOrEqual(120_000)
    })

    test('asks once for each token, and gives another one each time', async () => {
      const before = server.asked.length
      const [one, other] = [await obtain(), await obtain()]
      expect(server.asked).toHaveLength(before + 2)
      expect(one.token.reveal()).not.toBe(other.token.reveal())
    })

    // An issuer that knows no user has nothing to promise here.
    if (!withoutUser) ofUsers()

    function ofUsers(): void {
      test('two users who ask at once each get a token of their own', async () => {
        const users = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? 'alice' : 'bob'))
        const got = await Promise.all(users.map(async (user) => obtain(user)))
        expect(got.map(({ claims }) => claims?.sub)).toEqual(users)
      })

      test('needs the token of the user, whatever it is told of them', async () => {
        const error = await failing(obtain('alice', { subjectToken: undefined }))
        expect(error.code).toBe('ERR_CREDENTIAL')
        expect(await failing(obtain('alice', { subjectToken: new Secret('made-up') }))).toMatchObject({
          code: 'ERR_CREDENTIAL',
          reason: 'invalid_grant',
        })
      })

      test('says that the user has yet to agree', async () => {
        expect(
          await failing(obtain('alice', { scopes: ['profile:read'], audience: 'https://profile.example/' })),
        ).toMatchObject({
          code: notGranted,
        })
      })
    }

    test('an error holds neither a token nor a word of the server', async () => {
      const body = JSON.stringify({
        error: 'invalid_grant',
        error_description: 'SERVER TEXT',
        hint: 'SERVER TEXT',
      })
      server.misbehave({ instead: { status: 400, type: 'application/json', body } })
      const asked = await request('alice')
      const error = await failing(issuer.obtain(asked, { signal: never }))
      expect(error).toMatchObject({ code: 'ERR_CREDENTIAL', reason: 'invalid_grant' })
      const shown = everything(error)
      expect(shown).not.toContain('SERVER TEXT')
      if (asked.subjectToken !== undefined)
        expect(shown).not.toContain(asked.subjectToken.reveal().slice(-20))
      server.misbehave({
        instead: { status: 400, type: 'application/json', body: '{"error":"SERVER TEXT"}' },
      })
      expect(everything(await failing(obtain()))).not.toContain('SERVER TEXT')
    })

    test('nothing that it gives shows a token', async () => {
      const obtained = await obtain()
      expect(everything(obtained)).not.toContain(obtained.token.reveal().slice(-20))
      expect(everything(issuer)).not.toContain(obtained.token.reveal().slice(-20))
    })

    test.each([
      ['down', { isDown: true }],
      ['answering HTML', { instead: { status: 200, type: 'text/html', body: '<p>hello' } }],
      [
        'answering nonsense',
        { instead: { status: 200, type: 'application/json', body: '{"access_token":7}' } },
      ],
      ['answering no JSON', { instead: { status: 200, type: 'application/json', body: '{"access_tok' } }],
      [
        'answering without end',
        { instead: { status: 200, type: 'application/json', body: ' '.repeat(300_000) } },
      ],
      ['broken', { instead: { status: 500, type: 'application/json', body: '{"error":"server_error"}' } }],
      ['overloaded', { instead: { status: 429, type: 'application/json', body: '{"error":"slow_down"}' } }],
    ])('a server that is %s is out of reach, and then is not', async (_, wrong) => {
      server.misbehave(wrong)
      expect(await failing(obtain())).toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
      server.misbehave({})
      await expect(obtain()).resolves.toBeDefined()
    })

    test('a server that hangs is given up on', async () => {
      const hasty = await driver.open(server, { timeoutMs: 60 })
      await hasty.obtain(await request('alice'), { signal: never }).catch(() => {})
      server.misbehave({ delayMs: Infinity })
      const error = await failing(hasty.obtain(await request('alice'), { signal: never }))
      expect(error).toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
    })

    test('a redirect is not followed: what the request holds goes to nobody else', async () => {
      const heard: string[] = []
      const elsewhere = createServer((asked, response) => {
        heard.push(asked.url ?? '')
        response.end('{}')
      })
      await new Promise<void>((resolve) => {
        elsewhere.listen(0, '127.0.0.1', resolve)
      })
      const { port } = elsewhere.address() as { port: number }
      for (const status of [302, 307, 308]) {
        const headers = { location: `http://127.0.0.1:${port}/token` }
        server.misbehave({ instead: { status, type: 'text/plain', body: '', headers } })
        expect(await failing(obtain())).toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
      }
      // Followed by a client that follows them, to show that there was something to follow.
      server.misbehave({
        instead: {
          status: 307,
          type: 'text/plain',
          body: '',
          headers: { location: `http://127.0.0.1:${port}/followed` },
        },
      })
      await fetch(`${server.issuer}/token`, { method: 'POST', body: 'x' })
      expect(heard).toEqual(['/followed'])
      elsewhere.closeAllConnections()
      elsewhere.close()
    })

    test('whoever stops waiting stops at once, and the others go on', async () => {
      server.misbehave({ delayMs: 50 })
      const stop = new AbortController()
      const reason = new Error('halted')
      const [left, stayed] = [issuer.obtain(await request('alice'), { signal: stop.signal }), obtain()]
      setTimeout(() => stop.abort(reason), 5)
      await expect(left).rejects.toBe(reason)
      await expect(stayed).resolves.toBeDefined()
      await expect(issuer.obtain(await request('alice'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
        reason,
      )
    })

    test('hands on what it is given, wider than asked too, for the broker to judge', async () => {
      server.misbehave({
        response: (answer) => ({
          ...answer,
          scope: 'orders:read orders:admin',
          issued_token_type: 'urn:odd',
        }),
        claims: (claims) => ({ ...claims, sub: 'bob', oid: 'bob', uid: 'bob' }),
      })
      const { scopes, claims, issuedTokenType } = await obtain()
      expect(scopes).toContain('orders:admin')
      expect(issuedTokenType).toBe('urn:odd')
      expect(claims?.sub).toBe('bob')
    })

    test('a token that was revoked is no longer active, or it says that it can do no such thing', async () => {
      const { token } = await obtain()
      const { revokes, introspects } = issuer.capabilities
      expect(issuer.revoke !== undefined).toBe(revokes)
      expect(issuer.introspect !== undefined).toBe(introspects)
      if (!revokes || !introspects) return
      expect(await issuer.introspect?.(token, { signal: never })).toEqual({ active: true })
      await issuer.revoke?.(token, { signal: never })
      expect(await issuer.introspect?.(token, { signal: never })).toEqual({ active: false })
    })
  })
}

function everything(value: unknown): string {
  const deep = inspect(value, { depth: Infinity, showHidden: true })
  return `${deep} ${JSON.stringify(value)} ${String(value)} ${value instanceof Error ? value.stack : ''}`
}
