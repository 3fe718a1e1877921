import { type Clause, type Label, label } from './label.ts'

/** A recorded decision that relaxed a label. There is no other way to relax one. */
export interface Relabelling {
  readonly kind: 'endorse' | 'declassify'
  readonly from: Label
  readonly to: Label
  readonly by: string
  readonly reason: string
}

/**
 * Vouch for a thing in the place of some of its authors.
 *
 * Returns the record of the decision; `to` carries `by` where an author was dropped. Record it before use.
 */
export function endorse(from: Label, dropped: readonly string[], by: string, reason: string): Relabelling {
  const kept = from.authors.filter((author) => !dropped.includes(author))
  const to = kept.length === from.authors.length ? from : label([...kept, by], from.readers)
  return Object.freeze({ kind: 'endorse', from, to, by, reason })
}

/** Let more principals see a thing: `readers` replace the ones it had. Record the decision before use. */
export function declassify(from: Label, readers: readonly Clause[], by: string, reason: string): Relabelling {
  return Object.freeze({ kind: 'declassify', from, to: label(from.authors, readers), by, reason })
}
