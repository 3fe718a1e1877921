import { createServer, type IncomingMessage } from 'node:http'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  requestOf,
} from '@gatewright/example-authorization-server'
import { issuerConformance } from '@gatewright/example-authorization-server/issuer-conformance'
import { Secret } from '@gatewright/runtime/credentials'
import { describe, expect, test } from 'vitest'
import { auth0, auth0Vault } from './auth0.ts'
import { entra } from './entra.ts'
import { keycloak } from './keycloak.ts'
import { okta } from './okta.ts'
import { type ClientOptions, privateKeyJwt } from './token-exchange.ts'
import { workos } from './workos.ts'

type Json = Readonly<Record<string, unknown>>

const never = new AbortController().signal

function clientOf({ agent }: AuthorizationServer): Omit<ClientOptions, 'issuer'> {
  return {
    client: agent.id,
    authentication: privateKeyJwt(agent.key, { kid: agent.id }),
    dangerouslyAllowLoopback: true,
  }
}

// How each of them writes the claims of an access token, by their documentation.
const asKeycloak = ({ client_id, ...others }: Json): Json => ({
  ...others,
  act: undefined,
  azp: client_id,
  typ: 'Bearer',
})
const asOkta = ({ client_id, scope, sub, ...others }: Json): Json => ({
  ...others,
  act: undefined,
  cid: client_id,
  scp: String(scope).split(' '),
  uid: sub,
  sub: `${String(sub)}@shop.example`,
  ver: 1,
})
const asEntra = ({ client_id, scope, sub, ...others }: Json): Json => ({
  ...others,
  act: undefined,
  azp: client_id,
  scp: scope,
  oid: sub,
  sub: `pairwise-${String(sub)}`,
  ver: '2.0',
})
const asAuth0 = ({ client_id, ...others }: Json): Json => ({ ...others, azp: client_id })

issuerConformance({
  name: 'keycloak',
  server: { dress: asKeycloak },
  open: (server, options) => keycloak({ ...clientOf(server), ...options, realm: server.issuer }),
})

issuerConformance({
  name: 'okta',
  server: { dress: asOkta },
  open: (server, options) => okta({ ...clientOf(server), ...options, authorizationServer: server.issuer }),
})

issuerConformance({
  name: 'auth0',
  server: { dress: asAuth0 },
  open: (server, options) => auth0({ ...clientOf(server), ...options, tenant: server.issuer }),
})

issuerConformance({
  name: 'entra',
  server: { dress: asEntra },
  notGranted: 'ERR_INTERACTION_REQUIRED',
  open: (server, options) => entra({ ...clientOf(server), ...options, authority: server.issuer }),
})

describe('what each sends is what its server takes', () => {
  test.each([
    [
      'keycloak',
      asKeycloak,
      (server: AuthorizationServer) => keycloak({ ...clientOf(server), realm: server.issuer }),
      ['audience', 'requested_token_type', 'scope', 'subject_token', 'subject_token_type'],
    ],
    [
      'okta',
      asOkta,
      (server: AuthorizationServer) => okta({ ...clientOf(server), authorizationServer: server.issuer }),
      ['audience', 'scope', 'subject_token', 'subject_token_type'],
    ],
    [
      'auth0',
      asAuth0,
      (server: AuthorizationServer) => auth0({ ...clientOf(server), tenant: server.issuer }),
      ['audience', 'requested_token_type', 'scope', 'subject_token', 'subject_token_type'],
    ],
    [
      'entra',
      asEntra,
      (server: AuthorizationServer) => entra({ ...clientOf(server), authority: server.issuer }),
      ['assertion', 'requested_token_use', 'scope'],
    ],
  ])('%s', async (_, dress, open, names) => {
    await using server = await openAuthorizationServer({ dress })
    await open(server).obtain(await requestOf(server), { signal: never })
    const sent = Object.keys(server.asked.at(-1)?.params ?? {}).filter((name) => !name.startsWith('client_'))
    expect(sent.toSorted()).toEqual(names)
  })
})

