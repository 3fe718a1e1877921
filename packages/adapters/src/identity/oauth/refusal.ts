import { CredentialError, UnavailableError } from '@gatewright/runtime/credentials'
import { ResponseBodyError, WWWAuthenticateChallengeError } from 'openid-client'

// RFC 6749 §5.2, RFC 8693 §2.2.2, RFC 8707 §2, RFC 9396 §5, RFC 9449 §5, OpenID Connect Core §3.1.2.6. A word of the
// server's that is not among them is its own text, and does not go into an error.
const KNOWN: ReadonlySet<string> = new Set([
  'access_denied',
  'invalid_authorization_details',
  'invalid_client',
  'invalid_dpop_proof',
  'invalid_grant',
  'invalid_request',
  'invalid_scope',
  'invalid_target',
  'unauthorized_client',
  'unsupported_grant_type',
  'use_dpop_nonce',
])
const INTERACTION: ReadonlySet<string> = new Set([
  'interaction_required',
  'login_required',
  'insufficient_user_authentication',
  'mfa_required',
])
const OVERLOADED: ReadonlySet<string> = new Set(['server_error', 'temporarily_unavailable', 'slow_down'])
const LONGEST_CLAIMS = 8192

/**
 * What a failed request is to the broker. Nothing of the library's error is kept, for that holds the server's text
 * and the response, and so perhaps a token.
 */
export function refusal(error: unknown): CredentialError | UnavailableError {
  if (error instanceof CredentialError || error instanceof UnavailableError) return error
  if (error instanceof ResponseBodyError) return ofAnswer(error)
  if (error instanceof WWWAuthenticateChallengeError) return refused('invalid_client')
  return unavailable()
}

export function refused(reason: string): CredentialError {
  return new CredentialError('ERR_CREDENTIAL', 'The issuer refused a token for this call.', { reason })
}

export function unavailable(): UnavailableError {
  return new UnavailableError(
    'ERR_CREDENTIALS_UNAVAILABLE',
    'The issuer of tokens could not be reached, or gave no answer that makes sense.',
  )
}

export function consentRequired(options: { readonly link?: string } = {}): CredentialError {
  const message = 'The user has not yet allowed this.'
  return new CredentialError('ERR_CONSENT_REQUIRED', message, { reason: 'consent_required', ...options })
}

export function interactionRequired(claims: unknown): CredentialError {
  return new CredentialError('ERR_INTERACTION_REQUIRED', 'The user has to authenticate again for this.', {
    reason: 'interaction_required',
    // It is passed on as it is (RFC 9470 has no such parameter; Entra does), so its size is bounded.
    ...(typeof claims === 'string' && claims.length <= LONGEST_CLAIMS ? { claims } : {}),
  })
}

function ofAnswer({ error, cause, status }: ResponseBodyError): CredentialError | UnavailableError {
  // Entra says the one in `suberror`, and the other by the claims alone at times.
  if (error === 'consent_required' || cause['suberror'] === 'consent_required') return consentRequired()
  if (INTERACTION.has(error) || typeof cause['claims'] === 'string')
    return interactionRequired(cause['claims'])
  if (OVERLOADED.has(error) || status >= 500 || status === 429) return unavailable()
  return refused(KNOWN.has(error) ? error : 'refused')
}
