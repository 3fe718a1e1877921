import { ConfigError } from '../errors.ts'
import type { TokenIssuer } from './issuer.ts'
import type { CredentialRequest } from './source.ts'

/** An issuer, and for which audiences it is asked. */
export interface IssuerEntry {
  readonly issuer: TokenIssuer
  readonly audiences: readonly string[]
  /** What `sub` must be for a user. Default: the name after `user:`. */
  readonly subject?: (request: CredentialRequest) => string
  /** What the current actor may be called in `act`. Default: the client id, or `agent:id@version` as it is here. */
  readonly actors?: (request: CredentialRequest) => readonly string[]
}

export type Issuers = Readonly<Record<string, TokenIssuer>> | readonly IssuerEntry[]

export type ServedAudience = Required<Omit<IssuerEntry, 'audiences'>>

/**
 * Who is asked for each audience.
 *
 * @throws {ConfigError} For what is no issuer, or an audience that two of them serve.
 */
export function servedAudiences(
  issuers: Issuers,
  { revokeAtLimit }: { readonly revokeAtLimit: boolean },
): ReadonlyMap<string, ServedAudience> {
  const served = new Map<string, ServedAudience>()
  for (const { key, entry } of entriesOf(issuers)) {
    checkIssuer(key, entry.issuer, revokeAtLimit)
    for (const audience of entry.audiences) {
      if (typeof audience !== 'string' || audience === '')
        throw new ConfigError(`${key}.audiences`, audience, 'names of audiences')
      if (served.has(audience))
        throw new ConfigError(key, audience, 'an audience that no other issuer of the list serves')
      served.set(audience, {
        issuer: entry.issuer,
        subject: entry.subject ?? (({ subject }) => subject?.replace(/^user:/, '') ?? ''),
        actors: entry.actors ?? (({ actor }) => [entry.issuer.client, actor]),
      })
    }
  }
  return served
}

function entriesOf(issuers: Issuers): { key: string; entry: IssuerEntry }[] {
  if (Array.isArray(issuers))
    return issuers.map((entry: IssuerEntry, index) => ({ key: `credentials.issuers.${index}`, entry }))
  if (typeof issuers !== 'object' || issuers === null)
    throw new ConfigError('credentials.issuers', issuers, 'issuers by audience, or a list of them')
  return Object.entries(issuers as Readonly<Record<string, TokenIssuer>>).map(([audience, issuer]) => ({
    key: `credentials.issuers.${audience}`,
    entry: { issuer, audiences: [audience] },
  }))
}

function checkIssuer(key: string, issuer: TokenIssuer, revokeAtLimit: boolean): void {
  if (typeof issuer?.obtain !== 'function' || typeof issuer.capabilities !== 'object')
    throw new ConfigError(key, typeof issuer, 'a token issuer, with obtain() and capabilities')
  for (const name of ['name', 'issuer', 'client'] as const)
    if (typeof issuer[name] !== 'string' || issuer[name] === '')
      throw new ConfigError(`${key}.${name}`, issuer[name], 'a text that is not empty')
  if (revokeAtLimit && (!issuer.capabilities.revokes || typeof issuer.revoke !== 'function'))
    throw new ConfigError(
      key,
      issuer.name,
      'an issuer that revokes, since revokeAtLimit ends longer lives so',
    )
}
