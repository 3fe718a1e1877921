import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { guardMcpServer, type GuardMcpServerOptions, nodeListener } from '@gatewright/adapters/mcp'
import { dpopKey, privateKeyJwt, tokenExchange } from '@gatewright/adapters/identity/token-exchange'
import {
  type AuthorizationServer,
  openAuthorizationServer,
  requestOf,
} from '@gatewright/example-authorization-server'
import { McpServer as McpServer1 } from '@modelcontextprotocol/sdk/server/mcp.js'
import { WebStandardStreamableHTTPServerTransport as Transport1 } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import {
  createMcpHandler,
  McpServer as McpServer2,
  WebStandardStreamableHTTPServerTransport as Transport2,
} from '@modelcontextprotocol/server'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport as ClientTransport1 } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import {
  Client as Client2,
  StreamableHTTPClientTransport as ClientTransport2,
} from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Version } from './server.ts'

export const KINDS = ['server 1.x', 'server 2.x', 'server 2.x, one for each request'] as const
export type Kind = (typeof KINDS)[number]

/** What the tool that crashes has in its error. */
export const CANARY = 'postgres://notes:hunter2-canary@db.internal/notes'

export interface Notes extends AsyncDisposable {
  readonly url: URL
  readonly authorization: AuthorizationServer
  /** Calls that reached a tool, and who the tool was told that calls. */
  readonly calls: string[]
  /** What of the credential a tool could see. */
  readonly leaks: string[]
  /** A token for this server by exchange, as an agent gets one. */
  token(user: string, scopes: readonly string[], options?: TokenOptions): Promise<string>
  client(version: Version, token: string): Promise<Client1 | Client2>
  post(body: unknown, headers: Readonly<Record<string, string>>, path?: string): Promise<Response>
}

export interface TokenOptions {
  readonly agent?: 'agent' | 'otherAgent'
  /** A server of the same authorization server that is somebody else's. */
  readonly resource?: string
  readonly dpop?: Awaited<ReturnType<typeof dpopKey>>
}

export const OTHER_RESOURCE = 'https://other.example/mcp'
const SCOPES = ['notes:read', 'notes:write', 'notes:note:1']
const NEVER = new AbortController().signal

type Extra = { requestInfo?: { headers: unknown }; http?: { req?: Request }; authInfo?: { token: string } }

