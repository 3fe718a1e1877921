import type { AuthorizationDetail } from '../contract/contract.ts'
import type { Secret } from './secret.ts'
import type { CredentialRequest } from './source.ts'

export interface IssuerCall {
  readonly signal: AbortSignal
}

/**
 * An authorization server, as this agent's client of it. One vendor a file; differences are capabilities.
 *
 * A driver asks for exactly what the request says, once, with no retry, and hands on what came back without judging
 * it: the broker checks every answer. Its errors name no token, assertion or text of the server. It throws
 * `CredentialError` (`ERR_CREDENTIAL`, `ERR_CONSENT_REQUIRED`, `ERR_INTERACTION_REQUIRED`) for a refusal, and
 * `UnavailableError` (`ERR_CREDENTIALS_UNAVAILABLE`) where the server cannot be reached or answers nonsense.
 */
export interface TokenIssuer {
  /** For records and start-up logs: `token-exchange`, `entra`. */
  readonly name: string
  /** The issuer identifier: what `iss` must be. */
  readonly issuer: string
  /** The client id that the agent has there. */
  readonly client: string
  /** Thumbprint of the key that tokens are bound to (RFC 9449 §6.1), where they are. */
  readonly dpopKey?: string
  readonly capabilities: IssuerCapabilities
  /** How long an answer may take, in milliseconds, where a person may have to act first. Default: the broker's. */
  readonly timeoutMs?: number
  obtain(request: CredentialRequest, call: IssuerCall): Promise<ObtainedToken>
  /** RFC 7009. */
  revoke?(token: Secret, call: IssuerCall): Promise<void>
  /** RFC 7662, asked only to confirm a revocation. */
  introspect?(token: Secret, call: IssuerCall): Promise<{ readonly active: boolean }>
  /**
   * Refuse new tokens at the server: one that was revoked can be exchanged for again otherwise. False where the
   * server has no way to do it for this kind of scope, such as a single run.
   */
  endDelegation?(scope: DelegationScope, call: IssuerCall): Promise<boolean>
}

export interface IssuerCapabilities {
  readonly revokes: boolean
  readonly introspects: boolean
  /** Every token is bound to a key: one that is not, is a downgrade and refused. */
  readonly dpop: boolean
  /** It can give a token for the agent itself, with no user. */
  readonly withoutUser: boolean
  /**
   * What to make of a token with no `claims`: `introspected` and `none` refuse it (the driver introspects opaque
   * tokens, or the server issues none); `trusted-response` takes the server's word for audience, subject and actor.
   */
  readonly opaque: 'introspected' | 'trusted-response' | 'none'
  /** The answers are of RFC 8693, which must name the type of what was issued (§2.2.1). Default false. */
  readonly exchanges?: boolean
  /**
   * Where a token for a user names the agent: in `act` (RFC 8693 §4.1), or, with servers that issue none, as its
   * client alone (`client_id`, `azp`, `appid`). Default `act`.
   */
  readonly actorIn?: 'act' | 'client'
}

/** What a server answered. */
export interface ObtainedToken {
  readonly token: Secret
  readonly tokenType: 'bearer' | 'dpop'
  readonly issuedTokenType?: string | undefined
  /** As the answer says; undefined where it does not, which means: as asked (RFC 6749 §5.1). */
  readonly scopes: readonly string[] | undefined
  /** By our clock: the answer's `expires_in`, from when the request was sent. */
  readonly expires: Date
  /** As granted (RFC 9396 §7). */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** Read from the JWT or from introspection; undefined where neither is to be had. */
  readonly claims: TokenClaims | undefined
  prove?(method: string, url: string, nonce?: string): Promise<string>
}

export interface TokenClaims {
  readonly iss?: string | undefined
  readonly sub?: string | undefined
  readonly act?: unknown
  readonly aud?: readonly string[] | undefined
  readonly scope?: readonly string[] | undefined
  /** `client_id`, `azp` or `appid`. */
  readonly client?: string | undefined
  readonly cnf?: unknown
  /** Seconds since 1970, by the server's clock. */
  readonly exp?: number | undefined
  readonly iat?: number | undefined
}

/** What was halted or retired: exactly one of these. `agent` is an id, for all its versions, or `id@version`. */
export type RevokedScope =
  | { readonly run: string }
  | { readonly session: string }
  | { readonly user: string }
  | { readonly agent: string }
  | { readonly tenant: string }
  | { readonly everything: true }

/** Whose delegation ends, and the users (`user:alice`) whose tokens this process held within it. */
export type DelegationScope = RevokedScope & { readonly subjects: readonly string[] }
