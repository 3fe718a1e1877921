import { ConfigError } from '@gatewright/runtime'
import { isObject } from './definition.ts'
import { callerCheck, type McpCaller, type McpCallerOptions, type NoCaller } from './guard-server-caller.ts'
import { PROOF_ALGORITHMS } from './guard-server-dpop.ts'
import {
  judgeOf,
  type McpToolRules,
  type McpTransport,
  mediate,
  type Verdict,
} from './guard-server-messages.ts'
import { type McpServerAudit, type Refusal, refusalsTo } from './guard-server-refusals.ts'
import { sessionOwners } from './guard-server-sessions.ts'

export interface GuardMcpServerOptions extends McpCallerOptions {
  /** Who may call each tool, and what leaves of its results. A tool that is not here is not there. */
  readonly tools: McpToolRules
  /**
   * Scopes of other requests, such as `{ 'resources/read': ['files:read'] }`. What is neither here nor harmless
   * (connecting, listing tools, notifications) is refused.
   */
  readonly methods?: Readonly<Record<string, readonly string[]>>
  /** Origins of web pages that may call, besides that of `resource`. Default: none. */
  readonly origins?: readonly string[]
  /** Most bytes of a request. Default 4,000,000. */
  readonly mostRequestBytes?: number
  /**
   * Where it is written what is refused, before whoever asked is told. Where it cannot be written, they are told
   * nothing but that (503). Left out, refusals are written nowhere.
   */
  readonly audit?: McpServerAudit
}

/** What the SDKs, 1.x and 2.x, hand from a transport to the handlers. The token itself is not in it. */
export interface McpAuthInfo {
  token: string
  clientId: string
  scopes: string[]
  expiresAt: number
  resource: URL
  extra: Record<string, unknown>
}

/** Serves a request whose caller is known: `transport.handleRequest`, or the `fetch` of `createMcpHandler`. */
export type ServeMcp = (
  request: Request,
  options: { readonly authInfo: McpAuthInfo; readonly parsedBody?: unknown },
) => Response | Promise<Response>

export interface GuardedMcpServer {
  /**
   * Put a server (`Server` or `McpServer`, 1.x or 2.x) under guard, before it is connected: returns it. Messages with
   * no verified caller reach no tool of it, whatever transport they come by.
   */
  protect<SERVER extends object>(server: SERVER): SERVER
  /** Answer a request over Streamable HTTP: refuse it, answer for the metadata (RFC 9728), or have it served. */
  fetch(request: Request, serve: ServeMcp): Promise<Response>
  /** Who calls, from what the SDK hands to a tool: `extra` in 1.x, `ctx` in 2.x. Throws where nobody does. */
  caller(extra: unknown): McpCaller
  /** Where refusals go, in words, for a look at what runs. */
  describe(): { readonly audit: string }
}

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

/**
 * Guard an MCP server of your own: who calls is verified from the token, each tool has the scopes that it needs, and
 * what leaves is filtered.
 *
 * A session belongs to the caller who opened it. The token is taken out of the request before the server sees it, so
 * that no tool can pass it on; a tool that calls another service exchanges `caller.token`.
 *
 * @throws {ConfigError} On options that are not safe to start with; names the key.
 */
