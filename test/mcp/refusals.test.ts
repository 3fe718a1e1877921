import { type AuditEvent, GuardError, memoryAudit } from '@gatewright/runtime'
import {
  guardMcp,
  guardMcpServer,
  type GuardMcpOptions,
  mcpProxy,
  USER_MESSAGE,
} from '@gatewright/adapters/mcp'
import { InMemoryTransport, McpServer } from '@modelcontextprotocol/server'
import { describe, expect, test } from 'vitest'
import { bearer, callOf, INITIALIZE, openNotes } from './guarded-server.ts'
import { linked, schema, served, type ServedTool, text } from './server.ts'
import { accept, ALICE, guarded, memoryPins } from './world.ts'

const NEVER = new AbortController().signal
const CANARY = 'eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJl'
const tool = (name: string, more: Partial<ServedTool> = {}): ServedTool => ({
  name,
  inputSchema: schema(),
  ...more,
})
const refusals = (events: readonly AuditEvent[]): readonly AuditEvent[] =>
  events.filter(({ type }) => type === 'tool-refused' || type === 'request-refused')

function failsAt(type: AuditEvent['type']): { write(event: AuditEvent): void } {
  return {
    write(event) {
      if (event.type === type) throw new Error('disk full')
    },
  }
}

describe('a tool of a server that is not offered is in the audit of the run', () => {
  const contracts = {
    gone: 'read',
    changed: 'read',
    fresh: 'read',
    twice: 'read',
    né: 'read',
    odd: 'read',
    fine: 'read',
  } as const

  async function messy() {
    const under = served(
      [
        tool('gone'),
        tool('changed'),
        tool('twice'),
        tool('né'),
        tool('odd', { inputSchema: { ...schema(), $ref: 'https://elsewhere.example/schema' } as never }),
        tool('fine'),
        tool(CANARY),
      ],
      () => text('ok'),
    )
    const link = await linked(under)
    const pins = memoryPins()
    await accept(pins, 'files', link.client)
    under.tools = [
      ...under.tools.filter(({ name }) => name !== 'gone' && name !== 'changed'),
      tool('changed', { description: CANARY }),
      tool('fresh'),
      tool('twice'),
    ]
    await link.changed()
    const options: GuardMcpOptions = { server: 'files', contracts, pins }
    return { link, options }
  }

  test('once for each and its reason, however often the server is looked at, and again in another run', async () => {
    const { link, options } = await messy()
    await using _ = link
    const { guard, audit } = guarded()
    await using run = await guard.startRun({ principal: ALICE })
    const { tools, refused } = await guardMcp(run, link.client, options)
    await guardMcp(run, link.client, options)
    expect(Object.keys(tools)).toEqual(['files_fine'])
    expect(new Set(refused.map(({ because }) => because)).size).toBe(7)
    const events = refusals(audit.events())
    expect(events).toHaveLength(refused.length)
    for (const { tool: name, because } of refused.filter(({ tool: one }) => one !== CANARY))
      expect(events).toContainEqual(
        expect.objectContaining({
          type: 'tool-refused',
          server: 'files',
          tool: name,
          because,
          run: run.id,
          subject: 'user:alice',
        }),
      )
    // A server gives its tools the names that it likes.
    expect(JSON.stringify(events)).not.toContain(CANARY)
    expect(events).toContainEqual(expect.objectContaining({ tool: '[secret]', because: 'no contract' }))
    await using later = await guard.startRun({ principal: ALICE })
    await guardMcp(later, link.client, options)
    expect(refusals(audit.events())).toHaveLength(2 * refused.length)
  })

  test('or nothing of that server is offered', async () => {
    const { link, options } = await messy()
    await using _ = link
    const { guard } = guarded({ audit: { sink: failsAt('tool-refused') } })
    await using run = await guard.startRun({ principal: ALICE })
    const look = () => guardMcp(run, link.client, options)
    await expect(look()).rejects.toMatchObject({ code: 'ERR_AUDIT_UNAVAILABLE' })
    await expect(look()).rejects.toMatchObject({ code: 'ERR_AUDIT_UNAVAILABLE' })
  })

  test('anew where it had been offered meanwhile', async () => {
    const under = served([tool('read')], () => text('ok'))
    await using link = await linked(under)
    const pins = memoryPins()
    const { guard, audit } = guarded()
    await using run = await guard.startRun({ principal: ALICE })
    const options = { server: 'files', contracts: { read: 'read' }, pins } as const
    await accept(pins, 'files', link.client)
    const look = async (description: string): Promise<void> => {
      under.tools = [tool('read', { description })]
      await link.changed()
      await guardMcp(run, link.client, options)
    }
    await look('Other.')
    await accept(pins, 'files', link.client)
    await look('Other.')
    await look('Another.')
    expect(refusals(audit.events())).toMatchObject([
      { because: 'changed since it was accepted' },
      { because: 'changed since it was accepted' },
    ])
  })

  test('of a proxy too, with why it left first, and so is a call of what is not offered or not said', async () => {
    const under = served([tool('read')], () => text('ok'))
    await using link = await linked(under)
    const pins = memoryPins()
    await accept(pins, 'files', link.client)
    const { guard, audit } = guarded()
    const upstream = { client: link.client, server: 'files', contracts: { read: 'read' }, pins } as const
    await using session = await mcpProxy({ guard, upstreams: [upstream] }).open({ principal: ALICE })
    under.tools = [tool('read', { description: 'Other.' })]
    await link.changed()
    await session.list()
    // Even if somebody accepts it by now: it is out of this session.
    await accept(pins, 'files', link.client)
    expect((await session.list()).tools).toEqual([])
    const call = (name: string, more: object = {}) =>
      session.call({ name, arguments: { path: CANARY }, ...more }, { signal: NEVER })
    expect(await call('files_read')).toMatchObject({ isError: true })
    expect(await call(CANARY)).toMatchObject({ isError: true })
    expect(await call('files_read', { _meta: { [USER_MESSAGE]: CANARY } })).toMatchObject({ isError: true })
    const events = refusals(audit.events())
    expect(events).toMatchObject([
      { type: 'tool-refused', tool: 'read', because: 'changed since it was accepted' },
      { type: 'request-refused', server: 'proxy', tool: 'files_read', because: 'no such tool' },
      { type: 'request-refused', server: 'proxy', tool: '[secret]', because: 'no such tool' },
      { type: 'request-refused', server: 'proxy', tool: 'files_read', because: 'message of the user' },
    ])
    expect(JSON.stringify(events)).not.toContain(CANARY)
    expect(under.calls).toEqual([])
  })
})

