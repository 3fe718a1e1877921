import type { Clause, Label } from './label.ts'
import { label, readableBy } from './label.ts'

const CARRIED: unique symbol = Symbol.for('gatewright.carried')

/** Authors and readers of a part of a value, as the code that made it knows them. */
export interface CarriedLabel {
  readonly authors: readonly [string, ...string[]]
  /** Who may read it: one of these, or whoever satisfies every clause. Left out: the user and the agent. */
  readonly readers?: readonly string[] | readonly Clause[] | 'everyone'
}

/** A value whose parts carry labels of their own. */
export interface Carried<T> {
  readonly [CARRIED]: true
  readonly value: T
  readonly labels: Readonly<Record<string, CarriedLabel>>
}

/**
 * Return this from a tool whose code knows who wrote what it returns: a retriever, a sub-agent, a memory.
 *
 * `labels` are by path (`passages.0.**`); whatever no path names is authored by anyone. Counts only where the
 * tool's contract says `carriesLabels`: content cannot claim a label.
 */
export function labelled<T>(value: T, labels: Readonly<Record<string, CarriedLabel>>): Carried<T> {
  return { [CARRIED]: true, value, labels }
}

/** Whether a tool returned a value that carries labels. */
export function isCarried(value: unknown): value is Carried<unknown> {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, CARRIED)
}

/** A carried label, with the default readers where it names none. */
export function carriedLabel({ authors, readers }: CarriedLabel, defaultReaders: Clause): Label {
  if (readers === undefined) return label(authors, [defaultReaders])
  if (readers === 'everyone') return label(authors)
  return label(authors, isClauses(readers) ? readers : [readableBy(readers)])
}

// An empty list of readers admits nobody, whichever of the two it was meant to be.
function isClauses(readers: readonly string[] | readonly Clause[]): readers is readonly Clause[] {
  return typeof readers[0] === 'object'
}
