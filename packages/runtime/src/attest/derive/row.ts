import { type Decimal, compared } from './decimal.ts'
import type { Comparison, Constant, Predicate, Steps } from './expression.ts'
import type { Node, Reading } from './reading.ts'
import { Refusal } from './refusal.ts'
import type { Equality } from './scope.ts'
import { calendar, exact, isoDate, mistyped } from './value.ts'
import type { JsonScalar } from '../../json/plain.ts'
import type { Day } from './day.ts'

// Names that reach a prototype somewhere; no honest field has one.
const NEVER = new Set(['__proto__', 'constructor', 'prototype'])

/** The node one step further in. Indexing a list leans on its membership. */
export function stepped(node: Node, step: string | number, reading: Reading): Node {
  const { json } = node
  if (typeof json !== 'object' || json === null) throw absent()
  if (Array.isArray(json) !== (typeof step === 'number')) throw absent()
  if (typeof step === 'number') reading.membership(node)
  if (NEVER.has(String(step)) || !Object.hasOwn(json, step)) throw absent()
  return {
    ...node,
    place: [...node.place, step],
    json: (json as Readonly<Record<string | number, Node['json']>>)[step] as Node['json'],
  }
}

/** The node at the end of several steps from a row. */
export function fieldAt(row: Node, field: Steps, reading: Reading): Node {
  return field.reduce<Node>((node, step) => stepped(node, step, reading), row)
}

/** A constant of a filter, its literals quoted or refused. */
export type Comparand = { readonly day: Day } | { readonly number: Decimal } | { readonly text: string }

export function comparand(constant: Constant, reading: Reading): Comparand {
  switch (constant.op) {
    case 'literal':
      reading.literal(constant.value, 'quoted')
      return typeof constant.value === 'number' ? { number: exact(constant.value) } : { text: constant.value }
    case 'today':
      return { day: calendar(reading.scope.today, reading) }
    case 'date':
      return { day: dayIn(constant.of, reading) }
    case 'addDays': {
      reading.literal(constant.days, 'quoted')
      const day = dayIn(constant.of, reading) + constant.days
      isoDate(day)
      return { day }
    }
    default:
      return constant satisfies never
  }
}

function dayIn(constant: Constant, reading: Reading): Day {
  const found = comparand(constant, reading)
  if ('day' in found) return found.day
  if ('text' in found) return calendar(found.text, reading)
  throw mistyped('a date')
}

/**
 * The predicate as a function of a row.
 *
 * Every field that it names is read on every row, so that what was leant on does not hang on the data.
 */
export function judge(predicate: Predicate, reading: Reading): (row: Node) => boolean {
  switch (predicate.op) {
    case 'and':
    case 'or': {
      const [left, right] = [judge(predicate.left, reading), judge(predicate.right, reading)]
      return (row) => {
        const [a, b] = [left(row), right(row)]
        return predicate.op === 'and' ? a && b : a || b
      }
    }
    case 'not': {
      const of = judge(predicate.of, reading)
      return (row) => !of(row)
    }
    case 'compare': {
      const to = comparand(predicate.to, reading)
      if (predicate.asDate && !('day' in to) && !('text' in to))
        throw mistyped('a date to compare a date with')
      const against = predicate.asDate && 'text' in to ? { day: calendar(to.text, reading) } : to
      return (row) =>
        holds(reading.tested(fieldAt(row, predicate.field, reading)), predicate.how, against, reading)
    }
    default:
      return predicate satisfies never
  }
}

/** What every row that a predicate keeps equals: its comparisons with a literal that nothing gets around. */
export function equalities(predicate: Predicate): Equality[] {
  if (predicate.op === 'and') return [...equalities(predicate.left), ...equalities(predicate.right)]
  if (predicate.op !== 'compare' || predicate.how !== '==' || predicate.asDate) return []
  const { field, to } = predicate
  return to.op === 'literal' ? [{ field, value: to.value }] : []
}

function holds(field: JsonScalar, how: Comparison, to: Comparand, reading: Reading): boolean {
  // Null is less than nothing and equal to nothing that can be written here.
  if (field === null) return how === '!='
  if ('day' in to) return ordered(calendar(field, reading) - to.day, how)
  if ('number' in to) return ordered(compared(exact(field), to.number), how)
  if (typeof field !== 'string') throw mistyped('a text to compare a text with')
  if (how !== '==' && how !== '!=')
    throw mistyped('numbers or dates to compare by size; write date(…) around a date')
  return (field === to.text) === (how === '==')
}

function ordered(sign: number, how: Comparison): boolean {
  switch (how) {
    case '==':
      return sign === 0
    case '!=':
      return sign !== 0
    case '<':
      return sign < 0
    case '<=':
      return sign <= 0
    case '>':
      return sign > 0
    case '>=':
      return sign >= 0
    default:
      return how satisfies never
  }
}

export const absent = (): Refusal =>
  new Refusal('absent', 'The expression names a result, field or row that is not there.')
