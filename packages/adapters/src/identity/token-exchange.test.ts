import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  requestOf,
} from '@gatewright/example-authorization-server'
import { issuerConformance } from '@gatewright/example-authorization-server/issuer-conformance'
import { Secret } from '@gatewright/runtime/credentials'
import { SignJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import { clientCredentials } from './client-credentials.ts'
import {
  type ClientAuthentication,
  type ClientOptions,
  dpopKey,
  privateKeyJwt,
  tokenExchange,
  workloadAssertion,
} from './token-exchange.ts'

const never = new AbortController().signal

function clientOf(
  { issuer, agent }: AuthorizationServer,
  authentication?: ClientAuthentication,
): ClientOptions {
  return {
    issuer,
    client: agent.id,
    authentication: authentication ?? privateKeyJwt(agent.key, { kid: agent.id }),
    dangerouslyAllowLoopback: true,
  }
}

issuerConformance({
  name: 'token-exchange',
  open: (server, options) => tokenExchange({ ...clientOf(server), ...options }),
})

issuerConformance({
  name: 'token-exchange with opaque tokens',
  audience: 'https://opaque.example/',
  open: (server, options) => tokenExchange({ ...clientOf(server), ...options }),
})

issuerConformance({
  name: 'token-exchange with DPoP',
  open: async (server, options) => tokenExchange({ ...clientOf(server), ...options, dpop: await dpopKey() }),
})

describe('an exchange', () => {
  async function withServer(
    use: (server: AuthorizationServer) => Promise<void>,
    options: Parameters<typeof openAuthorizationServer>[0] = {},
  ): Promise<void> {
    await using server = await openAuthorizationServer(options)
    await use(server)
  }

  test('is for the resource and the details that were asked for, and no others', async () =>
    withServer(async (server) => {
      const details = [{ type: 'order', identifier: 'LT-20501' }]
      const request = await requestOf(server, {
        resource: 'https://orders.example/',
        authorizationDetails: details,
      })
      const { authorizationDetails } = await tokenExchange(clientOf(server)).obtain(request, {
        signal: never,
      })
      expect(authorizationDetails).toEqual(details)
      expect(server.asked.at(-1)?.params).toMatchObject({
        audience: 'https://orders.example/',
        resource: 'https://orders.example/',
        scope: 'orders:read',
      })
    }))

  test('what was narrowed once stays narrow, and the one who acted before is history', async () =>
    withServer(
      async (server) => {
        const first = await tokenExchange(clientOf(server)).obtain(await requestOf(server), { signal: never })
        const { id, key } = server.otherAgent
        const second = tokenExchange({
          ...clientOf(server, privateKeyJwt(key, { kid: id })),
          client: id,
        })
        const onward = { subjectToken: first.token, actor: 'agent:other@1.0.0' } as const
        const got = await second.obtain(await requestOf(server, onward), { signal: never })
        expect(got.claims?.act).toEqual({ sub: id, act: { sub: server.agent.id } })
        const wider = await requestOf(server, { ...onward, scopes: ['orders:write'] })
        await expect(second.obtain(wider, { signal: never })).rejects.toMatchObject({
          reason: 'invalid_scope',
        })
      },
      {
        consents: ['support-agent', 'other-agent'].map((client) => ({
          user: 'alice',
          client,
          resource: 'https://orders.example/',
          scopes: ['orders:read', 'orders:write'],
        })),
      },
    ))

  test('is refused where the user named another agent', async () =>
    withServer(async (server) => {
      const issuer = tokenExchange(clientOf(server))
      const named = new Secret(await server.signIn('alice', { act: server.agent.id }))
      await issuer.obtain(await requestOf(server, { subjectToken: named }), { signal: never })
      const other = new Secret(await server.signIn('alice', { act: server.otherAgent.id }))
      const request = await requestOf(server, { subjectToken: other })
      await expect(issuer.obtain(request, { signal: never })).rejects.toMatchObject({
        reason: 'invalid_grant',
      })
    }))

  test('a revoked token can be exchanged for again, until the delegation is ended at the server', async () =>
    withServer(async (server) => {
      const issuer = tokenExchange({
        ...clientOf(server),
        async endDelegation({ subjects }) {
          for (const subject of subjects) server.endDelegation({ user: subject.replace('user:', '') })
          return subjects.length > 0
        },
      })
      const request = await requestOf(server)
      const { token } = await issuer.obtain(request, { signal: never })
      await issuer.revoke?.(token, { signal: never })
      await expect(issuer.obtain(request, { signal: never })).resolves.toBeDefined()
      const scope = { run: 'run-1', subjects: ['user:alice'] }
      expect(await issuer.endDelegation?.(scope, { signal: never })).toBe(true)
      await expect(issuer.obtain(request, { signal: never })).rejects.toMatchObject({
        reason: 'invalid_grant',
      })
      expect(await issuer.endDelegation?.({ run: 'run-1', subjects: [] }, { signal: never })).toBe(false)
    }))

  test('shows a token of the agent beside the client, where the server wants one', async () =>
    withServer(async (server) => {
      const own = clientCredentials(clientOf(server))
      const issuer = tokenExchange({
        ...clientOf(server),
        actorToken: {
          async read(call) {
            const request = await requestOf(server, { subject: undefined, subjectToken: undefined })
            return (await own.obtain(request, call)).token
          },
        },
      })
      const { claims } = await issuer.obtain(await requestOf(server), { signal: never })
      expect(claims?.act).toEqual({ sub: server.agent.id })
      expect(server.asked.at(-1)?.params).toMatchObject({ actor_token: '[secret]' })
      const forged = tokenExchange({
        ...clientOf(server),
        actorToken: { read: async () => new Secret('forged') },
      })
      await expect(forged.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
        reason: 'invalid_grant',
      })
    }))

  test('proves who the agent is by what the platform says of it, read anew each time', async () =>
    withServer(async (server) => {
      const folder = mkdtempSync(join(tmpdir(), 'gatewright-workload-'))
      const file = join(folder, 'token')
      const renew = async (): Promise<void> => {
        const { id, key } = server.agent
        const jwt = new SignJWT().setProtectedHeader({ alg: 'ES256', kid: id }).setIssuer(id).setSubject(id)
        const assertion = jwt.setAudience(server.issuer).setExpirationTime('1m').setJti(crypto.randomUUID())
        writeFileSync(file, `${await assertion.sign(key)}\n`)
      }
      const issuer = tokenExchange(clientOf(server, workloadAssertion(file)))
      await renew()
      await issuer.obtain(await requestOf(server), { signal: never })
      // The server takes each assertion once.
      await expect(issuer.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
        reason: 'invalid_client',
      })
      await renew()
      await issuer.obtain(await requestOf(server), { signal: never })
      rmSync(folder, { recursive: true })
      await expect(issuer.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
        code: 'ERR_CREDENTIALS_UNAVAILABLE',
      })
    }))

  test('the proof of a key is good for one request', async () =>
    withServer(async (server) => {
      let proof: string | null = null
      const capturing: typeof fetch = async (url, init) => {
        proof = new Headers(init?.headers).get('dpop') ?? proof
        return await fetch(url, init)
      }
      const key = await dpopKey()
      const issuer = tokenExchange({ ...clientOf(server), dpop: key, fetch: capturing })
      const { claims } = await issuer.obtain(await requestOf(server), { signal: never })
      expect(claims?.cnf).toEqual({ jkt: issuer.dpopKey })
      const replaying: typeof fetch = async (url, init) => {
        const headers = new Headers(init?.headers)
        if (headers.has('dpop')) headers.set('dpop', proof ?? '')
        return await fetch(url, { ...init, headers })
      }
      const thief = tokenExchange({ ...clientOf(server), dpop: key, fetch: replaying })
      await expect(thief.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
        reason: 'invalid_grant',
      })
    }))

  test('goes over TLS alone, to whatever the metadata name too', async () =>
    withServer(async (server) => {
      const { dangerouslyAllowLoopback: _, ...safe } = clientOf(server)
      expect(() => tokenExchange(safe)).toThrow(/issuer: expected an https URL/)
      expect(() => tokenExchange({ ...safe, issuer: 'not a url' })).toThrow(/issuer/)
      const { href } = new URL('/', server.issuer)
      for (const foreign of ['http://203.0.113.7/token', 'ftp://127.0.0.1/'])
        await expect(
          tokenExchange({
            ...clientOf(server),
            metadata: { issuer: server.issuer, token_endpoint: foreign },
          }).obtain(await requestOf(server), { signal: never }),
        ).rejects.toThrow(/metadata.token_endpoint: expected an https URL/)
      expect(() =>
        tokenExchange({ ...clientOf(server), issuer: href.replace('127.0.0.1', '0.0.0.0') }),
      ).toThrow(/issuer/)
    }))

  test('a server that says it is another is not taken at its word', async () =>
    withServer(async (server) => {
      const posing: typeof fetch = async (url, init) => {
        const response = await fetch(url, init)
        if (!String(url).includes('.well-known')) return response
        const metadata = (await response.json()) as object
        return Response.json({ ...metadata, issuer: 'https://id.example' })
      }
      const issuer = tokenExchange({ ...clientOf(server), fetch: posing })
      await expect(issuer.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
        code: 'ERR_CREDENTIALS_UNAVAILABLE',
      })
      expect(server.asked).toEqual([])
    }))
})
