import { join } from '../../label/join.ts'
import { type Label, label } from '../../label/label.ts'
import type { JsonScalar } from '../../json/plain.ts'
import { Refusal } from './refusal.ts'
import type { DeriveScope, Equality, Footing, Operand, Read, Standing } from './scope.ts'

export const MOST_READS = 10_000
// Rows walked over, read or not: a map of a map reads nothing and takes time all the same.
const MOST_STEPS = 50_000

const RANK: Readonly<Record<Standing, number>> = { quoted: 0, bound: 1, minted: 2, unattested: 3 }

/** The weaker of two standings. */
export const weaker = (a: Standing, b: Standing): Standing => (RANK[a] >= RANK[b] ? a : b)

/** A place in a result that has been pointed at, and not yet read. */
export interface Node extends Read {
  readonly operand: Operand
  readonly json: Operand['value']
}

/**
 * Everything that one evaluation leans on.
 *
 * All of it counts, whether or not it shows in the outcome: the amounts that `max` passed over
 * decided too.
 */
export interface Reading {
  readonly scope: DeriveScope
  /** Count rows walked over that are not read, so that no list is too long to end. */
  spend(steps: number): void
  /** The scalar at a node. */
  leaf(node: Node): JsonScalar
  /** The scalar at a node, to be compared by a filter and not to be shown. */
  tested(node: Node): JsonScalar
  /** Lean on which rows a list has, their order and number. */
  membership(node: Node): void
  /** Lean on which rows of a list a filter keeps, that keeps none unless all of these hold. */
  selected(node: Node, equalities: readonly Equality[]): void
  /** Lean on a literal; `quoted` refuses one that trusted text does not hold. */
  literal(value: string | number, rule?: 'quoted'): void
  /** Lean on a literal that may have been written in any of these ways: on the best that trusted text holds. */
  written(forms: readonly (string | number)[]): void
  sum(): { standing: Standing; label: Label; turn: number; reads: readonly Read[] }
}

export function reading(scope: DeriveScope): Reading {
  const reads = new Map<string, Read>()
  const leant = new Set<string>()
  const labels = new Set<Label>()
  let [readsLeft, stepsLeft] = [MOST_READS, MOST_STEPS]
  let standing: Standing = 'quoted'
  let turn = Infinity
  let joined: Label | undefined

  const spend = (steps: number): void => {
    stepsLeft -= steps
    if (stepsLeft < 0)
      throw new Refusal('too-many-reads', `An expression may walk over at most ${MOST_STEPS} rows.`)
  }
  const lean = (on: Footing): void => {
    standing = weaker(standing, on.standing)
    // A developer's constant is of no turn: it neither helps nor ages what it goes into.
    if ((on.standing === 'quoted' || on.standing === 'bound') && on.turn >= 0) turn = Math.min(turn, on.turn)
    if (labels.has(on.label)) return
    labels.add(on.label)
    joined = joined === undefined ? on.label : join(joined, on.label)
  }
  /** Whether it is leant on in this way for the first time. */
  const note = ({ tool, index, place }: Read, what: 'leaf' | 'list', how: string = what): boolean => {
    readsLeft -= 1
    if (readsLeft < 0)
      throw new Refusal('too-many-reads', `An expression may read at most ${MOST_READS} values.`)
    const key = JSON.stringify([what, tool, index, ...place])
    if (!reads.has(key)) reads.set(key, Object.freeze({ tool, index, place: Object.freeze([...place]) }))
    // One thing may be leant on in several ways, and each of them counts.
    const way = `${how} ${key}`
    return !leant.has(way) && leant.add(way) !== undefined
  }
  const scalar = ({ json }: Node): JsonScalar => {
    if (typeof json === 'object' && json !== null)
      throw new Refusal(
        'not-a-leaf',
        'A single value is needed where the expression has an object or a list.',
      )
    return json
  }

  return {
    scope,
    spend,
    leaf(node) {
      const value = scalar(node)
      if (note(node, 'leaf')) lean(node.operand.leaf(node.place))
      return value
    },
    tested(node) {
      const value = scalar(node)
      const { operand, place } = node
      if (note(node, 'leaf', 'tested')) lean(operand.tested?.(place) ?? operand.leaf(place))
      return value
    },
    membership(node) {
      if (note(node, 'list')) lean(node.operand.membership(node.place))
    },
    selected(node, equalities) {
      const { operand, place } = node
      if (note(node, 'list', `selected ${JSON.stringify(equalities)}`))
        lean(operand.selected?.(place, equalities) ?? operand.membership(place))
    },
    literal(value, rule) {
      const found = footing(scope, value)
      if (rule === 'quoted' && found.standing !== 'quoted')
        throw new Refusal('unquoted', 'A filter, product or quotient takes only literals that the user gave.')
      lean(found)
    },
    written(forms) {
      const found = forms.map((form) => footing(scope, form))
      lean(found.reduce((best, one) => (RANK[one.standing] < RANK[best.standing] ? one : best)))
    },
    // The date of today is the guard's own word, so it weakens nothing; alone it is nobody's request either.
    sum: () => ({
      standing,
      label: joined ?? label(['developer']),
      turn: Number.isFinite(turn) ? turn : -1,
      reads: Object.freeze([...reads.values()]),
    }),
  }
}

// A quoted 30 serves as −30 too: a difference would make one of it anyhow.
function footing(scope: DeriveScope, value: string | number): Footing {
  const asWritten = scope.literal(value)
  if (typeof value === 'string' || value >= 0) return asWritten
  const positive = scope.literal(-value)
  return RANK[positive.standing] < RANK[asWritten.standing] ? positive : asWritten
}
