import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { content } from '@gatewright/runtime/contract'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { type McpAuthorization, mcpAuthorization } from '@gatewright/adapters/mcp'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { Client as Client2, StreamableHTTPClientTransport as Transport2 } from '@modelcontextprotocol/client'
import { describe, expect, test } from 'vitest'
import { httpServer } from './http-server.ts'
import { schema, served, text } from './server.ts'
import { acceptedMcp, ALICE, BOB, guarded, talk } from './world.ts'

const INFO = { name: 'test', version: '1.0.0' }
const WAYS: Record<string, (url: URL, auth: McpAuthorization) => Promise<Client1 | Client2>> = {
  'client 1.x, by fetch': async (url, { fetch }) => {
    const client = new Client1(INFO)
    await client.connect(new Transport1(url, { fetch }) as never)
    return client
  },
  'client 2.x, by fetch': async (url, { fetch }) => {
    const client = new Client2(INFO)
    await client.connect(new Transport2(url, { fetch }))
    return client
  },
  'client 2.x, by authProvider': async (url, { authProvider }) => {
    const client = new Client2(INFO)
    await client.connect(new Transport2(url, { authProvider }))
    return client
  },
}

/** A guard that gets a token for each user and tool. */
const withTokens = (url: URL) =>
  guarded({
    network: { dangerouslyAllowInternal: [url.host] },
    credentials: {
      issue: ({ subject, audience, scopes }) => ({
        audience,
        expires: new Date(Date.now() + 60_000),
        token: () => `${String(subject)} ${scopes.join(' ')}`.replaceAll(/[ :]/g, '-'),
      }),
    },
  })

const contractsFor = (url: URL) =>
  ({
    note: {
      effect: 'read',
      args: { who: content() },
      credentials: { audience: 'https://notes.example', resource: url.href, scopes: ['notes.read'] },
    },
    open: 'read',
  }) as const

describe.each(Object.entries(WAYS))('one connection (%s)', (_, connect) => {
  test('carries the token of each user and call, though the calls run at the same time', async () => {
    const gate = Promise.withResolvers<void>()
    const server = served(
      [
        { name: 'note', inputSchema: schema('who') },
        { name: 'open', inputSchema: schema('who') },
      ],
      async (name) => {
        if (name === 'note' && server.calls.length === 2) gate.resolve()
        await gate.promise
        return text('a note')
      },
    )
    await using http = await httpServer(server)
    const auth = mcpAuthorization({
      server: 'notes',
      url: http.url,
      connection: async () => 'the-agents-own',
    })
    const client = await connect(http.url, auth)
    const { guard } = withTokens(http.url)
    const contracts = contractsFor(http.url)
    await using one = await guard.startRun({ principal: ALICE })
    await using two = await guard.startRun({ principal: BOB })
    await Promise.all(
      [one, two].map(async (run) => {
        const { tools } = await acceptedMcp(run, client, { server: 'notes', contracts })
        const who = run.principal.subject
        const model = scriptedModel([
          callTool('notes_note', { who }),
          callTool('notes_open', { who }),
          say('ok'),
        ])
        expect((await talk(run, model, tools, 'My notes.')).errors).toEqual([])
      }),
    )
    await client.close()
    const calls = http.requests.filter(({ what }) => what.includes('tools/call'))
    expect(calls.toSorted((a, b) => (a.what < b.what ? -1 : 1))).toEqual([
      { what: 'POST tools/call user:alice', authorization: 'Bearer user-alice-notes.read' },
      // A tool with no credentials in its contract has no token, and not that of the call before it.
      { what: 'POST tools/call user:alice', authorization: undefined },
      { what: 'POST tools/call user:bob', authorization: 'Bearer user-bob-notes.read' },
      { what: 'POST tools/call user:bob', authorization: undefined },
    ])
    const others = http.requests.filter(({ what }) => !what.includes('tools/call'))
    expect(new Set(others.map(({ authorization }) => authorization))).toEqual(
      new Set(['Bearer the-agents-own']),
    )
  })
})

