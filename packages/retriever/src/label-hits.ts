import type { CarriedLabel, PrincipalId } from '@gatewright/runtime'
import type { Rechecked } from './recheck.ts'
import type { Passage } from './search-index.ts'

/** A passage that its user and its agent may read, and the label under which it goes into the ledger. */
export interface LabelledPassage extends Passage {
  readonly label: CarriedLabel
}

/**
 * Label a passage: authored by everyone who could write its document, readable by the document's readers as they are
 * now, all as the source of record has it and never as the document says of itself.
 *
 * The user and the agent were just found to be among the readers, so they stand in the label by name. A label cannot
 * take somebody out of a group: where somebody is denied, those two are the only readers that are sure.
 */
export function labelPassage(
  passage: Passage,
  checked: Extract<Rechecked, { permitted: true }>,
  of: { readonly subject: PrincipalId; readonly actor: PrincipalId },
): LabelledPassage {
  const readers = checked.readers ?? passage.readers
  const denied = checked.denied ?? passage.denied
  const sure = denied.length > 0 ? [] : readers
  const [first = 'anyone', ...more] = passage.authors
  return {
    ...passage,
    readers,
    denied,
    aclVersion: checked.aclVersion,
    label: { authors: [first, ...more], readers: [...new Set([...sure, of.subject, of.actor])] },
  }
}
