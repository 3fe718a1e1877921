import { type Label, label } from './label.ts'

// Keyed weakly on both sides: a pair that was joined once is a look-up for as long as both labels live.
const joined = new WeakMap<Label, WeakMap<Label, Label>>()

/**
 * The label of a thing made from two things: authors united, readers intersected.
 *
 * Associative, commutative, idempotent and monotone. The join of two labels met before is a table look-up.
 */
export function join(a: Label, b: Label): Label {
  if (a === b) return a
  const known = joined.get(a)?.get(b)
  if (known) return known
  const made = label([...a.authors, ...b.authors], [...a.readers, ...b.readers])
  remember(a, b, made)
  remember(b, a, made)
  return made
}

/** The join of several labels, or undefined of none. */
export function joinAll(labels: Iterable<Label>): Label | undefined {
  let all: Label | undefined
  for (const one of labels) all = all === undefined ? one : join(all, one)
  return all
}

/** Whether `upper` is at least as restrictive as `lower`: joining `lower` into it changes nothing. */
export function covers(upper: Label, lower: Label): boolean {
  return join(upper, lower) === upper
}

function remember(a: Label, b: Label, made: Label): void {
  const row = joined.get(a) ?? new WeakMap<Label, Label>()
  row.set(b, made)
  joined.set(a, row)
}
