import { createHash, timingSafeEqual } from 'node:crypto'
import { ConfigError, type Guard } from '@gatewright/runtime'
import type { Secret } from '@gatewright/runtime/credentials'
import type { Store } from '@gatewright/runtime/store'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  jwtVerify,
  type JWTVerifyGetKey,
} from 'jose'

/** The user's session is over, and whatever acts in their name has to stop (CAEP 1.0 §3.1). */
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'

export interface CaepOptions {
  /** Who sends the events: what `iss` must be. */
  readonly issuer: string
  /** The issuer's keys, or where they are: an https URL. */
  readonly jwks: string | JSONWebKeySet
  /** Who these events are for, as agreed with the issuer: what `aud` must name. */
  readonly audience: string
  readonly guard: Pick<Guard, 'halt'>
  /** Where it is kept which events came already: shared by all processes that receive them. */
  readonly store: Store
  /** Types of events that halt their user. Default: `session-revoked` alone; all others are acknowledged and left. */
  readonly events?: readonly string[]
  /** The user that a subject identifier (RFC 9493) names. Default: the `sub` of an `iss_sub` of this issuer. */
  readonly user?: (subject: SubjectIdentifier) => `user:${string}` | undefined
  /** What the sender has to put into `Authorization`, beside its signature (RFC 8935 §3). */
  readonly authorization?: Secret
  /** Default: ES256, ES384, PS256, RS256 and Ed25519. Never a symmetric one. */
  readonly algorithms?: readonly string[]
  /** How old an event may be, in milliseconds. Default a day: senders repeat what was not acknowledged. */
  readonly maxAgeMs?: number
  readonly dangerouslyAllowLoopback?: boolean
  readonly now?: () => Date
}

/** RFC 9493: its format, and what that format needs. */
export type SubjectIdentifier = Readonly<Record<string, unknown>> & { readonly format?: unknown }

const ALGORITHMS = ['ES256', 'ES384', 'PS256', 'RS256', 'Ed25519', 'EdDSA']
const DAY_MS = 86_400_000
const CLOCK_MS = 300_000
const LONGEST = 65_536
const KEYS_TIMEOUT_MS = 5000

type Err = 'invalid_request' | 'invalid_key' | 'invalid_issuer' | 'invalid_audience' | 'authentication_failed'

/**
 * Receive security events that are pushed over HTTP (RFC 8935), and halt the user whose session was revoked.
 *
 * An event counts only as a security event token (`typ` is `secevent+jwt`, RFC 8417) that its issuer signed for this
 * audience; one that came before is acknowledged and changes nothing, so that a replay cannot undo what an operator
 * resumed. It is acknowledged (202) once the halt stands. What is not understood is refused (400), what cannot be done
 * now fails (503), so that the sender knows and repeats it. Mount it at a path of its own.
 *
 * @throws {ConfigError} For options that are not safe to start with.
 */
export function caepReceiver(options: CaepOptions): (request: Request) => Promise<Response> {
  const { issuer, audience, guard, store, now = () => new Date() } = options
  const { events = [SESSION_REVOKED], algorithms = ALGORITHMS, maxAgeMs = DAY_MS } = options
  const userOf = options.user ?? ((subject) => userIn(subject, issuer))
  for (const [key, value] of Object.entries({ issuer, audience }))
    if (typeof value !== 'string' || value === '')
      throw new ConfigError(key, value, 'a text that is not empty')
  for (const one of algorithms)
    if (one === 'none' || one.startsWith('HS'))
      throw new ConfigError('algorithms', one, 'asymmetric algorithms')
  if (!(maxAgeMs > 0)) throw new ConfigError('maxAgeMs', maxAgeMs, 'a number of milliseconds above 0')
  const keys = keysOf(options)

  async function halted(payload: JWTPayload, signal: AbortSignal): Promise<Response> {
    const id = createHash('sha256').update(`${issuer}\n${payload.jti}`).digest('base64url')
    const key = `caep/${id}`
    if ((await store.get(key, { signal })) !== undefined) return accepted()
    const users = usersIn(payload, events, userOf)
    if (users === undefined) return refusal('invalid_request', 'The subject is not understood.')
    // Twice does no harm, so that two copies that come at once are both right.
    for (const user of users)
      await guard.halt(
        { user },
        { by: `issuer:${issuer}`, reason: 'The issuer revoked the session of this user.' },
      )
    await store.compareAndSet(key, 0, '', { signal, ttlMs: maxAgeMs + CLOCK_MS })
    return accepted()
  }

  return async (request) => {
    const { signal } = request
    if (!isAllowed(request, options.authorization))
      return refusal('authentication_failed', 'Not authorized.', 401)
    const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase()
    if (request.method !== 'POST' || type !== 'application/secevent+jwt')
      return refusal('invalid_request', 'Expected a POST of application/secevent+jwt.')
    let payload
    try {
      const text = await textOf(request)
      payload = (
        await jwtVerify(text, keys, {
          issuer,
          audience,
          typ: 'secevent+jwt',
          algorithms: [...algorithms],
          requiredClaims: ['jti', 'iat', 'events'],
          currentDate: now(),
          clockTolerance: CLOCK_MS / 1000,
        })
      ).payload
    } catch (error) {
      signal.throwIfAborted()
      return notVerified(error)
    }
    const age = now().getTime() - Number(payload.iat) * 1000
    if (!(age <= maxAgeMs && age >= -CLOCK_MS)) return refusal('invalid_request', 'The event is too old.')
    if (typeof payload.jti !== 'string' || payload.jti === '')
      return refusal('invalid_request', 'The event has no id.')
    try {
      return await halted(payload, signal)
    } catch {
      // Not acknowledged: it is sent again. What part of the halt stands, stands.
      return new Response(null, { status: 503, headers: { 'retry-after': '5' } })
    }
  }
}

