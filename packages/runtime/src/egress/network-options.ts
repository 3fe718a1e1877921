import { ConfigError } from '../errors.ts'
import { isAddress } from './network-address.ts'

export interface NetworkOptions {
  /**
   * Hosts with their ports, as `orders.internal:443` or `127.0.0.1:8080`, that may stand inside the network. Whoever
   * decides where a request goes can then reach them: list what an agent is meant to reach, and nothing else.
   */
  readonly dangerouslyAllowInternal?: readonly string[]
  /** How long connecting may take, in milliseconds. Default 10,000. */
  readonly connectTimeoutMs?: number
  /** How names are resolved, with all of their addresses. Default: as the system does. */
  readonly resolve?: (name: string) => Promise<readonly { address: string; family: number }[]>
}

/** A body that every HTTP client knows. */
export type RequestBody = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> | null | undefined

/** One request, and where it may go. */
export interface NetworkRequest {
  readonly method: string
  readonly headers: Headers
  readonly body?: RequestBody
  readonly redirect?: 'follow' | 'manual' | 'error' | undefined
  readonly signal: AbortSignal
  /** Asked for the URL itself and for each redirect. */
  allows(url: URL): boolean
  /** Headers for one hop alone: what authorises it there. */
  authorize(method: string, url: URL): Promise<Readonly<Record<string, string>>>
}

/** The way out: every request of a tool that carries a credential goes through here. */
export interface Network extends AsyncDisposable {
  /**
   * Send a request, and follow redirects within where it may go.
   *
   * Refused are destinations that are not allowed, on the way or at its start, and addresses inside the network, in
   * any spelling and at the moment of connecting, so that a name which resolves to another address by then is refused
   * as well.
   *
   * @throws {GuardError} `ERR_DESTINATION`.
   */
  request(url: URL, request: NetworkRequest): Promise<Response>
}

/**
 * The same network, made when the first request goes out: its client takes as long to load as all else does.
 *
 * @throws {ConfigError} For an entry that is not a host with a port.
 */
export function lazyNetwork(options: NetworkOptions = {}): Network {
  insideHosts(options)
  let made: Promise<Network> | undefined
  const load = async (): Promise<Network> => {
    const { createNetwork } = await import('./network.ts')
    return createNetwork(options)
  }
  return {
    async request(url, request) {
      made ??= load()
      return await (await made).request(url, request)
    },
    async [Symbol.asyncDispose]() {
      await (await made)?.[Symbol.asyncDispose]()
    },
  }
}

/**
 * The hosts, with their ports, that may be inside.
 *
 * @throws {ConfigError} For an entry that is not a host with a port.
 */
export function insideHosts({ dangerouslyAllowInternal = [] }: NetworkOptions): ReadonlySet<string> {
  return new Set(dangerouslyAllowInternal.map(hostAndPort))
}

function hostAndPort(entry: string, index: number): string {
  const url = URL.parse(`tcp://${entry}`)
  const isOne =
    url !== null &&
    /^[\w.:[\]-]+$/.test(entry) &&
    url.port !== '' &&
    entry.toLowerCase() === `${url.hostname}:${url.port}`.toLowerCase()
  if (!isOne)
    throw new ConfigError(
      `network.dangerouslyAllowInternal.${index}`,
      entry,
      "a host with a port, such as 'orders.internal:443'",
    )
  // An address as a URL of the web spells it.
  const name = isAddress(url.hostname) ? new URL(`http://${url.hostname}`).hostname : url.hostname
  return `${bare(name)}:${url.port}`
}

export function bare(hostname: string): string {
  return hostname.replaceAll(/^\[|\]$/g, '').toLowerCase()
}
