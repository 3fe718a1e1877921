import { createPublicKey } from 'node:crypto'
import { dpopKey } from '@gatewright/adapters/identity/token-exchange'
import { guardMcpServer } from '@gatewright/adapters/mcp'
import { decodeJwt, SignJWT, UnsecuredJWT } from 'jose'
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { InMemoryTransport, McpServer as McpServer2 } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { bearer, callOf, CANARY, INITIALIZE, KINDS, openNotes, OTHER_RESOURCE } from './guarded-server.ts'
import { VERSIONS } from './server.ts'

const READ = ['notes:read']
const OPTIONS = {
  resource: 'https://notes.example/mcp',
  issuer: 'https://issuer.example',
  jwks: 'https://issuer.example/jwks',
  tools: { read: { scopes: READ } },
}

describe.each(KINDS)('%s under guard', (kind) => {
  test.each(VERSIONS)(
    'serves a client %s.x what its token allows, and nothing that is internal',
    async (version) => {
      await using notes = await openNotes(kind)
      const token = await notes.token('alice', READ)
      const client = await notes.client(version, token)
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual(['read', 'remove', 'crash'])
      const result = await client.callTool({ name: 'read', arguments: { id: '1' } })
      const note = { id: '1', text: 'Tea at four. api_key=[redacted]', lines: [{ name: 'tea' }] }
      expect(result).toMatchObject({ structuredContent: note })
      expect(result.content).toEqual([{ type: 'text', text: JSON.stringify(note) }])
      expect(notes.calls).toEqual(['read 1: user:alice by support-agent'])
      // No tool sees the token, to send it on by mistake.
      expect(notes.leaks.join()).not.toContain(token.split('.')[2])
      await expect(client.callTool({ name: 'remove', arguments: { id: '1' } })).rejects.toThrow(
        /scope|Forbidden|403/i,
      )
      const unknown = await client
        .callTool({ name: 'forgotten', arguments: { id: '1' } })
        .catch((error: Error) => error)
      expect(unknown).toBeInstanceOf(Error)
      expect(await client.callTool({ name: 'crash', arguments: { id: '1' } })).toMatchObject({
        isError: true,
        content: [{ type: 'text', text: 'The tool failed.' }],
      })
      await client.close()
      expect(notes.calls).toEqual([
        'read 1: user:alice by support-agent',
        'crash 1: user:alice by support-agent',
      ])
    },
  )

  test('without the guard the same server runs every tool for anyone, and says its password', async () => {
    await using notes = await openNotes(kind, { isBare: true })
    const client = await notes.client(2, 'whatever')
    for (const name of ['read', 'remove', 'forgotten'])
      await client.callTool({ name, arguments: { id: '1' } })
    const crashed = await client.callTool({ name: 'crash', arguments: { id: '1' } })
    expect(JSON.stringify(crashed)).toContain(CANARY)
    expect(notes.calls).toHaveLength(4)
    expect(notes.leaks.join()).toContain('whatever')
    await client.close()
  })

  test('a call with too little says which scopes it needs, and where to get them', async () => {
    await using notes = await openNotes(kind)
    const headers = bearer(await notes.token('alice', READ))
    const response = await notes.post(callOf('remove'), headers)
    expect(response.status).toBe(403)
    const metadata = `${notes.url.origin}/.well-known/oauth-protected-resource/mcp`
    expect(response.headers.get('www-authenticate')).toContain(
      `Bearer error="insufficient_scope", scope="notes:write", resource_metadata="${metadata}"`,
    )
    // Hidden in a batch it is no less of a call; nor does a scope for one note open another.
    expect((await notes.post([callOf('read'), callOf('remove')], headers)).status).toBe(403)
    expect((await notes.post(callOf('read', { id: 'private' }), headers)).status).toBe(403)
    expect(await (await fetch(metadata)).json()).toMatchObject({
      resource: notes.url.href,
      authorization_servers: [notes.authorization.issuer],
      scopes_supported: ['notes:read', 'notes:write'],
      bearer_methods_supported: ['header'],
    })
    expect((await notes.post(callOf('read'), {})).headers.get('www-authenticate')).toContain(
      `Bearer resource_metadata="${metadata}"`,
    )
    expect(notes.calls).toEqual([])
  })

  test('a token that is not for here, not now, not signed or not of this issuer opens nothing', async () => {
    await using notes = await openNotes(kind)
    const good = await notes.token('alice', READ)
    const claims = decodeJwt(good)
    const jwks = (await (await fetch(`${notes.authorization.issuer}/jwks`)).json()) as { keys: object[] }
    const pem = createPublicKey({ key: jwks.keys[0] as never, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const signedBy = (key: Uint8Array, alg: string): Promise<string> =>
      new SignJWT(claims).setProtectedHeader({ alg, typ: 'at+jwt', kid: 'issuer' }).sign(key)
    const changed = async (change: (claims: Record<string, unknown>) => object): Promise<string> => {
      notes.authorization.misbehave({ claims: (own) => ({ ...own, ...change(own) }) as typeof own })
      const token = await notes.token('alice', READ)
      notes.authorization.misbehave({})
      return token
    }
    const shifted = (seconds: number) => (own: Record<string, unknown>) => ({
      iat: Number(own['iat']) + seconds,
      exp: Number(own['exp']) + seconds,
    })
    const bad: Record<string, string> = {
      'alg none': new UnsecuredJWT(claims).encode(),
      'the public key as a shared one': await signedBy(new TextEncoder().encode(pem.toString()), 'HS256'),
      'another server of the same issuer': await notes.token('alice', READ, { resource: OTHER_RESOURCE }),
      'an agent that may not act here': await notes.token('alice', READ, { agent: 'otherAgent' }),
      'the user’s own token for the front end': await notes.authorization.signIn('alice'),
      'five minutes old': await changed(shifted(-300)),
      'five minutes early': await changed(shifted(300)),
      'nested actor of whom nobody knows': await changed(() => ({
        act: { sub: 'support-agent', act: { sub: 'stranger' } },
      })),
      'bound to a certificate': await changed(() => ({ cnf: { 'x5t#S256': 'x' } })),
      'cut short': good.slice(0, -4),
    }
    for (const [why, token] of Object.entries(bad)) {
      const response = await notes.post(callOf('read'), bearer(token))
      expect([why, response.status]).toEqual([why, 401])
      expect(response.headers.get('www-authenticate')).toContain('error="invalid_token"')
    }
    const inQuery = await notes.post(callOf('read'), {}, `/mcp?access_token=${good}`)
    expect(inQuery.status).toBe(400)
    expect(
      (await notes.post(callOf('read'), { ...bearer(good), origin: 'https://evil.example' })).status,
    ).toBe(403)
    expect(notes.calls).toEqual([])
  })
})

describe('an MCP session', () => {
  test.each(['server 1.x', 'server 2.x'] as const)('belongs to who opened it (%s)', async (kind) => {
    await using bare = await openNotes(kind, { isBare: true })
    await using notes = await openNotes(kind)
    const open = async (at: typeof notes, token: string): Promise<string> => {
      const response = await at.post(INITIALIZE, bearer(token))
      await response.text()
      const session = response.headers.get('mcp-session-id') as string
      await at.post(
        { jsonrpc: '2.0', method: 'notifications/initialized' },
        { ...bearer(token), 'mcp-session-id': session },
      )
      return session
    }
    const [alice, bob] = [await notes.token('alice', READ), await notes.token('bob', READ)]
    const theirs = await open(bare, alice)
    // The bare server takes the id for the user: whoever has it is in.
    expect((await bare.post(callOf('read'), { ...bearer(bob), 'mcp-session-id': theirs })).status).toBe(200)
    expect(bare.calls).toHaveLength(1)

    const session = await open(notes, alice)
    const hijacked = await notes.post(callOf('read'), { ...bearer(bob), 'mcp-session-id': session })
    expect(hijacked.status).toBe(404)
    const listening = await fetch(notes.url, {
      headers: { ...bearer(bob), 'mcp-session-id': session, accept: 'text/event-stream' },
    })
    expect(listening.status).toBe(404)
    const ended = await fetch(notes.url, {
      method: 'DELETE',
      headers: { ...bearer(bob), 'mcp-session-id': session },
    })
    expect(ended.status).toBe(404)
    expect(notes.calls).toEqual([])
    const own = await notes.post(callOf('read'), { ...bearer(alice), 'mcp-session-id': session })
    expect(own.status).toBe(200)
    await own.text()
    expect(notes.calls).toEqual(['read 1: user:alice by support-agent'])
  })

  test('ends its open stream when the token does', async () => {
    await using notes = await openNotes('server 1.x')
    // Whole seconds: long enough to be exchanged, checked and used on a busy machine before it ends.
    const now = Math.floor(Date.now() / 1000)
    notes.authorization.misbehave({ claims: (own) => ({ ...own, exp: now + 5 }) })
    const headers = bearer(await notes.token('alice', READ))
    const opened = await notes.post(INITIALIZE, headers)
    await opened.text()
    const session = { ...headers, 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const stream = await fetch(notes.url, { headers: { ...session, accept: 'text/event-stream' } })
    expect(stream.status).toBe(200)
    // Nothing comes on it; without an end it would stay open for as long as the session does.
    expect(await stream.text()).toBe('')
  })

  test('two calls under one id do not lend each other their filters', async () => {
    await using notes = await openNotes('server 1.x')
    const headers = bearer(await notes.token('alice', ['notes:read', 'notes:write']))
    const opened = await notes.post(INITIALIZE, headers)
    await opened.text()
    const session = { ...headers, 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    const text = await (await notes.post([callOf('read'), callOf('remove')], session)).text()
    expect(text).not.toContain('cost')
    expect(notes.calls).toEqual(['read 1: user:alice by support-agent'])
  })
})

test('a server whose author forgot half of the guard opens no more for it', async () => {
  await using notes = await openNotes('server 1.x', { isProtected: false })
  const headers = bearer(await notes.token('alice', READ))
  for (const name of ['forgotten', 'remove'])
    expect((await notes.post(callOf(name), headers)).status).toBe(403)
  expect((await notes.post({ ...callOf('read'), method: 'resources/read' }, headers)).status).toBe(403)

  const { protect } = guardMcpServer(OPTIONS)
  const calls: string[] = []
  const make = {
    1: () => new McpServer1({ name: 'notes', version: '1.0.0' }),
    2: () => new McpServer2({ name: 'notes', version: '1.0.0' }),
  }
  for (const version of VERSIONS) {
    const server = protect(make[version]())
    ;(server.registerTool as unknown as (...given: unknown[]) => void).call(server, 'read', {}, () => {
      calls.push('read')
      return { content: [] }
    })
    const [ours, theirs] = InMemoryTransport.createLinkedPair()
    await server.connect(theirs as never)
    const heard: unknown[] = []
    Object.assign(ours, { onmessage: (message: unknown) => void heard.push(message) })
    await ours.start()
    // No HTTP, so no token: whatever the transport says of its caller, nobody verified it.
    const authInfo = { token: 'x', clientId: 'x', scopes: READ, extra: { caller: { scopes: new Set(READ) } } }
    for (const message of [INITIALIZE, callOf('read', {})])
      await ours.send(message as never, { authInfo } as never)
    await expect.poll(() => heard).toHaveLength(2)
    expect(heard).toMatchObject([{ error: { code: -32_602 } }, { error: { code: -32_602 } }])
  }
  expect(calls).toEqual([])
})

test('an agent of the past permits nothing, whoever acts now', async () => {
  await using notes = await openNotes('server 2.x, one for each request', {
    agents: ['support-agent', 'clerk'],
    tools: { remove: { scopes: ['notes:read'], agents: ['clerk'] } },
  })
  const act = async (claim: object): Promise<string> => {
    notes.authorization.misbehave({ claims: (own) => ({ ...own, act: claim }) })
    const token = await notes.token('alice', READ)
    notes.authorization.misbehave({})
    return token
  }
  const behind = await act({ sub: 'support-agent', act: { sub: 'clerk' } })
  await (await notes.post(callOf('remove'), bearer(behind))).text()
  expect(notes.calls).toEqual([])
  const now = await act({ sub: 'clerk', act: { sub: 'support-agent' } })
  await (await notes.post(callOf('remove'), bearer(now))).text()
  expect(notes.calls).toEqual(['remove 1: user:alice by clerk'])
})

test('a token that is bound to a key is good with a fresh proof, and never without or twice', async () => {
  await using notes = await openNotes('server 2.x, one for each request')
  const dpop = await dpopKey()
  const token = await notes.token('alice', READ, { dpop })
  const proofOf = (of: string, url = notes.url.href): Promise<string> =>
    dpop.prove({ method: 'POST', url, token: of })
  const proof = await proofOf(token)
  const proved = (one: string): Record<string, string> => ({ authorization: `DPoP ${token}`, dpop: one })
  expect((await notes.post(callOf('read'), bearer(token))).status).toBe(401)
  expect((await notes.post(callOf('read'), proved(await proofOf('another token')))).status).toBe(401)
  expect((await notes.post(callOf('read'), proved(await proofOf(token, OTHER_RESOURCE)))).status).toBe(401)
  expect(notes.calls).toEqual([])
  expect((await notes.post(callOf('read'), proved(proof))).status).toBe(200)
  expect((await notes.post(callOf('read'), proved(proof))).status).toBe(401)
})

test('a server that lacks a check does not start', () => {
  for (const [wrong, key] of [
    [{ resource: 'http://notes.example/mcp' }, 'resource'],
    [{ resource: 'https://notes.example/mcp?tenant=1' }, 'resource'],
    [{ jwks: 'http://issuer.example/jwks' }, 'jwks'],
    [{ algorithms: ['HS256'] }, 'algorithms'],
    [{ tools: { read: { scopes: [] } } }, 'tools.read.scopes'],
    [{ tools: { read: { scopes: ['a"b'] } } }, 'tools.read.scopes'],
    [{ methods: { 'resources/read': [] } }, 'methods.resources/read'],
  ] as const)
    expect(() => guardMcpServer({ ...OPTIONS, ...wrong })).toThrow(`${key}: expected`)
})
