import { ConfigError, GuardError, UnavailableError } from '@gatewright/runtime'

/** Where a permission service is, and how to talk to it. */
export interface HttpOptions {
  /** Its address: `https://pdp.example`, or `http://127.0.0.1:3592` beside the application. No credentials in it. */
  readonly url: string
  /** What authenticates the request, asked for each one so that a token can be a fresh one. Default: nothing. */
  readonly headers?: (options: { readonly signal: AbortSignal }) => Promise<Readonly<Record<string, string>>>
  /** Default: the global one. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
  /** How long to wait for an answer, in milliseconds. Default 3,000. */
  readonly timeoutMs?: number
  /** Most bytes of an answer; a longer one is a failure. Default 4 MiB. */
  readonly maxAnswerBytes?: number
}

/** Post a body, and get the answer. */
export type AskJson = (path: string, body: unknown, signal: AbortSignal) => Promise<unknown>

const TIMEOUT_MS = 3000
const MOST_BYTES = 4 * 1024 * 1024

/**
 * Ask a service over HTTP with JSON.
 *
 * Anything but a 200 with JSON in time is an {@link UnavailableError}. Its message names the service and the path; no
 * address, header or text of the answer, since those may hold secrets. Redirects are not followed: they would take the
 * headers along.
 *
 * @throws {ConfigError} On an address that is not one of HTTP, or that holds credentials.
 */
export function askJson(service: string, options: HttpOptions): AskJson {
  const { url, headers, timeoutMs = TIMEOUT_MS, maxAnswerBytes = MOST_BYTES } = options
  const base = baseOf(url)
  const send = options.fetch ?? ((to: string, init: RequestInit): Promise<Response> => fetch(to, init))

  return async (path, body, signal) => {
    signal.throwIfAborted()
    const within = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const own = (await headers?.({ signal: within })) ?? {}
      const response = await send(base + path, {
        method: 'POST',
        headers: { accept: 'application/json', ...own, 'content-type': 'application/json' },
        body: JSON.stringify(body),
        redirect: 'error',
        signal: within,
      })
      if (response.status !== 200) {
        await response.body?.cancel()
        throw unavailable(`${service}: ${path} answered with status ${response.status}.`)
      }
      return JSON.parse(await textOf(response, maxAnswerBytes)) as unknown
    } catch (cause) {
      signal.throwIfAborted()
      if (GuardError.isInstance(cause)) throw cause
      throw unavailable(`${service}: ${path} gave no answer.`, cause)
    }
  }
}

/** What a service said that is not its protocol: as good as no answer. */
export function malformed(service: string, what: string): UnavailableError {
  return unavailable(`${service}: the answer has ${what}.`)
}

/** A value as an object, or undefined. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : undefined
}

function unavailable(message: string, cause?: unknown): UnavailableError {
  return new UnavailableError('ERR_POLICY_UNAVAILABLE', message, cause === undefined ? {} : { cause })
}

function baseOf(url: string): string {
  const parsed = URL.parse(url)
  if (parsed === null || !/^https?:$/.test(parsed.protocol))
    throw new ConfigError('url', typeof url, 'an address that begins with http:// or https://')
  if (parsed.username !== '' || parsed.password !== '')
    throw new ConfigError('url', 'an address with credentials', 'credentials in `headers`')
  return (parsed.origin + parsed.pathname).replace(/\/+$/, '')
}

async function textOf(response: Response, most: number): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > most) throw new RangeError(`The answer has more than ${most} bytes.`)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
