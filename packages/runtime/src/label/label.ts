/**
 * One conjunct of a readers set: whoever reads must be one of `members`.
 *
 * `assigned` tells a clause that a contract or a source set from the default one (the user and the agent):
 * only default clauses are declassified by a recipient that the user named.
 */
export interface Clause {
  readonly members: readonly string[]
  readonly assigned: boolean
}

declare const brand: unique symbol

/**
 * Who may have written a thing (integrity) and who may see it (confidentiality).
 *
 * Immutable and interned: two labels that say the same are the same object. `authors` is sorted; `readers` is
 * a conjunction of clauses, and everyone may read where it is empty. After the label of a decentralised
 * information flow model (Myers and Liskov, 1997).
 */
export interface Label {
  readonly authors: readonly string[]
  readonly readers: readonly Clause[]
  readonly [brand]: true
}

/** The author of whatever nobody vouches for: unauthenticated content. */
export const ANYONE = 'anyone'

/** Readers that admit everyone: the empty conjunction. */
export const EVERYONE: readonly Clause[] = Object.freeze([])

const MOST_AUTHORS = 64
const MOST_CLAUSES = 32
const NOBODY: Clause = Object.freeze({ members: Object.freeze([]), assigned: true })

// Weak, so that a process that has served many runs holds only the labels still in use.
const interned = new Map<string, WeakRef<Label>>()
const forget = new FinalizationRegistry<string>((key) => {
  if (interned.get(key)?.deref() === undefined) interned.delete(key)
})

/**
 * The label with these authors and readers.
 *
 * Approximates only the safe way: more than 64 authors become `anyone`, more than 32 clauses become readers
 * that admit nobody. `anyone` absorbs every other author.
 *
 * @throws {TypeError} If there is no author: a thing that nobody wrote cannot be trusted or distrusted.
 */
export function label(authors: Iterable<string>, readers: readonly Clause[] = EVERYONE): Label {
  if (!Array.isArray(authors) || authors.length !== 1 || readers.length > 1) return intern(authors, readers)
  const clause = readers[0]
  const row = clause === undefined ? openRow : rowOf(clause)
  const name = authors[0] as string
  const known = row.get(name)?.deref()
  if (known !== undefined) return known
  const made = intern(authors, readers)
  // Parties come from results, so there may be ever more of them.
  if (row.size >= MOST_IN_ROW) row.clear()
  row.set(name, new WeakRef(made))
  return made
}

// Labels of one author, met before with the same clause or with none, are found without spelling out their key.
const MOST_IN_ROW = 1000
const openRow = new Map<string, WeakRef<Label>>()
const rows = new WeakMap<Clause, Map<string, WeakRef<Label>>>()

function rowOf(clause: Clause): Map<string, WeakRef<Label>> {
  const known = rows.get(clause)
  if (known !== undefined) return known
  const made = new Map<string, WeakRef<Label>>()
  rows.set(clause, made)
  return made
}

function intern(authors: Iterable<string>, readers: readonly Clause[]): Label {
  const names = [...new Set(authors)].toSorted()
  if (names.length === 0) throw new TypeError('A label needs at least one author; none was given.')
  const widened = names.length > MOST_AUTHORS || names.includes(ANYONE) ? [ANYONE] : names
  const clauses = simplify(readers)
  const key = JSON.stringify([widened, clauses.map(({ members, assigned }) => [members, assigned])])
  const known = interned.get(key)?.deref()
  if (known) return known
  const made = Object.freeze({ authors: Object.freeze(widened), readers: Object.freeze(clauses) }) as Label
  interned.set(key, new WeakRef(made))
  forget.register(made, key)
  return made
}

// Clauses that are sorted and without doubles already, and the key of each.
const tidy = new WeakMap<Clause, string>()

/** A clause that these principals satisfy, as a contract or a source assigns it. */
export function readableBy(members: Iterable<string>, assigned = true): Clause {
  const made = Object.freeze({ members: Object.freeze([...new Set(members)].toSorted()), assigned })
  tidy.set(made, JSON.stringify([made.members, assigned]))
  return made
}

/** Whether every author of `of` is in `set`. */
export function allAuthorsIn(of: Label, set: ReadonlySet<string>): boolean {
  for (const author of of.authors) if (!set.has(author)) return false
  return true
}

function simplify(readers: readonly Clause[]): Clause[] {
  const byKey = new Map<string, Clause>()
  for (const clause of readers) {
    const sorted = tidy.has(clause) ? clause : readableBy(clause.members, clause.assigned)
    byKey.set(tidy.get(sorted) as string, sorted)
  }
  const kept = [...byKey.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, clause]) => clause)
  // A clause that admits nobody absorbs the others, or a join would depend on the order in which the bound was met.
  return kept.length > MOST_CLAUSES || kept.some(({ members }) => members.length === 0) ? [NOBODY] : kept
}
