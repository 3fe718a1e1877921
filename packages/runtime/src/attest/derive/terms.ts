import { at } from '../../json/path.ts'
import type { Json } from '../../json/plain.ts'
import { Refusal } from './refusal.ts'
import type { Operand, Read } from './scope.ts'

/**
 * What a computed value is a signed sum of, each at most once.
 *
 * Without this bound a few operands reach any number: `x/x + x/x + …`, or `1 + 1 + …`.
 */
export interface Terms {
  /** Leaves, lists counted, and literals, each by its own key. */
  readonly used: Set<string>
  /** Look of a leaf to the result it was read from: calling a tool twice must not make two leaves of one. */
  readonly looks: Map<string, string>
}

export const termOf = (key: string): Terms => ({ used: new Set([key]), looks: new Map() })

const MOST_KEYS = 100
const MOST_CHARACTERS = 200

/** The term that one leaf (or, with `counted`, the membership of one list) is. */
export function leafTerm(operand: Operand, read: Read, counted = false): Terms {
  const result = JSON.stringify([read.tool, read.index])
  const key = JSON.stringify([read.tool, read.index, counted, ...read.place])
  return { used: new Set([key]), looks: new Map([[lookOf(operand, read, counted), result]]) }
}

/**
 * All terms of two values that are added.
 *
 * @throws {Refusal} If one is in both.
 */
export function united(a: Terms, b: Terms): Terms {
  const [large, small] = a.used.size >= b.used.size ? [a, b] : [b, a]
  for (const key of small.used) {
    if (large.used.has(key)) throw reused()
    large.used.add(key)
  }
  for (const [look, result] of small.looks) {
    const other = large.looks.get(look)
    if (other !== undefined && other !== result) throw reused()
    large.looks.set(look, result)
  }
  return large
}

// Two results of one record show the same scalars beside the leaf. Shallow, so that its cost is the record's
// own; where records have no id the mistake is a refusal.
function lookOf({ value }: Operand, { place }: Read, counted: boolean): string {
  let depth = place.length - (counted ? 0 : 1)
  while (depth > 0 && Array.isArray(at(value, place.slice(0, depth)))) depth -= 1
  const record = at(value, place.slice(0, Math.max(depth, 0)))
  const list = counted ? at(value, place) : undefined
  const ends = Array.isArray(list) ? [list.length, shallow(list[0]), shallow(list.at(-1))] : []
  return JSON.stringify([counted, place.slice(Math.max(depth, 0)), shallow(record), ends])
}

const shown = new WeakMap<object, string>()

function shallow(record: Json | undefined): string {
  if (typeof record !== 'object' || record === null) return JSON.stringify(cut(record)) ?? ''
  const known = shown.get(record)
  if (known !== undefined) return known
  const scalars = Object.keys(record)
    .map((key): [string, Json | undefined] => [key, (record as Readonly<Record<string, Json>>)[key]])
    .filter(([, value]) => typeof value !== 'object' || value === null)
    .slice(0, MOST_KEYS)
    .map(([key, value]) => [key, cut(value)])
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1))
  const text = JSON.stringify(scalars)
  shown.set(record, text)
  return text
}

function cut(value: Json | undefined): string {
  return typeof value === 'string' ? `"${value.slice(0, MOST_CHARACTERS)}` : String(value)
}

const reused = (): Refusal =>
  new Refusal(
    'reused',
    'Sums and differences may use each leaf, each count and each literal once; reading one record twice does not make two.',
  )