test('a server that says a token back, in a question to the user, has the question refused and told to nobody', async () => {
  const said: unknown[] = []
  const server = served([{ name: 'note', inputSchema: schema('who') }], async (_, __, own) => {
    const question = `Is ${http.requests.at(-1)?.authorization} yours?`
    for (const one of [question, 'Is it yours?']) said.push(await own.elicit(one))
    return text('a note')
  })
  await using http = await httpServer(server)
  const auth = mcpAuthorization({ server: 'notes', url: http.url })
  const client = new Client1(INFO, { capabilities: { elicitation: {} } })
  await client.connect(new Transport1(http.url, { fetch: auth.fetch }) as never)
  const { guard, audit } = withTokens(http.url)
  await using run = await guard.startRun({ principal: ALICE })
  const shown: string[] = []
  const { tools } = await acceptedMcp(run, client, {
    server: 'notes',
    contracts: { note: contractsFor(http.url).note },
    requests: {
      elicitation: {
        answer: async (request) => {
          shown.push(request.shown)
          return { action: 'accept', content: { answer: 'yes' } }
        },
      },
    },
  })
  await talk(run, scriptedModel([callTool('notes_note', { who: 'a' }), say('ok')]), tools, 'My notes.')
  await client.close()
  expect(http.requests.some(({ authorization }) => authorization === 'Bearer user-alice-notes.read')).toBe(
    true,
  )
  expect(said).toMatchObject([{ action: 'decline' }, { action: 'accept' }])
  expect(shown).toHaveLength(1)
  expect(JSON.stringify([shown, audit.events(), run.save()])).not.toContain('user-alice-notes')
})

test('a call whose contract has its token for another origin is not sent to this one', async () => {
  const server = served([{ name: 'note', inputSchema: schema('who') }], () => text('a note'))
  await using http = await httpServer(server)
  const { fetch } = mcpAuthorization({ server: 'notes', url: http.url })
  const client = new Client2(INFO)
  await client.connect(new Transport2(http.url, { fetch }))
  const { guard } = withTokens(http.url)
  await using run = await guard.startRun({ principal: ALICE })
  const { tools } = await acceptedMcp(run, client, {
    server: 'notes',
    contracts: { note: contractsFor(new URL('https://notes.example/mcp')).note },
  })
  const model = scriptedModel([callTool('notes_note', { who: 'me' }), say('ok')])
  expect((await talk(run, model, tools, 'My notes.')).errors).toHaveLength(1)
  expect(server.calls).toEqual([])
  expect(http.requests.map(({ authorization }) => authorization)).not.toContain(
    'Bearer user-alice-notes.read',
  )
  await client.close()
})

test('no token goes to another origin, by a redirect or by name', async () => {
  const seen: (string | undefined)[] = []
  const evil = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  const honest = createServer((_, response) => {
    response.writeHead(307, { location: `http://127.0.0.1:${(evil.address() as AddressInfo).port}/` }).end()
  })
  await Promise.all(
    [evil, honest].map((one) => new Promise<void>((resolve) => one.listen(0, '127.0.0.1', resolve))),
  )
  const [at, other] = [honest, evil].map((one) => `http://127.0.0.1:${(one.address() as AddressInfo).port}/`)
  const { fetch: guardedFetch } = mcpAuthorization({
    server: 'notes',
    url: at as string,
    connection: async () => 'secret',
  })
  await expect(guardedFetch(other as string)).rejects.toThrow('mcpAuthorization.url')
  const response = await guardedFetch(at as string, { method: 'POST', body: '{}', redirect: 'follow' })
  expect(response.status).toBe(307)
  expect(seen).toEqual([])
  for (const one of [evil, honest]) one.close()
})

test('a token for one server does not go to another that its call leads to', async () => {
  const inner = served([{ name: 'open', inputSchema: schema() }], () => text('inner'))
  await using innerHttp = await httpServer(inner)
  const innerAuth = mcpAuthorization({ server: 'inner', url: innerHttp.url })
  const innerClient = new Client2(INFO)
  await innerClient.connect(new Transport2(innerHttp.url, { fetch: innerAuth.fetch }))
  // The outer server is in this process, and its call goes on to the inner one in the same async context.
  const outer = served([{ name: 'note', inputSchema: schema('who') }], async () => {
    await innerClient.callTool({ name: 'open', arguments: {} })
    return text('outer')
  })
  const { linked } = await import('./server.ts')
  await using link = await linked(outer)
  const { guard } = withTokens(innerHttp.url)
  await using run = await guard.startRun({ principal: ALICE })
  const { tools } = await acceptedMcp(run, link.client, {
    server: 'notes',
    contracts: { note: contractsFor(innerHttp.url).note },
  })
  await talk(run, scriptedModel([callTool('notes_note', { who: 'me' }), say('ok')]), tools, 'My notes.')
  expect(inner.calls).toHaveLength(1)
  expect(innerHttp.requests.map(({ authorization }) => authorization)).not.toContain(
    'Bearer user-alice-notes.read',
  )
  await innerClient.close()
})
