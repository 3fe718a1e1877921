import { ConfigError, GuardError } from '../errors.ts'

/** Somebody who acts, or acted, for the subject of a token. */
export interface DelegationActor {
  readonly sub: string
  readonly iss?: string
}

export interface DelegationRules {
  /** Who may be in a chain, by `sub`, or by `iss` and `sub`. */
  readonly actors: readonly (string | DelegationActor)[]
  /** Most actors in a chain. Default 4. */
  readonly maxDepth?: number
}

/** A checked chain. Who acts is the first; the others are history (RFC 8693 §4.1), and nothing is permitted for them. */
export interface Delegation {
  readonly actor: DelegationActor
  readonly history: readonly DelegationActor[]
}

/** Most hops from the user to whoever acts, the agents of nested runs included. */
export const MOST_HOPS = 4

/**
 * Check an `act` claim for its shape, its depth and who is in it.
 *
 * Everyone in the chain must be among those allowed: somebody of the past who is not makes the token one to refuse,
 * and somebody of the past who is permits nothing.
 *
 * @throws {GuardError} `ERR_DELEGATION_INVALID`; says what is wrong and no value of the claim.
 */
export function parseDelegation(act: unknown, { actors, maxDepth = MOST_HOPS }: DelegationRules): Delegation {
  if (!(Number.isInteger(maxDepth) && maxDepth > 0))
    throw new ConfigError('maxDepth', maxDepth, 'a whole number from 1')
  const chain: DelegationActor[] = []
  for (let claim = act; claim !== undefined;) {
    if (chain.length === maxDepth) throw invalid(`it is longer than ${maxDepth}`)
    const [actor, next] = hopOf(claim)
    if (!actors.some((allowed) => isSame(allowed, actor))) throw invalid('somebody in it may not act')
    chain.push(actor)
    claim = next
  }
  const [actor, ...history] = chain
  if (actor === undefined) throw invalid('there is none')
  return { actor, history }
}

/** The names in a chain, nearest first, for the audit. */
export function chainOf({ actor, history }: Delegation): readonly string[] {
  return [actor, ...history].map(({ sub, iss }) => (iss === undefined ? sub : `${iss} ${sub}`))
}

function hopOf(claim: unknown): [DelegationActor, unknown] {
  if (typeof claim !== 'object' || claim === null || Array.isArray(claim))
    throw invalid('an actor in it is not an object')
  const { sub, iss, act } = claim as { sub?: unknown; iss?: unknown; act?: unknown }
  if (typeof sub !== 'string' || sub.trim() === '') throw invalid('an actor in it has no sub')
  if (iss !== undefined && (typeof iss !== 'string' || iss === ''))
    throw invalid('an actor in it has an iss that is not a text')
  // `null` is not the same as nothing: somebody may read it as the end of the chain, and somebody not.
  return [iss === undefined ? { sub } : { sub, iss }, act]
}

/** A bare name stands for an actor that names no issuer: another issuer's `support` is somebody else. */
function isSame(allowed: string | DelegationActor, { sub, iss }: DelegationActor): boolean {
  return typeof allowed === 'string'
    ? iss === undefined && allowed === sub
    : allowed.sub === sub && allowed.iss === iss
}

function invalid(why: string): GuardError {
  return new GuardError('ERR_DELEGATION_INVALID', `The chain of delegation was refused: ${why}.`)
}
