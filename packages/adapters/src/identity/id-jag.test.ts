import {
  type AuthorizationServer,
  openAuthorizationServer,
  requestOf,
} from '@gatewright/example-authorization-server'
import { issuerConformance } from '@gatewright/example-authorization-server/issuer-conformance'
import { afterAll, expect, test } from 'vitest'
import { idJag, type IdJagOptions } from './id-jag.ts'
import { type ClientOptions, privateKeyJwt } from './token-exchange.ts'

const never = new AbortController().signal
const home = await openAuthorizationServer()
afterAll(async () => home[Symbol.asyncDispose]())

function clientOf({ issuer, agent }: AuthorizationServer): ClientOptions {
  return {
    issuer,
    client: agent.id,
    authentication: privateKeyJwt(agent.key, { kid: agent.id }),
    dangerouslyAllowLoopback: true,
  }
}

issuerConformance({
  name: 'id-jag',
  server: { trusts: [home.issuer] },
  signIn: home.signIn,
  open: (server, options) => idJag({ ...clientOf(server), ...options, home: clientOf(home) }),
})

async function obtaining(changes: Partial<IdJagOptions>, trusts = [home.issuer]): Promise<unknown> {
  await using server = await openAuthorizationServer({ trusts })
  const driver = idJag({ ...clientOf(server), home: clientOf(home), ...changes })
  return await driver.obtain(await requestOf(home), { signal: never }).catch((error: unknown) => error)
}

test('an assertion is good for the server that it names, and for one that trusts its issuer', async () => {
  expect(await obtaining({}, [])).toMatchObject({ reason: 'invalid_grant' })
  await using another = await openAuthorizationServer({ trusts: [home.issuer] })
  // The assertion is for `another`, and is handed to a server that calls itself so.
  const metadata = { issuer: another.issuer, token_endpoint: '' }
  await using server = await openAuthorizationServer({ trusts: [home.issuer] })
  metadata.token_endpoint = `${server.issuer}/token`
  expect(await obtaining({ ...clientOf(server), issuer: another.issuer, metadata })).toMatchObject({
    code: 'ERR_CREDENTIAL',
  })
})

test('a token of the home domain never goes abroad in place of an assertion', async () => {
  home.misbehave({
    response: (answer) => ({
      ...answer,
      issued_token_type: 'urn:ietf:params:oauth:token-type:access_token',
      token_type: 'Bearer',
    }),
  })
  await using server = await openAuthorizationServer({ trusts: [home.issuer] })
  const driver = idJag({ ...clientOf(server), home: clientOf(home) })
  await expect(driver.obtain(await requestOf(home), { signal: never })).rejects.toMatchObject({
    reason: 'issued-type',
  })
  expect(server.asked).toEqual([])
  home.misbehave({})
})
