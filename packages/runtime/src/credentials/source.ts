import type { AuthorizationDetail } from '../contract/contract.ts'
import type { Awaitable } from '../policy/decision.ts'
import type { PrincipalId } from '../principal.ts'
import type { Secret } from './secret.ts'

/** Whose token it is: what a halt is matched against, and what an inventory says. */
export interface CredentialOwner {
  /** The user on whose behalf; undefined where the agent acts for itself. */
  readonly subject: PrincipalId | undefined
  /** `agent:id@version`. */
  readonly actor: `agent:${string}`
  readonly tenant: string | undefined
  readonly run: string
  readonly session: string | undefined
  /** The runs for which this one acts, nearest first: a halt of theirs is one of this. */
  readonly behind?: readonly RunBehind[] | undefined
}

/** A run whose agent another one acts for. */
export interface RunBehind {
  readonly agent: `agent:${string}`
  readonly run: string
  readonly session?: string
}

/** For whom and for what a token is wanted: one audience, these scopes, this run. */
export interface CredentialRequest extends CredentialOwner {
  readonly audience: string
  readonly scopes: readonly string[]
  /** RFC 8707: the URI of the protected resource. */
  readonly resource?: string | undefined
  /** RFC 9396. */
  readonly authorizationDetails?: readonly AuthorizationDetail[] | undefined
  /** What the user's own session gave the application; only an issuer reads it. */
  readonly subjectToken: Secret | undefined
  /** The actors behind the agent, nearest first. */
  readonly delegation: readonly string[]
  readonly tool: string
  /** How the subject was authenticated, as far as an issuer's answer may depend on it: the `acr`. */
  readonly authenticationContext?: string | undefined
}

/** A key of a third party, that is wanted for one call. */
export interface KeyRequest extends CredentialOwner {
  readonly secret: string
  readonly origin: string
  readonly tool: string
}

/** A credential for one call. Its value is read by calling, so that nothing that prints an object shows it. */
export interface CallCredential {
  readonly audience: string
  /** Undefined for a third party's key, whose life is not ours to bound. */
  readonly expires: Date | undefined
  /** Default `bearer`. */
  readonly tokenType?: 'bearer' | 'dpop' | undefined
  token(): string
  /** A DPoP proof for one request (RFC 9449 §4); a resource server may have asked for a nonce (§9). */
  prove?(method: string, url: string, nonce?: string): Promise<string>
  /** The resource server refused it: it must not be handed out again. */
  refused?(): void
}

/**
 * Where credentials come from: once for each call that needs one, after everything else permitted it.
 *
 * A throw denies the call. There is no default: a contract that asks for credentials does not start without a source.
 */
export interface CredentialSource {
  issue(request: CredentialRequest, options: { readonly signal: AbortSignal }): Awaitable<CallCredential>
  /** Read a third party's key at the time of the call. Left out: contracts that ask for one do not start. */
  key?(request: KeyRequest, options: { readonly signal: AbortSignal }): Awaitable<CallCredential>
  /** A run of this id began. */
  opened?(run: string): void
  /** It is over: nothing of it is handed out again. */
  ended?(run: string): Promise<void>
}