/** A server of notes, over real HTTP, under guard; with `isBare`, as it would be without. */
export async function openNotes(
  kind: Kind,
  {
    isBare = false,
    isProtected = !isBare,
    ...options
  }: Partial<GuardMcpServerOptions> & { isBare?: boolean; isProtected?: boolean } = {},
): Promise<Notes> {
  let answer: (request: Request) => Promise<Response> = async () => new Response(null, { status: 503 })
  const http = createServer((incoming, outgoing) => nodeListener(url, answer)(incoming, outgoing))
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  const url = new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`)
  const resource = url.href
  const authorization = await openAuthorizationServer({
    resources: { [resource]: { scopes: SCOPES }, [OTHER_RESOURCE]: { scopes: SCOPES } },
    users: {
      alice: { password: 'tea', scopes: SCOPES },
      bob: { password: 'coffee', scopes: SCOPES },
    },
    consents: ['alice', 'bob'].flatMap((user) =>
      ['support-agent', 'other-agent'].flatMap((client) =>
        [resource, OTHER_RESOURCE].map((one) => ({ user, client, resource: one, scopes: SCOPES })),
      ),
    ),
  })
  const calls: string[] = []
  const leaks: string[] = []
  const guarded = guardMcpServer({
    resource,
    issuer: authorization.issuer,
    jwks: `${authorization.issuer}/jwks`,
    agents: ['support-agent'],
    tools: {
      read: {
        scopes: ({ id }) => ['notes:read', ...(id === 'private' ? ['notes:note:1'] : [])],
        hide: ['internal', 'lines.cost'],
      },
      remove: { scopes: ['notes:write'], agents: ['support-agent'] },
      crash: { scopes: ['notes:read'] },
    },
    ...options,
  })

  function register(server: { registerTool: unknown }): void {
    const tool = (name: string, use: (id: string, extra: Extra) => object): void =>
      (server.registerTool as (...given: unknown[]) => void).call(
        server,
        name,
        { description: name, inputSchema: z.object({ id: z.string() }) },
        ({ id }: { id: string }, extra: Extra) => {
          leaks.push(
            JSON.stringify([extra.authInfo, extra.requestInfo, [...(extra.http?.req?.headers ?? [])]]),
          )
          const caller = isBare ? undefined : guarded.caller(extra)
          calls.push(`${name} ${id}: ${caller?.subject ?? '?'} by ${caller?.actor?.sub ?? 'itself'}`)
          return use(id, extra)
        },
      )
    tool('read', (id) => {
      const note = {
        id,
        text: 'Tea at four. api_key=Zx81kPq0Lm44Tr9w',
        internal: { cost: 3 },
        lines: [{ name: 'tea', cost: 7 }],
      }
      return { structuredContent: note, content: [{ type: 'text', text: JSON.stringify(note) }] }
    })
    tool('remove', () => ({ content: [{ type: 'text', text: 'removed' }] }))
    tool('forgotten', () => ({ content: [{ type: 'text', text: 'nobody said who may' }] }))
    tool('crash', () => {
      throw new Error(`no connection: ${CANARY}`)
    })
  }
  const protect = <S extends object>(server: S): S => (isProtected ? guarded.protect(server) : server)
  const serve = serverOf(kind, register, protect)
  answer = (request) => (isBare ? serve(request) : guarded.fetch(request, serve))

  return {
    url,
    authorization,
    calls,
    leaks,
    async token(user, scopes, { agent = 'agent', resource: at = resource, dpop } = {}) {
      const own = authorization[agent]
      const issuer = tokenExchange({
        issuer: authorization.issuer,
        client: own.id,
        authentication: privateKeyJwt(own.key, { kid: own.id }),
        dangerouslyAllowLoopback: true,
        ...(dpop === undefined ? {} : { dpop }),
      })
      const got = await issuer.obtain(
        await requestOf(authorization, { audience: at, scopes, subject: `user:${user}` }),
        { signal: NEVER },
      )
      return got.token.reveal()
    },
    async client(version, token) {
      const requestInit = { headers: { authorization: `Bearer ${token}` } }
      const info = { name: 'test', version: '1.0.0' }
      if (version === 1) {
        const client = new Client1(info)
        await client.connect(new ClientTransport1(url, { requestInit }) as never)
        return client
      }
      const client = new Client2(info)
      await client.connect(new ClientTransport2(url, { requestInit }))
      return client
    },
    post: (body, headers, path = url.href) =>
      fetch(new URL(path, url), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          ...headers,
        },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await authorization[Symbol.asyncDispose]()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

type Options = { readonly authInfo?: unknown; readonly parsedBody?: unknown }
type Serve = (request: Request, options?: Options) => Promise<Response>

/** A server as its author would write it: with a session for each client, or anew for each request. */
function serverOf(
  kind: Kind,
  register: (server: { registerTool: unknown }) => void,
  protect: <S extends object>(server: S) => S,
): Serve {
  const info = { name: 'notes', version: '1.0.0' }
  const make = (): McpServer1 | McpServer2 => {
    const server = kind === 'server 1.x' ? new McpServer1(info) : new McpServer2(info)
    register(server)
    return protect(server)
  }
  if (kind === 'server 2.x, one for each request') {
    const handler = createMcpHandler(() => make() as McpServer2)
    return (request, options) => handler.fetch(request, options as never)
  }
  const sessions = new Map<string, Transport1 | Transport2>()
  return async (request, options) => {
    const id = request.headers.get('mcp-session-id')
    let transport = id === null ? undefined : sessions.get(id)
    if (transport === undefined) {
      const settings = {
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session: string) => void sessions.set(session, made),
      }
      const made: Transport1 | Transport2 =
        kind === 'server 1.x' ? new Transport1(settings) : new Transport2(settings)
      transport = made
      await make().connect(made as never)
    }
    return await transport.handleRequest(request, options as never)
  }
}

export const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` })

/** One call as a client sends it that needs no session. */
export const callOf = (name: string, args: object = { id: '1' }): object => ({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name, arguments: args },
})

export const INITIALIZE = {
  jsonrpc: '2.0',
  id: 0,
  method: 'initialize',
  params: { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
} as const