describe('Entra', () => {
  test('has the scopes behind the API, and application ids for URIs, both ways', async () => {
    await using server = await openAuthorizationServer({ dress: asEntra })
    const driver = entra({
      ...clientOf(server),
      authority: server.issuer,
      applicationIds: { 'https://orders.example/': '6e74172b' },
      issuerOfV1: 'https://sts.windows.net/tenant/',
    })
    const request = await requestOf(server)
    server.misbehave({
      response: (answer) => ({
        ...answer,
        scope: 'https://orders.example/orders:read https://graph.example/Mail.Read',
      }),
      claims: (claims) => ({ ...claims, aud: '6e74172b', iss: 'https://sts.windows.net/tenant/' }),
    })
    const { scopes, claims } = await driver.obtain(request, { signal: never })
    expect(server.asked.at(-1)?.params['scope']).toBe('https://orders.example/orders:read')
    expect(scopes).toEqual(['orders:read', 'https://graph.example/Mail.Read'])
    expect(claims).toMatchObject({ aud: ['https://orders.example/'], iss: server.issuer, sub: 'alice' })
  })

  test('a user who has not agreed is told apart from one who has to authenticate again', async () => {
    await using server = await openAuthorizationServer({ dress: asEntra })
    const driver = entra({ ...clientOf(server), authority: server.issuer })
    const request = await requestOf(server)
    const refusal = async (more: object): Promise<unknown> => {
      const body = JSON.stringify({ error: 'invalid_grant', error_description: 'AADSTS', ...more })
      server.misbehave({ instead: { status: 400, type: 'application/json', body } })
      return await driver.obtain(request, { signal: never }).catch((error: unknown) => error)
    }
    expect(await refusal({ suberror: 'consent_required' })).toMatchObject({ code: 'ERR_CONSENT_REQUIRED' })
    expect(await refusal({ claims: '{"a":1}' })).toMatchObject({ code: 'ERR_INTERACTION_REQUIRED' })
    expect(await refusal({})).toMatchObject({ code: 'ERR_CREDENTIAL', reason: 'invalid_grant' })
  })

  test('the claims that the user has to meet are passed on, and stand in no message', async () => {
    await using server = await openAuthorizationServer({ dress: asEntra })
    const driver = entra({ ...clientOf(server), authority: server.issuer })
    const challenge = '{"access_token":{"acrs":{"essential":true,"value":"c1"}}}'
    const body = JSON.stringify({
      error: 'interaction_required',
      error_description: 'AADSTS50076',
      claims: challenge,
    })
    server.misbehave({ instead: { status: 400, type: 'application/json', body } })
    const error = await driver.obtain(await requestOf(server), { signal: never }).catch((one: Error) => one)
    expect(error).toMatchObject({ code: 'ERR_INTERACTION_REQUIRED', claims: challenge })
    expect(JSON.stringify(error) + String(error)).not.toMatch(/acrs|AADSTS/)
  })
})

interface Heard {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly authorization: string | undefined
  readonly body: string
}

/** A server that answers as it is told, and keeps what it heard. */
async function imitation(
  answer: (heard: Heard) => { status: number; body?: object },
): Promise<{ url: string; heard: Heard[] } & AsyncDisposable> {
  const heard: Heard[] = []
  const http = createServer((request: IncomingMessage, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => void (body += chunk))
    request.on('end', () => {
      const { method, url, headers } = request
      const one = { method, url, authorization: headers.authorization, body }
      heard.push(one)
      const { status, body: said } = answer(one)
      response.writeHead(status, { 'content-type': 'application/json' }).end(said && JSON.stringify(said))
    })
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  const { port } = http.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    heard,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
    },
  }
}

