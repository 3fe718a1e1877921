import { openAuthorizationServer, requestOf } from '@gatewright/example-authorization-server'
import { issuerConformance } from '@gatewright/example-authorization-server/issuer-conformance'
import { expect, test } from 'vitest'
import { clientCredentials } from './client-credentials.ts'
import { privateKeyJwt } from './token-exchange.ts'

issuerConformance({
  name: 'client-credentials',
  withoutUser: true,
  open: ({ issuer, agent }, options) =>
    clientCredentials({
      issuer,
      client: agent.id,
      authentication: privateKeyJwt(agent.key, { kid: agent.id }),
      dangerouslyAllowLoopback: true,
      ...options,
    }),
})

test('a run that has a user gets no token of the agent itself', async () => {
  await using server = await openAuthorizationServer()
  const { issuer, agent } = server
  const driver = clientCredentials({
    issuer,
    client: agent.id,
    authentication: privateKeyJwt(agent.key, { kid: agent.id }),
    dangerouslyAllowLoopback: true,
  })
  const asked = driver.obtain(await requestOf(server, { scopes: ['orders:admin'] }), {
    signal: new AbortController().signal,
  })
  await expect(asked).rejects.toMatchObject({ code: 'ERR_CREDENTIAL', reason: 'user' })
  expect(server.asked).toEqual([])
})
