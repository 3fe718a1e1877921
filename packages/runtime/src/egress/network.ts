import { lookup } from 'node:dns/promises'
import type { LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import { Agent, buildConnector, fetch as send } from 'undici'
import { GuardError } from '../errors.ts'
import { isAddress, isInternalAddress } from './network-address.ts'
import {
  bare,
  insideHosts,
  type Network,
  type NetworkOptions,
  type NetworkRequest,
} from './network-options.ts'

const MOST_REDIRECTS = 5
const CONNECT_TIMEOUT_MS = 10_000
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** The network guard over undici, which alone lets a connection be refused by the address it is made to. */
export function createNetwork(options: NetworkOptions = {}): Network {
  const inside = insideHosts(options)
  const timeout = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS
  const plain = buildConnector({ timeout })
  const resolve = options.resolve ?? ((name) => lookup(name, { all: true }))
  const checked = buildConnector({ timeout, lookup: publicOnly(resolve) })
  const agent = new Agent({
    connect(to, done) {
      const port = to.port === '' ? (to.protocol === 'https:' ? '443' : '80') : to.port
      if (inside.has(`${bare(to.hostname)}:${port}`)) return plain(to, done)
      // An address is connected to without looking anything up.
      if (isInternalAddress(to.hostname)) return done(refused(), null)
      return checked(to, (...[error, socket]) => {
        if (error !== null) return done(error, null)
        if (isPublic(socket.remoteAddress ?? '')) return done(null, socket)
        socket.destroy()
        return done(refused(), null)
      })
    },
  })

  async function hop(url: URL, request: NetworkRequest): Promise<Response> {
    const { method, body, signal } = request
    const headers = new Headers(request.headers)
    for (const [name, value] of Object.entries(await request.authorize(method, url))) headers.set(name, value)
    const init = {
      method,
      headers: Object.fromEntries(headers),
      signal,
      redirect: 'manual',
      dispatcher: agent,
    } as const
    try {
      const sent = send(
        url.href,
        body === undefined || body === null ? init : { ...init, body, duplex: 'half' },
      )
      return (await sent) as unknown as Response
    } catch (error) {
      throw refusalIn(error) ?? error
    }
  }

  return {
    async request(start, given) {
      let request = given
      let url = start
      for (let hops = 0; ; hops += 1) {
        if (!isPlain(url) || !request.allows(url)) throw refused()
        const response = await hop(url, request)
        const location = REDIRECTS.has(response.status) ? response.headers.get('location') : null
        if (location === null || request.redirect === 'manual') return response
        await response.body?.cancel()
        const next = URL.parse(location, url.href)
        if (request.redirect === 'error' || next === null || hops === MOST_REDIRECTS) throw refused()
        request = redirected(request, response.status)
        url = next
      }
    },
    [Symbol.asyncDispose]: () => agent.destroy(),
  }
}

/** A look-up that fails where any of the answers is inside the network. What it answers is what is connected to. */
function publicOnly(resolve: NonNullable<NetworkOptions['resolve']>): LookupFunction {
  const publicly = callbackify(async (name: string) => {
    const addresses = await resolve(name)
    // One answer of several is enough: which one is connected to is not ours to say.
    if (addresses.length === 0 || !addresses.every(({ address }) => isPublic(address))) throw refused()
    return addresses
  })
  return (name, { all }, done) =>
    publicly(name, (error, addresses) => {
      const [first] = addresses ?? []
      if (error !== null || first === undefined) return done(error ?? refused(), '')
      return all === true ? done(null, [...addresses]) : done(null, first.address, first.family)
    })
}

function isPublic(address: string): boolean {
  return isAddress(address) && !isInternalAddress(address)
}

// Fetch standard, "HTTP-redirect fetch": what becomes of the method and the body.
function redirected(request: NetworkRequest, status: number): NetworkRequest {
  const { method, body } = request
  const isGet =
    (status === 303 && method !== 'GET' && method !== 'HEAD') || (status < 303 && method === 'POST')
  if (isGet) {
    const headers = new Headers(request.headers)
    for (const name of [
      'content-type',
      'content-length',
      'content-encoding',
      'content-language',
      'content-location',
    ])
      headers.delete(name)
    return { ...request, method: 'GET', body: null, headers }
  }
  // A stream has been read by now.
  if (typeof body === 'object' && body !== null && 'getReader' in body) throw refused()
  return request
}

function isPlain(url: URL): boolean {
  return /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

function refusalIn(error: unknown): GuardError | undefined {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 8; at = at.cause, depth += 1)
    if (GuardError.isInstance(at)) return at
  return undefined
}

function refused(): GuardError {
  return new GuardError('ERR_DESTINATION', 'A tool tried to reach a destination that it may not.')
}