describe('ending a delegation at the server, by its management API', () => {
  const halted = { user: 'alice', subjects: ['user:alice', 'user:auth0|7'] }
  const token = async (): Promise<Secret> => new Secret('the management token')

  test.each([
    [
      'okta',
      [
        'DELETE /api/v1/users/alice/clients/support-agent/grants',
        'DELETE /api/v1/users/auth0%7C7/clients/support-agent/grants',
      ],
    ],
    ['auth0', ['DELETE /api/v2/grants?user_id=alice', 'DELETE /api/v2/grants?user_id=auth0%7C7']],
    [
      'entra',
      ['POST /v1.0/users/alice/revokeSignInSessions', 'POST /v1.0/users/auth0%7C7/revokeSignInSessions'],
    ],
  ])('%s, user by user, and nothing is claimed that was not done', async (vendor, expected) => {
    await using server = await openAuthorizationServer()
    let status = 204
    await using api = await imitation(() => ({ status }))
    const client = clientOf(server)
    const drivers = {
      okta: okta({
        ...client,
        authorizationServer: server.issuer,
        management: { organization: api.url, token },
      }),
      auth0: auth0({ ...client, tenant: api.url, management: { token } }),
      entra: entra({ ...client, authority: server.issuer, graph: { url: api.url, token } }),
    }
    const driver = drivers[vendor as keyof typeof drivers]
    expect(await driver.endDelegation?.(halted, { signal: never })).toBe(true)
    expect(api.heard.map(({ method, url }) => `${method} ${url}`)).toEqual(expected)
    expect(new Set(api.heard.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer the management token']),
    )
    expect(await driver.endDelegation?.({ run: 'run-1', subjects: [] }, { signal: never })).toBe(false)
    status = 403
    await expect(driver.endDelegation?.(halted, { signal: never })).rejects.toMatchObject({
      reason: 'management',
    })
  })
})

describe('tokens of other providers, out of a vault', () => {
  test('Auth0 is asked by its own grant, and an answer that does not say its scopes is refused', async () => {
    await using server = await openAuthorizationServer()
    let scope: string | undefined = 'mail.read'
    await using tenant = await imitation(({ url, body }) => {
      const base = `http://127.0.0.1`
      if (url?.includes('.well-known') === true) return { status: 200, body: {} }
      const form = new URLSearchParams(body)
      const isRight =
        form.get('grant_type') ===
          'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token' &&
        form.get('requested_token_type') ===
          'http://auth0.com/oauth/token-type/federated-connection-access-token' &&
        form.get('subject_token_type') === 'urn:ietf:params:oauth:token-type:access_token' &&
        form.get('connection') === 'google-oauth2' &&
        form.get('client_assertion') !== null
      if (!isRight) return { status: 400, body: { error: 'invalid_request', at: base } }
      return {
        status: 200,
        body: { access_token: 'ya29.abcdefgh', token_type: 'Bearer', expires_in: 100, scope },
      }
    })
    const driver = auth0Vault({
      ...clientOf(server),
      tenant: tenant.url,
      connection: 'google-oauth2',
      metadata: { issuer: tenant.url, token_endpoint: `${tenant.url}/oauth/token` },
    })
    const obtained = await driver.obtain(await requestOf(server), { signal: never })
    expect(obtained).toMatchObject({ scopes: ['mail.read'], claims: undefined, tokenType: 'bearer' })
    scope = undefined
    await expect(driver.obtain(await requestOf(server), { signal: never })).rejects.toMatchObject({
      reason: 'scope',
    })
  })

  test('WorkOS is asked for one user of one organisation, and says what it gave', async () => {
    let status = 200
    let body: object = {
      active: true,
      access_token: { access_token: 'gho_abcdefgh', expires_at: '2100-01-01T00:00:00Z', scopes: ['repo'] },
    }
    await using api = await imitation(() => ({ status, body }))
    const driver = workos({
      apiKey: new Secret('sk_test'),
      client: 'client_1',
      provider: 'github',
      url: api.url,
      dangerouslyAllowLoopback: true,
    })
    const request = await requestOf(
      { signIn: async () => 'the token of alice' },
      { subject: 'user:user_01', tenant: 'org_01' },
    )
    expect(await driver.obtain(request, { signal: never })).toMatchObject({
      scopes: ['repo'],
      claims: undefined,
    })
    expect(api.heard[0]).toEqual({
      method: 'POST',
      url: '/data-integrations/github/token',
      authorization: 'Bearer sk_test',
      body: '{"user_id":"user_01","organization_id":"org_01"}',
    })
    body = { active: false, error: 'needs_reauthorization' }
    await expect(driver.obtain(request, { signal: never })).rejects.toMatchObject({
      code: 'ERR_CONSENT_REQUIRED',
    })
    body = { active: true, access_token: { access_token: 'gho_abcdefgh' } }
    await expect(driver.obtain(request, { signal: never })).rejects.toMatchObject({ reason: 'scope' })
    status = 302
    await expect(driver.obtain(request, { signal: never })).rejects.toMatchObject({
      code: 'ERR_CREDENTIALS_UNAVAILABLE',
    })
    const nobody = { ...request, subject: undefined }
    await expect(driver.obtain(nobody, { signal: never })).rejects.toMatchObject({ reason: 'no-user' })
    expect(() => workos({ apiKey: new Secret('x'), client: 'c', provider: 'p', url: api.url })).toThrow(
      /https/,
    )
  })
})
