import { AsyncLocalStorage } from 'node:async_hooks'
import { ConfigError } from '@gatewright/runtime'
import type { IssuerCall } from '@gatewright/runtime/credentials'
import * as oidc from 'openid-client'
import type { ClientAuthentication } from './client-authentication.ts'
import { refusal, unavailable } from './refusal.ts'

export interface ClientOptions {
  /** The issuer identifier of the authorization server: an https URL. Its metadata are looked up there (RFC 8414). */
  readonly issuer: string
  /** The client id that the agent has there. */
  readonly client: string
  readonly authentication: ClientAuthentication
  /** How long to wait for an answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  /** Its metadata, where it publishes none. */
  readonly metadata?: Readonly<oidc.ServerMetadata>
  /** Take a server on this machine without TLS: for development and tests, never for anything else. */
  readonly dangerouslyAllowLoopback?: boolean
  /** In place of the global one, such as one that goes through a proxy. */
  readonly fetch?: typeof fetch
}

/** A client of one authorization server. */
export interface OpenClient {
  readonly issuer: string
  readonly client: string
  /**
   * Do something with it, within the deadline and the caller's signal.
   *
   * @throws {CredentialError} If the server refuses.
   * @throws {UnavailableError} If it cannot be reached or answers nonsense.
   */
  call<T>(work: (config: oidc.Configuration) => Promise<T>, call: IssuerCall): Promise<T>
  /** The URL itself, if it is one that requests may go to. @throws {ConfigError} If not. */
  allowed(url: string, key: string): URL
  fetch(url: string, options: RequestInit): Promise<Response>
}

const LOOPBACK: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]', 'localhost'])
const LONGEST_ANSWER = 262_144
const ENDPOINTS = ['token_endpoint', 'revocation_endpoint', 'introspection_endpoint', 'jwks_uri'] as const

/**
 * @throws {ConfigError} If the issuer is no https URL.
 */
export function openClient(
  options: ClientOptions,
  more: { readonly execute?: readonly ((config: oidc.Configuration) => void)[] } = {},
): OpenClient {
  const { client, timeoutMs = 5000, dangerouslyAllowLoopback = false } = options
  const fetching = options.fetch ?? fetch
  const calls = new AsyncLocalStorage<AbortSignal | undefined>()
  const issuer = allowed(options.issuer, 'issuer')
  if (typeof client !== 'string' || client === '') throw new ConfigError('client', client, 'a client id')
  if (typeof options.authentication !== 'function')
    throw new ConfigError(
      'authentication',
      options.authentication,
      'what privateKeyJwt() or the like returned',
    )
  let opening: Promise<oidc.Configuration> | undefined

  function allowed(url: string, key: string): URL {
    const parsed = URL.parse(url)
    const isOpen = dangerouslyAllowLoopback && parsed?.protocol === 'http:' && LOOPBACK.has(parsed.hostname)
    if (parsed === null || !(parsed.protocol === 'https:' || isOpen))
      throw new ConfigError(key, url, 'an https URL')
    return parsed
  }

  async function send(url: string, init: RequestInit): Promise<Response> {
    allowed(url, 'url')
    const signals = [init.signal ?? undefined, calls.getStore(), AbortSignal.timeout(timeoutMs)]
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined))
    // A redirect would carry the assertion of the client, and the token in the form, to somebody else.
    return bounded(await fetching(url, { ...init, redirect: 'manual', signal }))
  }

  async function opened(): Promise<oidc.Configuration> {
    const { metadata, authentication } = options
    // Loopback is let through by `send`, which sees each URL; here it can only be on or off.
    const execute = [
      ...(dangerouslyAllowLoopback ? [oidc.allowInsecureRequests] : []),
      ...(more.execute ?? []),
    ]
    const custom: oidc.CustomFetch = async (url, init) => send(url, init as RequestInit)
    if (metadata !== undefined) {
      const made = new oidc.Configuration(metadata, client, {}, authentication)
      made[oidc.customFetch] = custom
      for (const run of execute) run(made)
      return checked(made)
    }
    const found = await oidc.discovery(issuer, client, {}, authentication, {
      execute,
      [oidc.customFetch]: custom,
    })
    return checked(found)
  }

  function checked(made: oidc.Configuration): oidc.Configuration {
    const metadata = made.serverMetadata()
    if (metadata.issuer !== options.issuer) throw unavailable()
    for (const name of ENDPOINTS) {
      const url = metadata[name]
      if (url !== undefined) allowed(url, `metadata.${name}`)
    }
    return made
  }

  // Shared by all callers, so that one who gives up does not take it from the others; a failure is not kept.
  async function config(): Promise<oidc.Configuration> {
    opening ??= calls.run(undefined, opened)
    try {
      return await opening
    } catch (error) {
      opening = undefined
      throw error
    }
  }

  return {
    issuer: options.issuer,
    client,
    allowed,
    fetch: send,
    async call(work, { signal }) {
      signal.throwIfAborted()
      const { promise: cut, reject } = Promise.withResolvers<never>()
      const aborted = (): void => reject(signal.reason)
      signal.addEventListener('abort', aborted, { once: true })
      try {
        return await calls.run(signal, async () => Promise.race([config().then(work), cut]))
      } catch (error) {
        if (signal.aborted) throw signal.reason
        if (error instanceof ConfigError) throw error
        throw refusal(error)
      } finally {
        signal.removeEventListener('abort', aborted)
      }
    },
  }
}

/** The answer, unless there is no end to it. */
async function bounded(response: Response): Promise<Response> {
  const length = Number(response.headers.get('content-length') ?? Number.NaN)
  // Of what is compressed the length says nothing.
  const isShort = length <= LONGEST_ANSWER && !response.headers.has('content-encoding')
  if (response.body === null || isShort) return response
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > LONGEST_ANSWER) throw unavailable()
    chunks.push(chunk)
  }
  const { status, statusText, headers } = response
  return new Response(Buffer.concat(chunks), { status, statusText, headers })
}
