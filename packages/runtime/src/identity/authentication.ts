import type { Secret } from '../credentials/secret.ts'
import type { Principal } from '../principal.ts'

/** How the subject of a run was authenticated; it stands in the audit. */
export type Authentication =
  | {
      /** A token that the guard's own check verified. */
      readonly kind: 'jwt'
      readonly issuer: string
      /** When the user proved who they are (`auth_time`), where the issuer says so. */
      readonly at?: Date | undefined
      /** Authentication context class (`acr`). */
      readonly acr?: string | undefined
      /** Authentication methods (`amr`, RFC 8176). */
      readonly amr?: readonly string[] | undefined
      /** When the run may do nothing more. Left out, no run ends by it. */
      readonly until?: Date | undefined
    }
  | {
      /** The application's own session: its word, which the guard does not check. */
      readonly kind: 'session'
      /** Which session it is, such as the name of the login system. */
      readonly by: string
      readonly at?: Date | undefined
      readonly acr?: string | undefined
      /** When the run may do nothing more, such as the end of the session. Left out, no run ends by it. */
      readonly until?: Date | undefined
    }
  /** Nobody: an agent that acts for itself. */
  | { readonly kind: 'none' }

/** For whom a run acts, ready for `startRun({ ...subject })`. */
export interface AuthenticatedSubject {
  readonly principal: Principal
  readonly authentication: Authentication
  /** The user's own token, for the issuers that exchange it. */
  readonly subjectToken?: Secret
  /** Who acted for the user before the application, nearest first, as their token says. */
  readonly delegation?: readonly string[]
}
