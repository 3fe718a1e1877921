import type { CompiledContract } from '../contract/compile.ts'
import type { Reason } from './decision.ts'

export type Mode = 'floor' | 'attest'

/** How one control leaf stands, as the flow rules see it. */
export interface LeafStanding {
  readonly path: string
  readonly by: 'quoted' | 'bound' | 'minted' | 'derived' | 'choice' | 'constant' | 'approved' | undefined
  /** The turn in which the user said it; -1 for a constant of the developer's. */
  readonly turn: number | undefined
}

/** What led to a call and what it would do, reduced to what the flow rules need. */
export interface FlowFacts {
  readonly mode: Mode
  readonly contract: CompiledContract
  /** Every author of everything the model had seen is trusted. */
  readonly causeTrusted: boolean
  /** Every control leaf; left unread for a read that decides nothing. */
  readonly leaves: readonly LeafStanding[]
  readonly turn: number
  /** Whom the content reaches, and which readers do not admit them: names for people, never for the model. */
  readonly readersNotAdmitting: readonly string[]
  /** Paths of content that holds a link or image which no trusted text holds, where the contract says to ask. */
  readonly unattestedLinks: readonly string[]
  /** The run's task grant, if any: whether it allows this call, and whether it is a basis for it. */
  readonly grant: { readonly allows: boolean; readonly isBasis: boolean } | undefined
  /** A bounded grant of a developer's rule, or a standing approval that a person ticked, covers this call. */
  readonly boundedGrant: boolean
  /** This very (tool, control leaves) was already made in this turn. */
  readonly madeThisTurn: boolean
}

/**
 * The flow rules of a mode: what outsiders may have decided about a call.
 *
 * Returns the reasons against it, each an ask (or a deny, where the contract says so); none means that the
 * flow rules permit. Adding untrusted content never removes a reason.
 */
export function flowReasons(facts: FlowFacts): readonly Reason[] {
  const { contract, mode, causeTrusted } = facts
  const reasons: Reason[] = []
  const against = (rule: string, text: string, path?: string): void => {
    const outcome = contract.contract.flow ?? 'ask'
    reasons.push({ step: 'flow', rule, outcome, text, ...(path === undefined ? {} : { path }) })
  }
  if (facts.grant?.allows === false)
    against('outside-task-grant', 'The task grant of this turn does not cover this call.')
  if (contract.plainRead) return reasons
  if (mode === 'floor' && !causeTrusted) {
    against('untrusted-cause', 'The model had seen untrusted content before this call.')
    return reasons
  }
  for (const leaf of facts.leaves) {
    if (leaf.by !== undefined) continue
    against('unattested-argument', 'Nothing the user or the developer said attests this value.', leaf.path)
  }
  for (const who of facts.readersNotAdmitting)
    against('reader-not-admitted', `What the model had seen is not for ${who}.`)
  for (const path of facts.unattestedLinks)
    against('unattested-link', 'The content holds a link or an image that no trusted text holds.', path)
  if (contract.effect === 'irreversible' && !hasBasis(facts)) {
    const once = facts.madeThisTurn && facts.leaves.every(({ by }) => by !== undefined)
    against(
      once ? 'already-made-this-turn' : 'no-basis',
      once
        ? 'The same call was already made in this turn.'
        : 'An irreversible effect after untrusted content needs values that the user said in this turn.',
    )
  }
  return reasons
}

/**
 * Whether an irreversible effect stands on something: a trusted cause; control leaves said in this turn and not
 * yet used in it; or a bounded grant.
 */
function hasBasis({
  contract,
  causeTrusted,
  leaves,
  turn,
  madeThisTurn,
  grant,
  boundedGrant,
}: FlowFacts): boolean {
  if (causeTrusted) return true
  if (contract.contract.cause === 'trusted') return false
  if (grant?.isBasis === true || boundedGrant) return true
  const said = ({ by, turn: of }: LeafStanding): boolean =>
    (by === 'quoted' || by === 'bound' || by === 'derived') && of === turn
  const counted = leaves.filter(({ by }) => by !== 'choice' && by !== 'constant')
  return counted.length > 0 && counted.every(said) && !madeThisTurn
}
