import type { AuthorizationDetail } from '../contract/contract.ts'
import { CredentialError } from '../errors.ts'
import { canonicalJson, plainJson } from '../json/plain.ts'
import type { ObtainedToken, TokenClaims, TokenIssuer } from './issuer.ts'
import { Secret } from './secret.ts'
import type { CredentialRequest } from './source.ts'

/** How far the clocks of a server and of this process may differ. Only `exp` depends on them. */
export const CLOCK_TOLERANCE_MS: number = 5 * 60_000

/** Who a token has to name, as its issuer spells them. */
export interface Expected {
  /** Undefined where the agent acts for itself. */
  readonly subject: string | undefined
  /** Any of these is this agent. */
  readonly actors: readonly string[]
}

export interface CheckOptions {
  readonly issuer: Pick<TokenIssuer, 'issuer' | 'client' | 'capabilities' | 'dpopKey'>
  readonly expected: Expected
  readonly now: Date
  readonly maxLifetimeMs: number
  /** A longer life is taken, since we end it at the limit. */
  readonly revokeAtLimit: boolean
}

export interface CheckedToken {
  readonly token: Secret
  readonly tokenType: 'bearer' | 'dpop'
  readonly scopes: readonly string[]
  /** By our clock. */
  readonly expires: Date
  readonly prove: ObtainedToken['prove']
}

// RFC 8693 §3.
const ACCESS_TOKENS: ReadonlySet<unknown> = new Set([
  'urn:ietf:params:oauth:token-type:access_token',
  'urn:ietf:params:oauth:token-type:jwt',
])
const LONGEST_TOKEN = 65_536
const SHORTEST_TOKEN = 8
const MOST_ACTORS = 16

/**
 * Check a server's answer against what was asked: nothing wider passes, whatever the server or its driver says.
 *
 * The type of what was issued, scopes and details within those asked, the audience asked for and no other, the user
 * asked for, this agent as the current actor (nested actors are history and authorise nothing, RFC 8693 §4.1), the
 * binding to a key, and the lifetime. An answer that says less than it must is refused too.
 *
 * @throws {CredentialError} `ERR_CREDENTIAL`; `reason` says which, and no value.
 */
export function checkObtained(
  obtained: ObtainedToken,
  request: CredentialRequest,
  options: CheckOptions,
): CheckedToken {
  if (typeof obtained !== 'object' || obtained === null) refuse('nonsense')
  const { capabilities } = options.issuer
  const { token, claims } = obtained
  checkToken(token)
  checkType(obtained, capabilities)
  const scopes = checkScopes(obtained, request)
  checkDetails(obtained.authorizationDetails, request.authorizationDetails)
  if (claims !== undefined) checkClaims(claims, obtained, request, options)
  else if (capabilities.opaque !== 'trusted-response') refuse('claims')
  const expires = checkLifetime(obtained, options)
  return { token, tokenType: obtained.tokenType, scopes, expires, prove: obtained.prove?.bind(obtained) }
}

// What goes into a header must not end it (RFC 6750 §2.1 allows less), and what is short cannot be kept apart.
function checkToken(token: unknown): asserts token is Secret {
  if (!(token instanceof Secret)) refuse('nonsense')
  const value = token.reveal()
  if (value.length < SHORTEST_TOKEN || value.length > LONGEST_TOKEN || !/^[\x21-\x7e]+$/.test(value))
    refuse('nonsense')
}

function checkType(
  { tokenType, issuedTokenType, prove, claims }: ObtainedToken,
  { dpop, exchanges }: TokenIssuer['capabilities'],
): void {
  if (issuedTokenType === undefined ? exchanges === true : !ACCESS_TOKENS.has(issuedTokenType))
    refuse('issued-type')
  if (tokenType !== 'bearer' && tokenType !== 'dpop') refuse('token-type')
  // A server that ignores the proof gives a token that whoever finds it can use.
  if (dpop !== (tokenType === 'dpop')) refuse('token-type')
  if (tokenType === 'dpop' && typeof prove !== 'function') refuse('token-type')
  if (tokenType === 'bearer' && claims?.cnf !== undefined) refuse('token-type')
}

function checkScopes(
  { scopes, claims }: ObtainedToken,
  { scopes: asked }: CredentialRequest,
): readonly string[] {
  const within = new Set(asked)
  for (const granted of [scopes, claims?.scope])
    if (granted !== undefined && !(Array.isArray(granted) && granted.every((one: string) => within.has(one))))
      refuse('scope')
  return scopes ?? claims?.scope ?? asked
}