export function guardMcpServer(options: GuardMcpServerOptions): GuardedMcpServer {
  const { resource, issuer, tools, methods = {}, origins = [], mostRequestBytes = 4_000_000 } = options
  const { now = () => new Date() } = options
  const callerOf = callerCheck(options)
  const judge = judgeOf(tools, methods)
  const record = refusalsTo(options.audit, { resource, now })
  const sessions = sessionOwners()
  const verified = new WeakSet<object>()
  const { origin, pathname } = new URL(resource)
  const metadata = `${origin}${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  const isLocal = /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(new URL(resource).hostname)
  if (!resource.startsWith('https:') && !isLocal)
    throw new ConfigError('resource', resource, 'an https: URL; http: only on this machine')
  const callerIn = (extra: unknown): McpCaller | undefined => {
    const caller = authInfoIn(extra)?.['caller']
    return isObject(caller) && verified.has(caller) ? (caller as unknown as McpCaller) : undefined
  }

  /** Nobody hears of a refusal before it is written down. */
  async function refused(response: Response, refusal: Refusal, { signal }: Request): Promise<Response> {
    try {
      await record({ ...refusal, status: response.status }, { signal })
      return response
    } catch {
      return failure(503, -32_000, 'The audit cannot be written now.')
    }
  }

  async function serveFor(caller: McpCaller, request: Request, serve: ServeMcp): Promise<Response> {
    const session = request.headers.get('mcp-session-id')
    const no = (because: Refusal['because'], response: Response, message?: unknown): Promise<Response> =>
      refused(response, { because, caller, message }, request)
    if (session !== null && !sessions.isOwn(session, caller))
      return no('session', failure(404, -32_001, 'Session not found'))
    const body = request.method === 'POST' ? await bodyOf(request, mostRequestBytes) : undefined
    if (body === null)
      return no('not readable', failure(400, -32_700, 'The request is no JSON, or too long.'))
    const stopped = body === undefined ? undefined : stoppedIn(body.value, caller)
    if (stopped !== undefined)
      return stopped.missing === undefined
        ? no('not permitted', failure(403, -32_602, 'This is not there, or not for you.'), stopped.message)
        : no('too little scope', lacking(stopped.missing, metadata), stopped.message)
    verified.add(caller)
    const response = await serve(bare(request, body?.text), {
      authInfo: authInfoOf(caller, resource),
      ...(body === undefined ? {} : { parsedBody: body.value }),
    })
    const opened = response.headers.get('mcp-session-id')
    if (opened !== null && !sessions.bind(opened, caller))
      return no('session', failure(500, -32_603, 'Internal error'))
    if (request.method === 'DELETE' && session !== null && response.ok) sessions.forget(session)
    return request.method === 'GET' ? until(response, caller.expires, now) : response
  }

  // The server under guard decides the same again; here it is for the status, and for one that was not protected.
  function stoppedIn(
    body: unknown,
    caller: McpCaller,
  ): (Extract<Verdict, { may: false }> & { message: unknown }) | undefined {
    for (const message of Array.isArray(body) ? (body as unknown[]) : [body]) {
      const verdict = judge(message, caller)
      if (!verdict.may) return { ...verdict, message }
    }
    return undefined
  }

  return {
    protect(server) {
      const low = lowLevel(server)
      const connect = low.connect.bind(low)
      low.connect = async (transport) => {
        mediate(transport, { judge, tools, callerIn, record })
        await connect(transport)
      }
      return server
    },
    async fetch(request, serve) {
      const from = request.headers.get('origin')
      if (from !== null && from !== origin && !origins.includes(from))
        return refused(failure(403, -32_000, 'This origin may not call.'), { because: 'origin' }, request)
      if (new URL(request.url).pathname === new URL(metadata).pathname && request.method === 'GET')
        return Response.json({
          resource,
          authorization_servers: [issuer],
          scopes_supported: scopesOf(tools, methods),
          bearer_methods_supported: ['header'],
          dpop_signing_alg_values_supported: PROOF_ALGORITHMS,
        })
      const caller = await callerOf(request)
      return typeof caller === 'string'
        ? refused(noCaller(caller, metadata), { because: NO_CALLER[caller] }, request)
        : serveFor(caller, request, serve)
    },
    caller(extra) {
      const caller = callerIn(extra)
      if (caller === undefined)
        throw new ConfigError('caller', undefined, 'what the SDK hands to a tool of this server')
      return caller
    },
    describe: () => ({
      audit: options.audit === undefined ? 'none: refusals are written nowhere' : 'configured',
    }),
  }
}

interface LowLevel {
  connect(transport: McpTransport): Promise<void>
}

/** What both kinds of server connect by: an `McpServer` has the other inside. */
function lowLevel(server: object): LowLevel {
  const inner = 'server' in server && isObject(server.server) ? server.server : server
  if (!('connect' in inner) || typeof inner.connect !== 'function')
    throw new ConfigError('server', typeof inner, 'a Server or McpServer')
  if ('transport' in inner && inner.transport !== undefined)
    throw new ConfigError('server', 'one that is connected', 'one that is not connected yet')
  return inner as LowLevel
}

/** 1.x has it at the top, 2.x under `http`; a transport hands it on at the top in both. */
function authInfoIn(extra: unknown): Readonly<Record<string, unknown>> | undefined {
  if (!isObject(extra)) return undefined
  const info = extra['authInfo'] ?? (isObject(extra['http']) ? extra['http']['authInfo'] : undefined)
  return isObject(info) && isObject(info['extra']) ? info['extra'] : undefined
}

function authInfoOf(caller: McpCaller, resource: string): McpAuthInfo {
  return {
    // Not the token: it would be one line to send it on to somebody else.
    token: '',
    clientId: caller.client ?? '',
    scopes: [...caller.scopes],
    expiresAt: Math.floor(caller.expires.getTime() / 1000),
    resource: new URL(resource),
    extra: { caller },
  }
}

/** The request with no credential in it. */
function bare(request: Request, body: string | undefined): Request {
  const headers = new Headers(request.headers)
  for (const name of ['authorization', 'dpop', 'cookie', 'content-length']) headers.delete(name)
  const { method, url, signal } = request
  return new Request(url, { method, headers, signal, ...(body === undefined ? {} : { body }) })
}

async function bodyOf(request: Request, most: number): Promise<{ text: string; value: unknown } | null> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.length
    if (size > most) return null
    chunks.push(chunk)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks))
    return { text, value: JSON.parse(text) as unknown }
  } catch {
    return null
  }
}

/** A stream that stays open ends when its token does. */
function until(response: Response, expires: Date, now: () => Date): Response {
  if (response.body === null || !response.ok) return response
  const left = Math.min(Math.max(expires.getTime() - now().getTime(), 0), 2 ** 31 - 1)
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  // The end of a stream is no failure: the client connects again, with a token that is good.
  response.body
    .pipeTo(writable, { signal: AbortSignal.timeout(left), preventAbort: true })
    .catch(() => writable.close())
    .catch(() => {})
  return new Response(readable, response)
}

const NO_CALLER = {
  'no token': 'no token',
  'in query': 'token in the query',
  invalid: 'token not valid',
  unavailable: 'tokens cannot be checked',
} as const satisfies Record<NoCaller, Refusal['because']>

function noCaller(why: NoCaller, metadata: string): Response {
  switch (why) {
    // RFC 6750 §3.1: who showed nothing is told no more than where to get it.
    case 'no token':
      return challenge(401, metadata, {})
    case 'in query':
      return challenge(400, metadata, { error: 'invalid_request' })
    case 'invalid':
      return challenge(401, metadata, { error: 'invalid_token' })
    case 'unavailable':
      return failure(503, -32_000, 'Tokens cannot be checked now.')
    default:
      return why satisfies never
  }
}

function lacking(scopes: readonly string[], metadata: string): Response {
  return challenge(403, metadata, { error: 'insufficient_scope', scope: scopes.join(' ') })
}

function challenge(status: number, metadata: string, say: Readonly<Record<string, string>>): Response {
  const params = Object.entries({ ...say, resource_metadata: metadata }).map(
    ([name, value]) => `${name}="${value}"`,
  )
  const response = failure(status, -32_000, say['error'] ?? 'A token is needed.')
  response.headers.set('www-authenticate', `Bearer ${params.join(', ')}`)
  response.headers.append(
    'www-authenticate',
    `DPoP algs="${PROOF_ALGORITHMS.join(' ')}", ${params.join(', ')}`,
  )
  return response
}

function failure(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', error: { code, message }, id: null }, { status })
}

function scopesOf(
  tools: McpToolRules,
  methods: Readonly<Record<string, readonly string[]>>,
): readonly string[] {
  const known = typeof tools === 'function' ? [] : Object.values(tools)
  const all = known.flatMap(({ scopes }) => (typeof scopes === 'function' ? [] : scopes))
  return [...new Set([...all, ...Object.values(methods).flat()])].toSorted()
}
