import * as oidc from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type AuthorizationServer, openAuthorizationServer } from './server.ts'
import { DELEGATIONS, ORDERS_API } from './world.ts'

const CIBA = 'urn:openid:params:grant-type:ciba'

let server: AuthorizationServer
let config: oidc.Configuration

beforeAll(async () => {
  server = await openAuthorizationServer()
  const { agent, issuer } = server
  const authentication = oidc.PrivateKeyJwt({ key: agent.key, kid: agent.id })
  config = await oidc.discovery(new URL(issuer), agent.id, {}, authentication, {
    execute: [oidc.allowInsecureRequests],
  })
})
afterAll(async () => server[Symbol.asyncDispose]())

const poll = async (id: string): Promise<oidc.TokenEndpointResponse> =>
  oidc.genericGrantRequest(config, CIBA, { auth_req_id: id })

test('a user who is asked at the back channel answers there, and the client hears of it by asking', async () => {
  const asked = { login_hint: 'alice', scope: 'openid orders:read', resource: ORDERS_API }
  const yes = await oidc.initiateBackchannelAuthentication(config, asked)
  await expect(poll(yes.auth_req_id)).rejects.toMatchObject({ error: 'authorization_pending' })
  await server.answerBackchannel(yes.auth_req_id, true)
  expect(await poll(yes.auth_req_id)).toMatchObject({ scope: 'orders:read' })
  const no = await oidc.initiateBackchannelAuthentication(config, asked)
  await server.answerBackchannel(no.auth_req_id, false)
  await expect(poll(no.auth_req_id)).rejects.toMatchObject({ error: 'access_denied' })
})

test('a delegation is ended by whoever has a token for that, and by nobody else', async () => {
  const end = async (token: string): Promise<number> => {
    const request = {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: '{"user":"alice"}',
    }
    return (await fetch(`${server.issuer}/delegations/end`, request)).status
  }
  const { access_token: other } = await oidc.clientCredentialsGrant(config, {
    resource: ORDERS_API,
    scope: 'orders:read',
  })
  for (const token of ['', 'made-up', other, await server.signIn('alice')]) expect(await end(token)).toBe(403)
  const { access_token: right } = await oidc.clientCredentialsGrant(config, {
    resource: DELEGATIONS,
    scope: 'delegations:end',
  })
  expect(await end(right)).toBe(204)
  const exchange = {
    subject_token: await server.signIn('alice'),
    subject_token_type: 'urn:ietf:params:oauth:token-type:access_token',
    resource: ORDERS_API,
    scope: 'orders:read',
  }
  const grant = 'urn:ietf:params:oauth:grant-type:token-exchange'
  await expect(oidc.genericGrantRequest(config, grant, exchange)).rejects.toMatchObject({
    error: 'invalid_grant',
  })
  server.allowAgain()
  await expect(oidc.genericGrantRequest(config, grant, exchange)).resolves.toBeDefined()
})