// RFC 9396 §7: a server that knows them says which it granted. One that does not gave more than was asked.
function checkDetails(
  granted: readonly AuthorizationDetail[] | undefined,
  asked: readonly AuthorizationDetail[] | undefined,
): void {
  if (asked === undefined && granted === undefined) return
  if (!Array.isArray(granted)) refuse('authorization-details')
  const within = new Set((asked ?? []).map(detailText))
  if (!granted.every((one) => within.has(detailText(one)))) refuse('authorization-details')
}

function detailText(detail: unknown): string {
  const plain = plainJson(detail)
  if (!plain.ok) refuse('authorization-details')
  return canonicalJson(plain.value)
}

function checkClaims(
  claims: TokenClaims,
  { tokenType }: ObtainedToken,
  request: CredentialRequest,
  { issuer, expected }: CheckOptions,
): void {
  if (typeof claims !== 'object' || claims === null) refuse('nonsense')
  const { capabilities } = issuer
  // Introspection may leave it out (RFC 7662 §2.2); a JWT may not (RFC 9068 §2.2).
  if (claims.iss === undefined ? capabilities.opaque === 'none' : claims.iss !== issuer.issuer)
    refuse('issuer')
  checkAudience(claims.aud, request)
  if (expected.subject === undefined) {
    // For the agent itself: the token of some user would be more.
    if (claims.sub !== undefined && claims.sub !== issuer.client) refuse('subject')
    if (claims.act !== undefined) checkActor(claims.act, expected)
  } else {
    if (claims.sub !== expected.subject) refuse('subject')
    const inClient = capabilities.actorIn === 'client'
    if (inClient && claims.client !== issuer.client) refuse('actor')
    if (!inClient || claims.act !== undefined) checkActor(claims.act, expected)
  }
  if (tokenType === 'dpop' && !isBound(claims.cnf, issuer.dpopKey)) refuse('token-type')
}

function checkAudience(aud: unknown, { audience, resource }: CredentialRequest): void {
  if (!Array.isArray(aud) || aud.length === 0) refuse('audience')
  if (!aud.every((one) => typeof one === 'string' && (one === audience || one === resource)))
    refuse('audience')
}

function checkActor(act: unknown, { actors }: Expected): void {
  let current: unknown = act
  for (let depth = 0; current !== undefined; depth += 1) {
    if (typeof current !== 'object' || current === null || depth >= MOST_ACTORS) refuse('actor')
    const { sub, act: before } = current as { sub?: unknown; act?: unknown }
    if (typeof sub !== 'string') refuse('actor')
    // Only who acts now counts. That somebody with more rights acted before gives nothing.
    if (depth === 0 && !actors.includes(sub)) refuse('actor')
    current = before
  }
  if (act === undefined) refuse('actor')
}

// RFC 9449 §6.1.
function isBound(cnf: unknown, key: string | undefined): boolean {
  if (typeof cnf !== 'object' || cnf === null) return false
  const { jkt } = cnf as { jkt?: unknown }
  return typeof jkt === 'string' && (key === undefined || jkt === key)
}

function checkLifetime({ expires, claims }: ObtainedToken, options: CheckOptions): Date {
  const now = options.now.getTime()
  if (!(expires instanceof Date) || Number.isNaN(expires.getTime())) refuse('lifetime')
  const { exp, iat } = claims ?? {}
  for (const one of [exp, iat]) if (one !== undefined && !Number.isFinite(one)) refuse('lifetime')
  // How long it lives by the server's own clock, and how long by ours.
  const own = exp === undefined || iat === undefined ? Infinity : (exp - iat) * 1000
  const left = Math.min(expires.getTime() - now, own)
  if (!(left > 0)) refuse('lifetime')
  if (exp !== undefined && exp * 1000 + CLOCK_TOLERANCE_MS <= now) refuse('lifetime')
  if (!options.revokeAtLimit) {
    const longest = options.maxLifetimeMs
    if (expires.getTime() - now > longest || (own !== Infinity && own > longest)) refuse('lifetime')
    if (exp !== undefined && exp * 1000 - now > longest + CLOCK_TOLERANCE_MS) refuse('lifetime')
  }
  return new Date(now + left)
}

function refuse(reason: string): never {
  throw new CredentialError(
    'ERR_CREDENTIAL',
    'The issuer answered with something other than was asked for.',
    {
      reason,
    },
  )
}