describe('what a server under guard refuses is in its audit', () => {
  const READ = ['notes:read']

  test('once, with who asked where that is verified, and no token, header or argument', async () => {
    const audit = memoryAudit()
    await using notes = await openNotes('server 2.x, one for each request', { audit: { sink: audit } })
    const good = await notes.token('alice', READ)
    const known = {
      subject: 'user:alice',
      delegation: ['support-agent'],
      client: 'support-agent',
      server: notes.url.href,
    }
    const odd = { 'x-canary': CANARY, cookie: `session=${CANARY}` }
    const read = callOf('read', { id: CANARY })
    const tried: readonly (readonly [Promise<Response>, number, object])[] = [
      [notes.post(read, odd), 401, { because: 'no token' }],
      [notes.post(read, odd, `/mcp?access_token=${good}`), 400, { because: 'token in the query' }],
      [notes.post(read, bearer(good.slice(0, -4))), 401, { because: 'token not valid' }],
      [notes.post(read, { ...bearer(good), origin: 'https://canary.example' }), 403, { because: 'origin' }],
      [
        notes.post(callOf('remove', { id: CANARY }), { ...bearer(good), ...odd }),
        403,
        { ...known, because: 'too little scope', method: 'tools/call', tool: 'remove' },
      ],
      [
        notes.post([read, callOf('forgotten', { id: CANARY })], bearer(good)),
        403,
        { ...known, because: 'not permitted', method: 'tools/call', tool: 'forgotten' },
      ],
      [
        notes.post(callOf(`${CANARY} ${'x'.repeat(1000)}`), bearer(good)),
        403,
        { ...known, because: 'not permitted', tool: expect.stringMatching(/^\[secret\] x{191}…$/) },
      ],
      [
        notes.post({ ...read, method: 'resources/read' }, bearer(good)),
        403,
        { ...known, because: 'not permitted', method: 'resources/read' },
      ],
      [notes.post(`{"${CANARY}`, bearer(good)), 400, { ...known, because: 'not readable' }],
      [
        notes.post(read, { ...bearer(good), 'mcp-session-id': CANARY }),
        404,
        { ...known, because: 'session' },
      ],
    ]
    for (const [response, status, event] of tried) {
      expect([event, (await response).status]).toEqual([event, status])
      expect(refusals(audit.events())).toContainEqual(
        expect.objectContaining({ type: 'request-refused', status, ...event }),
      )
    }
    expect(audit.events()).toHaveLength(tried.length)
    const written = JSON.stringify(audit.events())
    for (const secret of [CANARY, 'canary', good, good.split('.')[2] as string])
      expect(written).not.toContain(secret)
    // What is served is not refused.
    expect((await notes.post(callOf('read'), bearer(good))).status).toBe(200)
    expect(audit.events()).toHaveLength(tried.length)
    expect(notes.calls).toEqual(['read 1: user:alice by support-agent'])
  })

  test('also where the keys of the tokens cannot be had', async () => {
    const audit = memoryAudit()
    await using notes = await openNotes('server 1.x', {
      audit: { sink: audit },
      jwks: 'http://127.0.0.1:9/jwks',
    })
    const token = await notes.token('alice', READ)
    expect((await notes.post(callOf('read'), bearer(token))).status).toBe(503)
    expect(audit.events()).toMatchObject([
      { type: 'request-refused', because: 'tokens cannot be checked', status: 503 },
    ])
  })

  test('also a second call under the id of one that is being answered', async () => {
    const audit = memoryAudit()
    await using notes = await openNotes('server 1.x', { audit: { sink: audit } })
    const headers = bearer(await notes.token('alice', ['notes:read', 'notes:write']))
    const opened = await notes.post(INITIALIZE, headers)
    await opened.text()
    const session = { ...headers, 'mcp-session-id': opened.headers.get('mcp-session-id') as string }
    await (await notes.post([callOf('read'), callOf('remove')], session)).text()
    expect(audit.events()).toMatchObject([
      { type: 'request-refused', because: 'id in use', tool: 'remove', subject: 'user:alice' },
    ])
  })

  test('also what came past the door, by a transport that has none', async () => {
    for (const [sink, code] of [
      [memoryAudit(), -32_602],
      [failsAt('request-refused'), -32_603],
    ] as const) {
      const { protect } = guardMcpServer({
        resource: 'https://notes.example/mcp',
        issuer: 'https://issuer.example',
        jwks: 'https://issuer.example/jwks',
        tools: { read: { scopes: READ } },
        audit: { sink },
      })
      const calls: string[] = []
      const server = protect(new McpServer({ name: 'notes', version: '1.0.0' }))
      server.registerTool('read', {}, () => {
        calls.push('read')
        return { content: [] }
      })
      const [ours, theirs] = InMemoryTransport.createLinkedPair()
      await server.connect(theirs)
      const heard: unknown[] = []
      Object.assign(ours, { onmessage: (message: unknown) => void heard.push(message) })
      await ours.start()
      await ours.send(callOf('read', { id: CANARY }) as never)
      await expect.poll(() => heard).toMatchObject([{ error: { code } }])
      expect(calls).toEqual([])
      if ('events' in sink)
        expect(sink.events()).toMatchObject([
          { type: 'request-refused', because: 'not permitted', method: 'tools/call', tool: 'read' },
        ])
    }
  })

  test('or nothing is answered but that it cannot be written', async () => {
    const write = (): never => {
      throw new Error(`disk full: ${CANARY}`)
    }
    for (const sink of [{ write }, { write: async () => write() }]) {
      await using notes = await openNotes('server 2.x, one for each request', { audit: { sink } })
      const good = await notes.token('alice', READ)
      for (const refused of [
        notes.post(callOf('read'), {}),
        notes.post(callOf('remove'), bearer(good)),
        notes.post(callOf('read'), { ...bearer(good), 'mcp-session-id': 'x' }),
        notes.post(callOf('read'), { origin: 'https://evil.example' }),
      ]) {
        const response = await refused
        expect(response.status).toBe(503)
        expect(await response.text()).not.toContain(CANARY)
        expect(response.headers.get('www-authenticate')).toBeNull()
      }
      expect(notes.calls).toEqual([])
    }
  })

  test('and a server says whether it has one', () => {
    const options = {
      resource: 'https://notes.example/mcp',
      issuer: 'https://issuer.example',
      jwks: 'https://issuer.example/jwks',
      tools: {},
    }
    expect(guardMcpServer(options).describe()).toEqual({ audit: 'none: refusals are written nowhere' })
    expect(guardMcpServer({ ...options, audit: { sink: memoryAudit() } }).describe()).toEqual({
      audit: 'configured',
    })
    try {
      guardMcpServer({ ...options, audit: { sink: {} as never } })
      expect.unreachable()
    } catch (error) {
      expect(GuardError.isInstance(error) && error.message).toContain('audit.sink: expected')
    }
  })
})
