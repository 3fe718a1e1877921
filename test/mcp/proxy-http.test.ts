import { privateKeyJwt, tokenExchange } from '@gatewright/adapters/identity/token-exchange'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  requestOf,
} from '@gatewright/example-authorization-server'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { expect, test } from 'vitest'
import { bearer, callOf, INITIALIZE } from './guarded-server.ts'
import { freePort, listen, openPlace, type Started, using } from './proxied.ts'
import { type Version, VERSIONS } from './server.ts'

const NEVER = new AbortController().signal
const SCOPES = ['desk']

async function tokenOf(server: AuthorizationServer, resource: string, user: string): Promise<string> {
  const issuer = tokenExchange({
    issuer: server.issuer,
    client: server.agent.id,
    authentication: privateKeyJwt(server.agent.key, { kid: server.agent.id }),
    dangerouslyAllowLoopback: true,
  })
  const { token } = await issuer.obtain(
    await requestOf(server, { audience: resource, scopes: SCOPES, subject: `user:${user}` }),
    { signal: NEVER },
  )
  return token.reveal()
}

async function connect(version: Version, url: URL, token: string): Promise<Started> {
  const info = { name: 'editor', version: '1.0.0' }
  const requestInit = { headers: bearer(token) }
  const client = version === 1 ? new Client1(info) : new Client2(info)
  const transport =
    version === 1 ? new Transport1(url, { requestInit }) : new Transport2(url, { requestInit })
  await client.connect(transport as never)
  return using(client, () => '')
}

test('over HTTP each user has a run of their own, and nobody anyone else’s', async () => {
  const url = new URL(`http://127.0.0.1:${await freePort()}/mcp`)
  const resource = url.href
  await using server = await openAuthorizationServer({
    resources: { [resource]: { scopes: SCOPES }, 'https://other.example/': { scopes: SCOPES } },
    users: { alice: { password: 'tea', scopes: SCOPES }, bob: { password: 'coffee', scopes: SCOPES } },
    consents: ['alice', 'bob'].flatMap((user) =>
      [resource, 'https://other.example/'].map((one) => ({ user, resource: one, scopes: SCOPES })),
    ),
  })
  await using place = await openPlace({
    listen: {
      http: {
        url: resource,
        port: Number(url.port),
        issuer: server.issuer,
        jwks: `${server.issuer}/jwks`,
        scopes: SCOPES,
        agents: ['support-agent'],
      },
    },
  })
  await using proxy = await listen(place.proxy)
  expect(proxy.said()).toContain("the cause of every call is anyone's")
  const [forAlice, forBob] = [
    await tokenOf(server, resource, 'alice'),
    await tokenOf(server, resource, 'bob'),
  ]
  const post = (body: object, headers: object): Promise<Response> =>
    fetch(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...headers,
      },
      body: JSON.stringify(body),
    })
  expect((await post(INITIALIZE, {})).status).toBe(401)
  const elsewhere = await tokenOf(server, 'https://other.example/', 'alice')
  expect((await post(INITIALIZE, bearer(elsewhere))).status).toBe(401)
  expect((await post(callOf('desk_read_mail', {}), bearer(forAlice))).status).toBe(400)

  for (const version of VERSIONS) {
    await using alice = await connect(version, url, forAlice)
    await using bob = await connect(version, url, forBob)
    const [hers, his] = [await alice.run(), await bob.run()]
    expect(hers).not.toBe(his)
    expect((await alice.call('desk_read_mail')).content[0]?.text).toContain('thief@evil.example')
    const mail = { to: `${version}@acme.example`, body: 'Tea at four.' }
    const words = { text: `Mail ${mail.to}.`, subject: 'user:alice', run: hers } as const
    const signed = await place.sign(words)
    // Her words are not his, whichever run they are signed for; nor without them is anything hers.
    expect((await bob.call('desk_send_mail', mail, signed)).isError).toBe(true)
    expect((await bob.call('desk_send_mail', mail, await place.sign({ ...words, run: his }))).isError).toBe(
      true,
    )
    expect((await alice.call('desk_send_mail', mail)).isError).toBe(true)
    expect((await alice.call('desk_send_mail', mail, signed)).isError ?? false).toBe(false)
  }
  expect((await place.outbox()).map(({ to }) => to)).toEqual(['1@acme.example', '2@acme.example'])

  const opened = await post(INITIALIZE, bearer(forAlice))
  await opened.text()
  const session = { 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
  expect((await post(callOf('desk_read_mail', {}), { ...bearer(forBob), ...session })).status).toBe(404)
  expect((await post(callOf('desk_read_mail', {}), session)).status).toBe(401)

  const audit = await place.audit()
  // The first is the proxy's own, which tries out what it was given.
  const [tried, ...starts] = audit.filter(({ type }) => type === 'run-started')
  expect(tried).toMatchObject({ subject: 'agent:editor@1.0.0', authentication: { kind: 'none' } })
  expect(new Set(starts.map(({ subject }) => subject))).toEqual(new Set(['user:alice', 'user:bob']))
  expect(starts[0]).toMatchObject({
    authentication: { kind: 'jwt', by: server.issuer },
    delegation: ['support-agent'],
  })
  expect(audit.filter(({ type }) => type === 'request-refused')).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ server: resource, because: 'no token' }),
      expect.objectContaining({ server: resource, because: 'token not valid' }),
      expect.objectContaining({ server: resource, because: 'session', subject: 'user:bob' }),
      expect.objectContaining({ server: resource, because: expect.stringContaining('no session yet') }),
      expect.objectContaining({ server: 'proxy', because: 'message of the user', subject: 'user:bob' }),
    ]),
  )
  expect(JSON.stringify(audit)).not.toContain(forAlice.split('.')[2])

  // A halt of one user ends her runs, refuses her new ones, and is none of his business.
  await using bob = await connect(2, url, forBob)
  await using alice = await connect(2, url, forAlice)
  const store = `sqlite:${place.directory}/state.db`
  expect((await place.run(['halt', 'user:alice', '--store', store, '--reason', 'INC-42'])).code).toBe(0)
  expect((await alice.call('desk_read_mail')).isError).toBe(true)
  expect((await post(INITIALIZE, bearer(forAlice))).status).toBe(403)
  expect((await bob.call('desk_read_mail')).isError ?? false).toBe(false)
  expect(await place.audit()).toContainEqual(
    expect.objectContaining({
      type: 'request-refused',
      because: 'no session could be opened',
      status: 403,
      subject: 'user:alice',
    }),
  )
})
