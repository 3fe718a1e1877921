import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { Secret } from '../credentials/secret.ts'
import { ConfigError, GuardError, UnavailableError } from '../errors.ts'
import type { Principal } from '../principal.ts'
import type { AuthenticatedSubject } from './authentication.ts'
import { chainOf, type DelegationRules, parseDelegation } from './delegation.ts'

/** Reads a user from a token; throws if it is not theirs to use here. */
export type JwtSubject = (
  token: string | Secret,
  call: { readonly signal: AbortSignal },
) => Promise<AuthenticatedSubject>

export interface JwtSubjectOptions {
  /** Whose tokens count, as in their `iss`, to the letter. */
  readonly issuer: string
  /** What this application is called in `aud`; one of these must be there. */
  readonly audience: string | readonly string[]
  /** Where the issuer publishes its keys; `https:`, or `http:` on this machine. No other key counts. */
  readonly jwks: URL | string
  /** Default `RS256`, `PS256`, `ES256` and `Ed25519`. Never `none`, never one with a shared key. */
  readonly algorithms?: readonly string[]
  /** The `typ` of an access token. Default `at+jwt` (RFC 9068 §2.1), which an ID token never has. */
  readonly typ?: string
  /** How far the clocks may differ, in milliseconds. Default 5,000; at most 60,000. */
  readonly clockToleranceMs?: number
  /** How old a token may be at most, by its `iat`, in milliseconds. Default: until it expires. */
  readonly maxAgeMs?: number
  /** How long the keys are trusted without asking again, in milliseconds. Default 600,000. */
  readonly keysMaxAgeMs?: number
  /** How long it takes at least before an unknown key makes us ask again, in milliseconds. Default 30,000. */
  readonly keysCooldownMs?: number
  /** How long the issuer may take to answer, in milliseconds. Default 5,000. */
  readonly timeoutMs?: number
  /** Who may act for the user before us, as the token's `act` says. Left out, a token with `act` is refused. */
  readonly delegation?: DelegationRules
  /**
   * Whether a run of this user ends when their token does (`exp`). Default false: access tokens live for minutes and an
   * agent may work for longer, and a token that has expired is exchanged for none of a call's anyway.
   */
  readonly endsWithToken?: boolean
  /** Makes the principal from checked claims. Default: `user:` and the `sub`. */
  readonly principal?: (claims: Readonly<JWTPayload>) => Principal & { readonly subject: `user:${string}` }
  readonly now?: () => Date
}

const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'Ed25519']
const ASYMMETRIC = /^(?:RS|PS|ES)(?:256|384|512)$|^Ed25519$|^EdDSA$|^ML-DSA-(?:44|65|87)$/
const LARGEST_TOKEN = 16_384
const MOST_TOLERANCE_MS = 60_000
/** Claims that only an ID token has (OpenID Connect Core §2, §3.3.2.11). */
const OF_AN_ID_TOKEN = ['nonce', 'at_hash', 'c_hash', 's_hash']

/**
 * Authenticate users by the access tokens of one issuer (RFC 9068, RFC 8725).
 *
 * Checked: the signature, by keys that the issuer publishes and by nothing that the token itself points at; the
 * algorithm, type, issuer, audience, times; that it is not an ID token; and whoever acted for the user before.
 *
 * @throws {ConfigError} On options that would check less than this.
 */
