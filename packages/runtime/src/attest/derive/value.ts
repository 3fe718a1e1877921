import { type Day, dayOf, instantOf, isoMomentOf, isoOf, type Moment, momentOf } from './day.ts'
import { type Decimal, compared, decimalOf } from './decimal.ts'
import type { Node, Reading } from './reading.ts'
import { Refusal } from './refusal.ts'
import { type Terms, leafTerm, termOf } from './terms.ts'
import type { JsonScalar } from '../../json/plain.ts'

/** A list that a filter, map or sort made; it still stands for the rows of one list of a result. */
export interface List {
  readonly kind: 'list'
  readonly from: Node
  readonly items: readonly Node[]
  readonly isSorted?: boolean
}

export type Value =
  | { readonly kind: 'node'; readonly node: Node }
  | List
  | { readonly kind: 'number'; readonly value: Decimal; readonly terms: Terms }
  | { readonly kind: 'day'; readonly value: Day; readonly terms: Terms }
  | { readonly kind: 'moment'; readonly value: Moment; readonly terms: Terms }
  | { readonly kind: 'text'; readonly value: string }

export type NumberValue = Extract<Value, { kind: 'number' }>
export type MomentValue = Extract<Value, { kind: 'moment' }>
export type DayValue = Extract<Value, { kind: 'day' }>

export const mistyped = (expected: string): Refusal => new Refusal('type', `Expected ${expected}.`)

export function numberFrom(value: Value, reading: Reading): NumberValue {
  if (value.kind === 'number') return value
  if (value.kind !== 'node') throw mistyped('a number')
  const scalar = reading.leaf(value.node)
  return { kind: 'number', value: exact(scalar), terms: leafTerm(value.node.operand, value.node) }
}

export function dayFrom(value: Value, reading: Reading): DayValue {
  if (value.kind === 'day') return value
  if (value.kind === 'text')
    return { kind: 'day', value: calendar(value.value, reading), terms: termOf(`literal ${value.value}`) }
  if (value.kind !== 'node') throw mistyped('a date')
  const scalar = reading.leaf(value.node)
  return { kind: 'day', value: calendar(scalar, reading), terms: leafTerm(value.node.operand, value.node) }
}

export function momentFrom(value: Value, reading: Reading): MomentValue {
  if (value.kind === 'moment') return value
  if (value.kind !== 'text' && value.kind !== 'node') throw mistyped('a date with a time')
  const scalar = value.kind === 'text' ? value.value : reading.leaf(value.node)
  const moment = typeof scalar === 'string' ? momentOf(scalar) : undefined
  if (moment === undefined) throw mistyped('a date with a time of day, without an offset')
  const terms =
    value.kind === 'text' ? termOf(`literal ${value.value}`) : leafTerm(value.node.operand, value.node)
  return { kind: 'moment', value: moment, terms }
}

export function isoMoment(moment: Moment): string {
  const iso = isoMomentOf(moment)
  if (iso === undefined) throw new Refusal('arithmetic', 'A date fell outside the years 1 to 9999.')
  return iso
}

export function exact(scalar: JsonScalar): Decimal {
  const value = typeof scalar === 'number' ? decimalOf(scalar) : undefined
  if (value === undefined) throw mistyped('a number that needs no exponent to write')
  return value
}

export function calendar(scalar: JsonScalar, { scope }: Reading): Day {
  const day = typeof scalar === 'string' ? dayOf(scalar, scope.timeZone) : undefined
  if (day === undefined) throw mistyped('an ISO 8601 date or timestamp')
  return day
}

export function isoDate(day: Day): string {
  const iso = isoOf(day)
  if (iso === undefined) throw new Refusal('arithmetic', 'A date fell outside the years 1 to 9999.')
  return iso
}

/** What leaves are ordered by: numbers, instants, or text by code unit (which orders plain ISO dates). */
export type Rank =
  | { readonly by: 'number'; readonly value: Decimal }
  | { readonly by: 'instant'; readonly value: number }
  | { readonly by: 'text'; readonly value: string }

export function rankOf(scalar: JsonScalar): Rank {
  if (typeof scalar === 'number') return { by: 'number', value: exact(scalar) }
  if (typeof scalar !== 'string') throw mistyped('numbers, or texts, to put in order')
  const instant = instantOf(scalar)
  return instant === undefined ? { by: 'text', value: scalar } : { by: 'instant', value: instant }
}

export function inOrder(a: Rank, b: Rank): number {
  if (a.by === 'number' && b.by === 'number') return compared(a.value, b.value)
  if (a.by === 'instant' && b.by === 'instant') return a.value - b.value
  if (a.by === 'text' && b.by === 'text') return a.value < b.value ? -1 : a.value > b.value ? 1 : 0
  throw mistyped('values of one kind to put in order')
}
