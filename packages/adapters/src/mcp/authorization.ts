import { AsyncLocalStorage } from 'node:async_hooks'
import { ConfigError } from '@gatewright/runtime'

/** The credential of one call: what a guarded tool finds in `options.context.credentials`. */
export interface CallToken {
  fetch(url: string | URL, init: RequestInit): Promise<Response>
  token(): Promise<string>
}

interface Call {
  readonly server: string
  readonly credentials: CallToken | undefined
}

const calls = new AsyncLocalStorage<Call>()

/** Do something for one call: its requests to this server, and to no other, carry the token of this call. */
export function withCallToken<T>(server: string, credentials: CallToken | undefined, work: () => T): T {
  return calls.run({ server, credentials }, work)
}

/** Do something that is no one's call. */
export function withoutCallToken<T>(work: () => T): T {
  return calls.exit(work)
}

export interface McpAuthorizationOptions {
  /** The name of the server, as in `guardMcp`. */
  readonly server: string
  /** Where the server is. No token goes to any other origin. */
  readonly url: string | URL
  /**
   * A token for what is not a call: connecting, listing tools, hearing notifications. It should be the agent's own,
   * with no more than that allowed to it. Left out: none is sent.
   */
  readonly connection?: (options: {
    readonly signal: AbortSignal | undefined
  }) => Promise<string | { reveal(): string }>
  /** What sends the requests that are no call with a credential. Default: the global `fetch`. */
  readonly fetch?: typeof fetch
}

/** What a transport over HTTP is made with. Either is enough. */
export interface McpAuthorization {
  /** For the transports of `@modelcontextprotocol/sdk` 1.x and of 2.x: `new StreamableHTTPClientTransport(url, { fetch })`. */
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>
  /** For those of 2.x alone: `{ authProvider }`. It does not see where a request goes; prefer `fetch`. */
  readonly authProvider: { token(): Promise<string | undefined> }
}

/**
 * A token for each call on one connection: each request carries the token that the guard got for the call, its user
 * and its contract, while calls of other users go on beside it.
 *
 * A call with a credential goes out by the credential's own `fetch`: to the origin of its contract alone, checked at
 * the moment of connecting, with a proof where the token is bound to a key. A request that belongs to no call has the
 * token of `connection` or none; never that of a call before it. An `Authorization` header that was there is dropped,
 * and no redirect is followed.
 */
export function mcpAuthorization({
  server,
  url,
  connection,
  fetch: send = fetch,
}: McpAuthorizationOptions): McpAuthorization {
  if (!URL.canParse(String(url)))
    throw new ConfigError('mcpAuthorization.url', String(url), 'the URL of the server')
  const { origin } = new URL(url)
  const own = async (signal?: AbortSignal): Promise<string | undefined> =>
    connection === undefined ? undefined : textOf(await connection({ signal }))
  // A call of another server that leads here has a credential for that other server.
  const credentialsOf = (call: Call): CallToken | undefined =>
    call.server === server ? call.credentials : undefined
  return {
    async fetch(target, given = {}) {
      if (new URL(target).origin !== origin)
        throw new ConfigError('mcpAuthorization.url', new URL(target).origin, `requests to ${origin} alone`)
      const headers = new Headers(given.headers)
      headers.delete('authorization')
      const redirect = given.redirect === 'error' ? 'error' : 'manual'
      const init = { ...given, headers, redirect } as const
      const call = calls.getStore()
      const credentials = call && credentialsOf(call)
      if (credentials !== undefined) return await credentials.fetch(target, init)
      const token = call === undefined ? await own(given.signal ?? undefined) : undefined
      if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
      return await send(target, init)
    },
    authProvider: {
      async token() {
        const call = calls.getStore()
        return call === undefined ? await own() : await credentialsOf(call)?.token()
      },
    },
  }
}

function textOf(token: string | { reveal(): string }): string {
  return typeof token === 'string' ? token : token.reveal()
}
