import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type GuardedMcpServer,
  guardMcpServer,
  type mcpProxy,
  type McpAuthInfo,
  type McpProxySession,
  nodeListener,
} from '@gatewright/adapters/mcp'
import { type AuditSink, GuardError, type RunOptions } from '@gatewright/runtime'
import { createAudit } from '@gatewright/runtime/gateway'
import type { Store } from '@gatewright/runtime/store'
import type { Server } from '@modelcontextprotocol/server'
import type { ProxyHttp } from './mcp-proxy-config.ts'

type Proxy = ReturnType<typeof mcpProxy>

/** A proxy that is being served. */
export interface Serving extends AsyncDisposable {
  /** Where it listens; undefined over stdio. */
  readonly url: URL | undefined
  /** Resolves when there is nobody left to serve. */
  readonly over: Promise<void>
  /** Tools that are not offered, as of the start. */
  readonly refused?: McpProxySession['refused']
}

const MOST_SESSIONS = 1000
const MOST_OF_ONE_USER = 50
const IDLE_MS = 30 * 60_000

/** Serve one client, which has started us. Ends when its end of the pipe does. */
export async function serveStdio(proxy: Proxy, options: RunOptions): Promise<Serving> {
  const { StdioServerTransport } = await import('@modelcontextprotocol/server/stdio')
  const session = await proxy.open(options)
  const server = await serverOf(session)
  const { promise: over, resolve } = Promise.withResolvers<void>()
  await server.connect(new StdioServerTransport())
  process.stdin.once('end', () => resolve())
  session.run.signal.addEventListener('abort', () => void server.sendToolListChanged().catch(() => {}), {
    once: true,
  })
  return {
    url: undefined,
    over,
    refused: session.refused,
    async [Symbol.asyncDispose]() {
      await server.close()
      await session[Symbol.asyncDispose]()
    },
  }
}

interface Client {
  readonly handle: (request: Request, options: object) => Promise<Response>
  readonly end: () => Promise<void>
  readonly subject: string
  seen: number
}

/** Serve clients over HTTP, each in a session and a run of its own, for the user whose token it has. */
export async function serveHttp(
  proxy: Proxy,
  http: ProxyHttp,
  {
    store,
    audit,
    failed,
    now = () => new Date(),
  }: {
    readonly store: Store
    /** Hears what is refused before it is anybody's run. */
    readonly audit: AuditSink
    /** Hears why a session could not be opened; its client does not. */
    readonly failed: (why: unknown) => void
    readonly now?: () => Date
  },
): Promise<Serving> {
  const { tenantClaim, idleMs = IDLE_MS } = http
  const guarded = guardMcpServer({
    resource: http.url,
    issuer: http.issuer,
    jwks: http.jwks,
    store,
    now,
    audit: { sink: audit },
    methods: { initialize: http.scopes, 'tools/list': http.scopes },
    // The words of a refusal are ours; those of a tool that failed are the server's behind us, as in every result.
    tools: () => ({ scopes: http.scopes, errors: 'redacted' }),
    ...(http.agents === undefined ? {} : { agents: http.agents }),
    ...(http.origins === undefined ? {} : { origins: http.origins }),
    ...(tenantClaim === undefined ? {} : { tenant: (claims) => claims[tenantClaim] as string | undefined }),
  })
  const clients = new Map<string, Client>()
  const written = createAudit({ sink: audit, now })

  /** What the door let in and goes no further here. */
  async function refused(
    { signal }: Request,
    options: { authInfo: McpAuthInfo },
    [status, because]: readonly [status: number, because: string],
  ): Promise<Response> {
    const { subject, chain: delegation, tenant, client } = guarded.caller(options)
    const fact = { type: 'request-refused', server: http.url, because, status, client } as const
    try {
      await written.within({ subject, delegation, tenant }).record(fact, { signal })
    } catch {
      return refusal(503, 'The audit cannot be written now.')
    }
    return refusal(status, `Refused: ${because}.`)
  }

  async function serve(
    request: Request,
    options: { authInfo: McpAuthInfo; parsedBody?: unknown },
  ): Promise<Response> {
    const id = request.headers.get('mcp-session-id')
    const known = id === null ? undefined : clients.get(id)
    if (known !== undefined) {
      known.seen = now().getTime()
      return await known.handle(request, options)
    }
    const body = options.parsedBody as { method?: unknown } | undefined
    if (id !== null) return refused(request, options, [404, 'no such session'])
    if (body?.method !== 'initialize')
      return refused(request, options, [400, 'no session yet, begin with initialize'])
    const { subject } = guarded.caller(options)
    const own = [...clients.values()].filter((one) => one.subject === subject)
    if (clients.size >= MOST_SESSIONS || own.length >= MOST_OF_ONE_USER)
      return refused(request, options, [503, 'too many sessions'])
    try {
      const client = await openClient(proxy, guarded, options.authInfo, clients, now)
      return await client.handle(request, options)
    } catch (error) {
      failed(error)
      return refused(request, options, [403, 'no session could be opened'])
    }
  }

  const idle = setInterval(
    () => {
      for (const { seen, end } of clients.values()) if (now().getTime() - seen > idleMs) end().catch(() => {})
    },
    Math.min(idleMs, 60_000),
  )
  idle.unref()
  const server = createServer(nodeListener(http.url, (request) => guarded.fetch(request, serve)))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(http.port, http.host ?? '127.0.0.1', resolve)
  })
  const { address, port } = server.address() as AddressInfo
  return {
    url: new URL(`http://${address.includes(':') ? `[${address}]` : address}:${port}`),
    over: new Promise((resolve) => server.once('close', resolve)),
    async [Symbol.asyncDispose]() {
      clearInterval(idle)
      for (const { end } of clients.values()) await end()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

async function openClient(
  proxy: Proxy,
  guarded: GuardedMcpServer,
  authInfo: McpAuthInfo,
  clients: Map<string, Client>,
  now: () => Date,
): Promise<Client> {
  const { WebStandardStreamableHTTPServerTransport } = await import('@modelcontextprotocol/server')
  const { authenticated, chain, subject } = guarded.caller({ authInfo })
  if (authenticated === undefined)
    throw new GuardError('ERR_SUBJECT_INVALID', 'This proxy acts for users, and the token names none.')
  const id = randomUUID()
  const session = await proxy.open({ ...authenticated, session: id, delegation: chain })
  const server = guarded.protect(await serverOf(session))
  const end = async (): Promise<void> => {
    if (!clients.delete(id)) return
    await server.close()
    await session[Symbol.asyncDispose]()
  }
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: () => id,
    onsessionclosed: () => void end().catch(() => {}),
  })
  await server.connect(transport)
  const client = {
    handle: (request: Request, options: object) => transport.handleRequest(request, options),
    end,
    subject,
    seen: now().getTime(),
  }
  clients.set(id, client)
  return client
}

/** A server that has nothing of its own: what it lists and answers is the session's. */
async function serverOf(session: McpProxySession): Promise<Server> {
  const { Server: ServerClass } = await import('@modelcontextprotocol/server')
  const server = new ServerClass(
    { name: 'gatewright', version: '0.1.0' },
    { capabilities: { tools: { listChanged: true } } },
  )
  server.setRequestHandler('tools/list', async () => (await session.list()) as never)
  server.setRequestHandler(
    'tools/call',
    async ({ params }, { mcpReq }) => (await session.call(params, { signal: mcpReq.signal })) as never,
  )
  session.onChange(() => void server.sendToolListChanged().catch(() => {}))
  return server
}

function refusal(status: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code: -32_000, message }, id: null }, { status })
}