export function subjectFromJwt(options: JwtSubjectOptions): JwtSubject {
  const { issuer, audience, algorithms = ALGORITHMS, typ = 'at+jwt', delegation, maxAgeMs } = options
  const { endsWithToken = false } = options
  const { clockToleranceMs = 5000, timeoutMs = 5000, now = () => new Date() } = options
  const audiences = typeof audience === 'string' ? [audience] : [...(audience ?? [])]
  check(typeof issuer === 'string' && issuer !== '', 'issuer', issuer, 'the iss of the tokens')
  check(audiences.length > 0 && audiences.every(Boolean), 'audience', audience, 'what we are called in aud')
  check(typeof typ === 'string' && typ !== '', 'typ', typ, "the typ of the tokens, such as 'at+jwt'")
  check(algorithms.length > 0, 'algorithms', algorithms, 'at least one')
  for (const one of algorithms)
    check(ASYMMETRIC.test(one), 'algorithms', one, 'algorithms with a public key, such as ES256')
  const isTolerable = clockToleranceMs >= 0 && clockToleranceMs <= MOST_TOLERANCE_MS
  check(isTolerable, 'clockToleranceMs', clockToleranceMs, `milliseconds up to ${MOST_TOLERANCE_MS}`)
  check(maxAgeMs === undefined || maxAgeMs > 0, 'maxAgeMs', maxAgeMs, 'milliseconds above 0')
  const keys = remoteKeys(options, timeoutMs)

  return async (given, { signal }) => {
    signal.throwIfAborted()
    const token = given instanceof Secret ? given.reveal() : given
    if (typeof token !== 'string' || token.length > LARGEST_TOKEN) throw refused()
    const claims = await unlessAborted(
      verified(token, keys, {
        algorithms: [...algorithms],
        issuer,
        audience: audiences,
        typ,
        clockTolerance: clockToleranceMs / 1000,
        currentDate: now(),
        requiredClaims: ['sub', 'exp', 'iat'],
        ...(maxAgeMs === undefined ? {} : { maxTokenAge: maxAgeMs / 1000 }),
      }),
      signal,
    )
    const { sub, iat = Number.NaN, exp = Number.NaN, act, auth_time: at, acr, amr } = claims
    if (typeof sub !== 'string' || sub.trim() === '' || OF_AN_ID_TOKEN.some((name) => name in claims))
      throw refused()
    if (!(iat * 1000 <= now().getTime() + clockToleranceMs)) throw refused()
    const until = endsWithToken ? new Date(exp * 1000) : undefined
    // More seconds than there are dates.
    if (until !== undefined && !Number.isFinite(until.getTime())) throw refused()
    const chain = act === undefined ? undefined : parseDelegation(act, delegation ?? { actors: [] })
    const principal = options.principal?.(Object.freeze(claims)) ?? { subject: `user:${sub}` as const }
    return {
      principal,
      authentication: {
        kind: 'jwt',
        issuer,
        ...(typeof at === 'number' ? { at: new Date(at * 1000) } : {}),
        ...(typeof acr === 'string' ? { acr } : {}),
        ...(until === undefined ? {} : { until }),
        ...(Array.isArray(amr) ? { amr: amr.filter((one) => typeof one === 'string') } : {}),
      },
      subjectToken: given instanceof Secret ? given : new Secret(token),
      ...(chain === undefined ? {} : { delegation: chainOf(chain) }),
    }
  }
}

function remoteKeys(options: JwtSubjectOptions, timeoutMs: number): JWTVerifyGetKey {
  const { keysMaxAgeMs = 600_000, keysCooldownMs = 30_000, jwks } = options
  const url = URL.canParse(String(jwks)) ? new URL(String(jwks)) : undefined
  const isLocal = url?.protocol === 'http:' && ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  check(url?.protocol === 'https:' || isLocal, 'jwks', String(jwks), 'an https: address of a JWK set')
  for (const [key, value] of Object.entries({ timeoutMs, keysMaxAgeMs, keysCooldownMs }))
    check(Number.isFinite(value) && value > 0, key, value, 'milliseconds above 0')
  return createRemoteJWKSet(url as URL, {
    timeoutDuration: timeoutMs,
    cooldownDuration: keysCooldownMs,
    cacheMaxAge: keysMaxAgeMs,
  })
}

async function verified(
  token: string,
  keys: JWTVerifyGetKey,
  options: Parameters<typeof jwtVerify>[2],
): Promise<JWTPayload> {
  try {
    // The header may point at keys of its own (jku, x5u, jwk, x5c): nothing looks there.
    return (await jwtVerify(token, keys, options)).payload
  } catch (error) {
    // Only errors about the token itself say that it is not good; any other is about the keys.
    const isAboutToken =
      error instanceof errors.JWTClaimValidationFailed ||
      error instanceof errors.JWTExpired ||
      error instanceof errors.JWTInvalid ||
      error instanceof errors.JWSInvalid ||
      error instanceof errors.JWSSignatureVerificationFailed ||
      error instanceof errors.JOSEAlgNotAllowed ||
      error instanceof errors.JOSENotSupported ||
      error instanceof errors.JWKSNoMatchingKey ||
      error instanceof errors.JWKSMultipleMatchingKeys ||
      error instanceof TypeError
    if (isAboutToken && !isFetchFailure(error)) throw refused(error)
    throw new UnavailableError('ERR_SUBJECT_UNAVAILABLE', 'The keys of the issuer could not be had.', {
      cause: error,
    })
  }
}

function isFetchFailure(error: unknown): boolean {
  return error instanceof TypeError && error.message === 'fetch failed'
}

/** The keys are fetched for everyone who waits for them, so that one caller's abort must not end the fetch. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = (): void => {}
  const cut = new Promise<never>((_, reject) => {
    const aborted = (): void => reject(signal.reason)
    signal.addEventListener('abort', aborted, { once: true })
    stop = () => signal.removeEventListener('abort', aborted)
  })
  try {
    return await Promise.race([work, cut])
  } finally {
    stop()
  }
}

/** Which check failed stands in the cause alone: whoever sent the token may read the message. */
function refused(cause?: unknown): GuardError {
  return new GuardError('ERR_SUBJECT_INVALID', 'The token of the user was refused.', { cause })
}

function check(holds: boolean, key: string, given: unknown, expected: string): void {
  if (!holds) throw new ConfigError(key, given, expected)
}
