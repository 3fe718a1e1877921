import type { AuditedAuthentication } from './audit/event.ts'
import { ConfigError } from './errors.ts'
import type { Authentication } from './identity/authentication.ts'
import { isUser, type Principal } from './principal.ts'

/**
 * What the audit says about how a subject was authenticated; `unstated` where the application did not say.
 *
 * @throws {ConfigError} If it does not fit the subject.
 */
export function authenticationOf(
  given: Authentication | undefined,
  { subject }: Principal,
): AuditedAuthentication {
  if (given === undefined) return { kind: isUser(subject) ? 'unstated' : 'none' }
  const { kind } = given
  if (kind !== 'jwt' && kind !== 'session' && kind !== 'none')
    throw new ConfigError('authentication.kind', kind, "'jwt', 'session' or 'none'")
  if ((kind === 'none') === isUser(subject))
    throw new ConfigError(
      'authentication.kind',
      kind,
      "'none' for an agent that acts for itself, and only for it",
    )
  if (kind === 'none') return { kind }
  const source = kind === 'jwt' ? given.issuer : given.by
  if (typeof source !== 'string' || source === '')
    throw new ConfigError(
      `authentication.${kind === 'jwt' ? 'issuer' : 'by'}`,
      source,
      'the name of who authenticated the user',
    )
  return {
    kind,
    by: source,
    ...(given.at === undefined ? {} : { at: given.at.toISOString() }),
    ...(given.acr === undefined ? {} : { acr: given.acr }),
  }
}
