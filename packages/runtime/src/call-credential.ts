import { checkAgent } from './agent-check.ts'
import type { KeyCredentials, ToolCredentials } from './contract/contract.ts'
import type { CallCredential } from './credentials/source.ts'
import { haltSubject, refusal, type Decided } from './decide.ts'
import type { RequestBody } from './egress/network-options.ts'
import { CredentialError, DeniedError, GuardError, HaltedError } from './errors.ts'
import type { Invocation } from './invocation.ts'
import { plainJson } from './json/plain.ts'
import { obtainCredential } from './obtain-credential.ts'
import { REFUSAL } from './refuse.ts'
import { checkRunning, type RunState } from './run-state.ts'
import type { CredentialAccess, CredentialRequestInit } from './tool.ts'
import { raise, violated } from './watch.ts'

/** The credential of one call, as its tool may use it, until the call has ended. */
export interface OpenCredential {
  readonly access: CredentialAccess
  /** From now on it gives nothing, and what is under way with it is cut off. */
  close(): void
}

export interface OpenCredentialOptions {
  readonly run: RunState
  readonly invocation: Invocation
  readonly decided: Decided
  /** What was got when the call was permitted. */
  readonly credential: CallCredential
  readonly signal: AbortSignal
}

/** What a tool gets of its credential: requests to the one origin that it is for, and nothing after the call. */
export function openCredential(options: OpenCredentialOptions): OpenCredential {
  const { run, invocation, decided, signal } = options
  const { tool } = invocation
  const wanted = tool.contract.contract.credentials as ToolCredentials
  const over = new AbortController()
  let { credential } = options
  let isRefused = false

  /** The credential, if the call may still use one; another one where a long call has outlived the first. */
  async function current(): Promise<CallCredential> {
    if (over.signal.aborted) throw over.signal.reason
    // A call may outlast the registration of its agent, and the authentication of its user.
    await checkAgent(run)
    if (over.signal.aborted) throw over.signal.reason
    signal.throwIfAborted()
    checkRunning(run)
    if (run.guard.halts.haltOf(haltSubject(run, tool.name)) !== undefined)
      throw new HaltedError('ERR_HALTED', 'This was halted by an operator.')
    const isOver = credential.expires !== undefined && credential.expires <= run.guard.now()
    if (isOver || isRefused) {
      credential = await obtainCredential(run, tool, wanted, decided.input, signal)
      isRefused = false
      if (over.signal.aborted) throw over.signal.reason
    }
    return credential
  }

  function valueOf(of: CallCredential): string {
    const value = of.token()
    run.handedOut.add(value, { expires: of.expires, now: run.guard.now() })
    return value
  }

  async function authorize(method: string, url: URL, nonce?: string): Promise<Record<string, string>> {
    const of = await current()
    if ('secret' in wanted) return keyHeader(wanted, valueOf(of))
    if (of.tokenType !== 'dpop') return { authorization: `Bearer ${valueOf(of)}` }
    if (of.prove === undefined) throw unusable('This token needs a proof, and nothing makes one.')
    const proof = await of.prove(method, url.href, nonce)
    return { authorization: `DPoP ${valueOf(of)}`, dpop: proof }
  }

  async function send(given: string | URL, init: CredentialRequestInit): Promise<Response> {
    await current()
    const origin = originOf(wanted)
    if (origin === undefined) throw unusable('The contract of this tool names no origin for its token.')
    const url = URL.parse(String(given))
    if (url === null) throw unusable('A tool asked for what is not a URL.')
    const { body, type } = await bodyOf(init.body)
    const headers = ownHeaders(init.headers, wanted)
    if (type !== null && !headers.has('content-type')) headers.set('content-type', type)
    const request = {
      method: init.method ?? 'GET',
      headers,
      body,
      redirect: init.redirect,
      signal: AbortSignal.any([signal, over.signal, ...(init.signal ? [init.signal] : [])]),
      allows: (to: URL) => to.origin === origin,
    }
    let response = await run.guard.network.request(url, { ...request, authorize })
    // RFC 9449 §9: the server wants its own nonce in the proof. What was sent can be sent again once.
    const nonce = response.status === 401 ? response.headers.get('dpop-nonce') : null
    if (nonce !== null && credential.tokenType === 'dpop' && !(body instanceof ReadableStream)) {
      await response.body?.cancel()
      const withNonce = (method: string, to: URL): Promise<Record<string, string>> =>
        authorize(method, to, nonce)
      response = await run.guard.network.request(url, { ...request, authorize: withNonce })
    }
    if (response.status === 401) {
      isRefused = !('secret' in wanted)
      credential.refused?.()
    }
    return response
  }

  return {
    access: Object.freeze({
      async fetch(url: string | URL, init: CredentialRequestInit = {}) {
        try {
          return await send(url, init)
        } catch (error) {
          if (GuardError.isInstance(error) && error.code === 'ERR_DESTINATION') await strayed(run, tool.name)
          throw error
        }
      },
      async token() {
        const of = await current()
        if (of.tokenType === 'dpop') throw unusable('This token is bound to a key: only fetch() can use it.')
        return valueOf(of)
      },
    }),
    close: () =>
      over.abort(
        new CredentialError('ERR_CREDENTIAL', 'The call that this was for has ended.', {
          reason: 'call-ended',
        }),
      ),
  }
}

