import { ANYONE } from './label/label.ts'

/** An authenticated party by name: `user:alice`, `agent:support@2.4.1`, `org:acme`, `operator:shop`, `developer`. */
export type PrincipalId =
  | typeof ANYONE
  | 'developer'
  | `user:${string}`
  | `agent:${string}`
  | `org:${string}`
  | `operator:${string}`
  | `party:${string}`

export const DEVELOPER = 'developer'

/** For whom a run acts: the person, as the application authenticated them, or the agent itself where there is none. */
export interface Principal {
  /**
   * `agent:…` is the agent of the guard and nobody else: a scheduled agent, whose authority is its own alone. Then
   * nothing is a user's word, and only the minted fields of a trigger can be quoted.
   */
  readonly subject: `user:${string}` | `agent:${string}`
  readonly tenant?: string
  /** Verified addresses and account names of this person, by which systems of record may name them. */
  readonly identities?: readonly string[]
  /** For rules of attribute-based access control; never taken from content. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
  /** IANA time zone in which this person writes dates and times. Default `UTC`. */
  readonly timeZone?: string
  /** BCP 47 locale in which this person writes numbers and dates. Default `en-US`. */
  readonly locale?: string
}

/**
 * For whom a guarded tool runs, as the guard knows it and the model cannot choose it. A tool finds it in the options
 * of its `execute`, as `acting`.
 */
export interface Acting {
  readonly principal: Principal
  /** The agent, as it stands in labels: `agent:support@2.4.1`. */
  readonly agent: `agent:${string}`
  readonly run: string
}

/** An agent deployment: a principal of its own, never collapsed with the person it acts for. */
export interface AgentIdentity {
  readonly id: string
  readonly version: string
  readonly owner?: string
  /** When this registration stops being valid. */
  readonly expires: Date
  /** Names of tools it may call; all tools under contract where left out. */
  readonly allowedTools?: readonly string[]
  /** Names of tools it may never call; wins over `allowedTools`. */
  readonly deniedTools?: readonly string[]
}

/** `agent:id@version`, as it stands in labels and records. */
export function agentPrincipal(agent: Pick<AgentIdentity, 'id' | 'version'>): `agent:${string}` {
  return `agent:${agent.id}@${agent.version}`
}

/** Whether a run acts for a person. */
export function isUser(subject: Principal['subject']): subject is `user:${string}` {
  return subject.startsWith('user:')
}

/** The principal that a value of a result names: the subject where it is one of their identities, else a party. */
export function partyPrincipal(value: string, principal: Principal): PrincipalId {
  const name = value.trim().toLowerCase()
  const { subject, identities = [] } = principal
  // An agent is known by what it is listed under alone: its id is a word that anyone may have in a field.
  const own = isUser(subject) ? [subject, subject.slice('user:'.length), ...identities] : identities
  return own.some((identity) => identity.toLowerCase() === name) ? principal.subject : `party:${name}`
}
