import { CredentialError, GuardError, HaltedError, UnavailableError } from '../errors.ts'

const REFUSED = 'The issuer gave no token for this call.'
const UNREACHED = 'The issuer of tokens could not be reached.'

/**
 * The error of an issuer as the rest may see it: its code and a word, and nothing that came over the wire. A driver
 * may have put a response, an assertion or the token itself into its own.
 */
export function issuerFailed(error: unknown): GuardError {
  if (error instanceof HaltedError) return error
  if (error instanceof CredentialError) {
    const { code, reason, link, claims } = error
    return new CredentialError(code as 'ERR_CREDENTIAL', REFUSED, {
      ...(isWord(reason) ? { reason } : {}),
      ...(link === undefined ? {} : { link }),
      ...(claims === undefined ? {} : { claims }),
    })
  }
  if (GuardError.isInstance(error) && !error.code.endsWith('_UNAVAILABLE') && error.code !== 'ERR_CREDENTIAL')
    // The run ended, or something of the kind: ours, and about no token.
    return new GuardError(error.code, error.message)
  return new UnavailableError('ERR_CREDENTIALS_UNAVAILABLE', UNREACHED, { cause: named(error) })
}

function named(error: unknown): Error {
  const { name, code } = (error ?? {}) as { name?: unknown; code?: unknown }
  const words = [name, code].filter((one) => isWord(one))
  return new Error(words.length === 0 ? 'An error with no name.' : words.join(' '))
}

function isWord(given: unknown): given is string {
  // Short, so that no token fits.
  return typeof given === 'string' && /^[\w.-]{1,40}$/.test(given) && !given.startsWith('eyJ')
}
