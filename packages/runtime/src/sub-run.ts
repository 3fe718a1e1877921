import { agentsBehind } from './agent-check.ts'
import { ConfigError, GuardError } from './errors.ts'
import { MOST_HOPS } from './identity/delegation.ts'
import type { CarriedLabel } from './label/carried.ts'
import { join } from './label/join.ts'
import { type Label, label } from './label/label.ts'
import type { Principal } from './principal.ts'
import { checkRunning, type RunState } from './run-state.ts'

/** The label of a thing that a run's agent made of all it has seen. */
export function labelOfAllSeen({ ledger, actor, defaultReaders }: RunState): Label {
  let all = label([actor], [defaultReaders])
  for (const { label: own, selectedBy } of ledger.chunks) {
    all = join(all, own)
    if (selectedBy !== undefined) all = join(all, selectedBy)
  }
  return all
}

/** The same, as a tool that ran the agent hands it on. */
export function carriedSeen(run: RunState): CarriedLabel {
  const { authors, readers } = labelOfAllSeen(run)
  return {
    authors: authors as unknown as CarriedLabel['authors'],
    readers: readers.length === 0 ? 'everyone' : readers,
  }
}

/**
 * Check that a run may be started for another one: of the same user, not too many agents deep, while that one runs.
 *
 * @throws {GuardError} `ERR_DELEGATION_INVALID`, if the chain gets too long; what ended the other run, if it is over.
 */
export function checkSubRun(parent: RunState, { subject, tenant }: Principal): void {
  checkRunning(parent)
  if (subject !== parent.principal.subject || tenant !== parent.principal.tenant)
    throw new ConfigError('principal', subject, 'the subject and tenant of the run that this one is part of')
  if (agentsBehind(parent).length + 2 > MOST_HOPS)
    throw new GuardError(
      'ERR_DELEGATION_INVALID',
      `The chain of delegation was refused: it is longer than ${MOST_HOPS}.`,
    )
}
