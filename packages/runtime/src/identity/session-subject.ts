import { ConfigError } from '../errors.ts'
import type { Secret } from '../credentials/secret.ts'
import type { Principal } from '../principal.ts'
import type { AuthenticatedSubject } from './authentication.ts'

export interface SessionSubjectOptions {
  readonly principal: Principal & { readonly subject: `user:${string}` }
  /** Which session it is, for the audit: `the web login`, `Kerberos`. */
  readonly by: string
  /** When the user proved who they are. */
  readonly at?: Date
  readonly acr?: string
  /** When the session ends, and with it what a run of this user may do. Left out, a run does not end with it. */
  readonly until?: Date
  readonly subjectToken?: Secret
}

/**
 * A user whom the application has authenticated by its own session. The guard takes its word for it, and the audit
 * says that it did.
 *
 * @throws {ConfigError} If it does not say which session that is, or names no user.
 */
export function sessionSubject({
  principal,
  by,
  at,
  acr,
  until,
  subjectToken,
}: SessionSubjectOptions): AuthenticatedSubject {
  if (typeof by !== 'string' || by.trim() === '')
    throw new ConfigError('by', by, 'the name of the session, such as the login system')
  if (typeof principal?.subject !== 'string' || !/^user:\S/.test(principal.subject))
    throw new ConfigError('principal.subject', principal?.subject, "a user such as 'user:alice'")
  for (const [key, time] of Object.entries({ at, until }))
    if (time !== undefined && !(time instanceof Date && Number.isFinite(time.getTime())))
      throw new ConfigError(key, time, 'a time')
  return {
    principal,
    authentication: {
      kind: 'session',
      by,
      ...(at === undefined ? {} : { at }),
      ...(acr === undefined ? {} : { acr }),
      ...(until === undefined ? {} : { until }),
    },
    ...(subjectToken === undefined ? {} : { subjectToken }),
  }
}

/**
 * Nobody: a scheduled agent, which acts for itself. Its authority is its own alone, nothing that stands in a
 * user's place is a user's word, and only the minted fields of a trigger can be quoted.
 */
export function noSubject(
  agent: { readonly id: string; readonly version: string },
  of: Pick<Principal, 'tenant' | 'attributes' | 'timeZone' | 'locale'> = {},
): AuthenticatedSubject {
  return {
    principal: { ...of, subject: `agent:${agent.id}@${agent.version}` },
    authentication: { kind: 'none' },
  }
}