/** Whom to halt; undefined if an event that halts names nobody who is understood. */
function usersIn(
  payload: JWTPayload,
  halting: readonly string[],
  userOf: NonNullable<CaepOptions['user']>,
): readonly `user:${string}`[] | undefined {
  const events = payload['events']
  if (!isObject(events)) return undefined
  const users: `user:${string}`[] = []
  for (const [type, event] of Object.entries(events)) {
    if (!halting.includes(type)) continue
    // SSF 1.0 has it beside the events; drafts before it had it in each.
    const subject = payload['sub_id'] ?? (isObject(event) ? event['subject'] : undefined)
    const user = isObject(subject) ? userOf(subject) : undefined
    if (user === undefined || !/^user:./.test(user)) return undefined
    users.push(user)
  }
  return users
}

function userIn(subject: SubjectIdentifier, issuer: string): `user:${string}` | undefined {
  // A complex subject (SSF 1.0 §3) says which part of it is the user.
  const part = subject.format === 'complex' || subject.format === undefined ? subject['user'] : undefined
  const { format, iss, sub } = (isObject(part) ? part : subject) as Readonly<Record<string, unknown>>
  return format === 'iss_sub' && iss === issuer && typeof sub === 'string' && sub !== ''
    ? `user:${sub}`
    : undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function keysOf({ jwks, dangerouslyAllowLoopback = false }: CaepOptions): JWTVerifyGetKey {
  if (typeof jwks !== 'string') return createLocalJWKSet(jwks)
  const url = URL.parse(jwks)
  const isLocal = dangerouslyAllowLoopback && url?.hostname === '127.0.0.1'
  if (url === null || !(url.protocol === 'https:' || isLocal))
    throw new ConfigError('jwks', jwks, 'keys, or an https URL')
  return createRemoteJWKSet(url, { timeoutDuration: KEYS_TIMEOUT_MS })
}

function isAllowed(request: Request, expected: Secret | undefined): boolean {
  if (expected === undefined) return true
  const [given, right] = [request.headers.get('authorization') ?? '', expected.reveal()].map((text) =>
    createHash('sha256').update(text).digest(),
  )
  return given !== undefined && right !== undefined && timingSafeEqual(given, right)
}

async function textOf(request: Request): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > LONGEST) throw new errors.JWTInvalid('Too long.')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function notVerified(error: unknown): Response {
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return refusal('invalid_issuer', 'Of another issuer.')
    if (error.claim === 'aud') return refusal('invalid_audience', 'For another audience.')
    return refusal('invalid_request', 'Not a security event token.')
  }
  if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed)
    return refusal('invalid_key', 'The signature does not hold.')
  // Among them that the keys could not be had: ours to put right, and the sender's to repeat.
  if (
    error instanceof errors.JWKSTimeout ||
    !(error instanceof errors.JOSEError) ||
    error.code === 'ERR_JOSE_GENERIC'
  )
    return new Response(null, { status: 503, headers: { 'retry-after': '5' } })
  return refusal('invalid_request', 'Not a security event token.')
}

// RFC 8935 §2.3.
function refusal(err: Err, description: string, status = 400): Response {
  return Response.json({ err, description }, { status, headers: { 'content-language': 'en' } })
}

function accepted(): Response {
  return new Response(null, { status: 202 })
}