/**
 * Refuse a call whose input holds a credential of the run: no model and no server has any business with one. Nothing of
 * the input is written down.
 *
 * @throws {DeniedError} `ERR_DENIED`.
 */
export function checkInput(run: RunState, input: unknown): void {
  if (!holdsCredential(run, input)) return
  const text = 'The input holds a credential that was handed to a tool of this run.'
  throw new DeniedError('ERR_DENIED', REFUSAL, {
    decision: refusal('credential', 'credential-in-input', text),
  })
}

/** Whether it holds one in any spelling that `createScrub` finds. */
export function holdsCredential(run: RunState, input: unknown): boolean {
  const scrub = run.handedOut.scrub()
  if (scrub === undefined) return false
  const plain = plainJson(input ?? {})
  // What is no plain JSON is refused for that.
  return plain.ok && scrub.json(plain.value).places.length > 0
}

/** A tool that takes a credential elsewhere does what its contract never said: count it, and tell a person. */
async function strayed(run: RunState, tool: string): Promise<void> {
  const text = 'A tool tried to send its credential to a destination that it is not for.'
  await raise(run, { kind: 'destination', tool, halted: false, text })
  await violated(run, 'destination', tool)
}

function originOf(wanted: ToolCredentials): string | undefined {
  if ('secret' in wanted) return wanted.origin
  for (const named of [wanted.origin, wanted.resource, wanted.audience]) {
    const url = named === undefined ? null : URL.parse(named)
    if (url !== null && /^https?:$/.test(url.protocol)) return url.origin
  }
  return undefined
}

function keyHeader(
  { header = 'authorization', scheme }: KeyCredentials,
  key: string,
): Record<string, string> {
  const before = scheme ?? (header.toLowerCase() === 'authorization' ? 'Bearer' : undefined)
  return { [header]: before === undefined ? key : `${before} ${key}` }
}

// What authorises a request is ours to say, and which host answers it is the URL's.
function ownHeaders(given: RequestInit['headers'], wanted: ToolCredentials): Headers {
  const headers = new Headers(given)
  const own = 'secret' in wanted ? (wanted.header ?? 'authorization') : 'authorization'
  for (const name of [own, 'authorization', 'proxy-authorization', 'dpop', 'host']) headers.delete(name)
  return headers
}

/** A body that the network's own client knows: forms and blobs are written out, streams go as they are. */
async function bodyOf(body: RequestInit['body']): Promise<{ body: RequestBody; type: string | null }> {
  if (body === undefined || body === null) return { body, type: null }
  if (body instanceof ReadableStream) return { body, type: null }
  const written = new Response(body)
  const type = written.headers.get('content-type')
  return { body: typeof body === 'string' ? body : new Uint8Array(await written.arrayBuffer()), type }
}

function unusable(message: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL', message, { reason: 'use' })
}
