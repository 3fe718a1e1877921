import { compared, dividedBy, negated, plus, rounded, times, whole } from './decimal.ts'
import { writtenDurations } from './duration.ts'
import type { Expression, Product } from './expression.ts'
import { elements, pick, positioned, sorted, extreme } from './list.ts'
import type { Reading } from './reading.ts'
import { Refusal } from './refusal.ts'
import { absent, fieldAt, judge, stepped } from './row.ts'
import { leafTerm, termOf, united } from './terms.ts'
import {
  type DayValue,
  type NumberValue,
  type Value,
  calendar,
  dayFrom,
  exact,
  isoDate,
  isoMoment,
  mistyped,
  momentFrom,
  numberFrom,
} from './value.ts'

/**
 * The value of an expression; what it leant on is told to `reading`.
 *
 * @throws {Refusal} If a rule is broken that only values can show.
 */
export function evaluate(expression: Expression, reading: Reading): Value {
  const run = (part: Expression): Value => evaluate(part, reading)
  const number = (part: Expression): NumberValue => numberFrom(run(part), reading)
  const day = (part: Expression): DayValue => dayFrom(run(part), reading)
  switch (expression.op) {
    case 'literal':
      return literal(expression.value, reading)
    case 'today':
      return { kind: 'day', value: calendar(reading.scope.today, reading), terms: termOf('today') }
    case 'result':
      return result(expression.tool, expression.index, reading)
    case 'step': {
      const of = run(expression.of)
      if (of.kind === 'node') return { kind: 'node', node: stepped(of.node, expression.step, reading) }
      if (of.kind !== 'list' || typeof expression.step !== 'number') throw absent()
      return { kind: 'node', node: positioned(of, expression.step, reading) }
    }
    case 'negate': {
      const of = number(expression.of)
      return { ...of, value: negated(of.value) }
    }
    case 'abs': {
      const of = number(expression.of)
      return of.value.digits < 0n ? { ...of, value: negated(of.value) } : of
    }
    case 'round': {
      const of = number(expression.of)
      return { ...of, value: rounded(of.value, expression.places) }
    }
    case 'date':
      return day(expression.of)
    case 'addDays': {
      const of = day(expression.of)
      reading.written(writtenDurations(expression.days, 'day'))
      const value = of.value + expression.days
      isoDate(value)
      return { kind: 'day', value, terms: united(of.terms, termOf(`literal ${Math.abs(expression.days)}`)) }
    }
    case 'addTime': {
      const of = momentFrom(run(expression.of), reading)
      const { amount, unit } = expression
      reading.written(writtenDurations(amount, unit))
      const value = of.value + amount * (unit === 'hour' ? 60 : 1)
      isoMoment(value)
      return { kind: 'moment', value, terms: united(of.terms, termOf(`literal ${Math.abs(amount)}`)) }
    }
    case 'daysBetween': {
      const [from, to] = [day(expression.left), day(expression.right)]
      return { kind: 'number', value: whole(to.value - from.value), terms: united(from.terms, to.terms) }
    }
    case 'add':
    case 'subtract': {
      const [left, right] = [number(expression.left), number(expression.right)]
      const value = plus(left.value, expression.op === 'add' ? right.value : negated(right.value))
      return { kind: 'number', value, terms: united(left.terms, right.terms) }
    }
    case 'multiply':
    case 'divide':
      return product(expression, reading)
    case 'least':
    case 'greatest':
      return outermost(expression.among.map(run), expression.op === 'least', reading)
    case 'sum': {
      const { items } = elements(run(expression.of), reading)
      const all = items.map((node) => numberFrom({ kind: 'node', node }, reading))
      return all.reduce(
        (sum, one) => ({
          kind: 'number',
          value: plus(sum.value, one.value),
          terms: united(sum.terms, one.terms),
        }),
        { kind: 'number', value: whole(0), terms: { used: new Set(), looks: new Map() } },
      )
    }
    case 'count': {
      const of = run(expression.of)
      if (of.kind !== 'list' && !(of.kind === 'node' && Array.isArray(of.node.json))) throw mistyped('a list')
      const from = of.kind === 'list' ? of.from : of.node
      if (of.kind === 'node') reading.membership(from)
      const length = of.kind === 'list' ? of.items.length : (from.json as readonly unknown[]).length
      return { kind: 'number', value: whole(length), terms: leafTerm(from.operand, from, true) }
    }
    case 'min':
    case 'max':
      return { kind: 'node', node: extreme(elements(run(expression.of), reading), expression.op, reading) }
    case 'first':
    case 'last':
      return {
        kind: 'node',
        node: positioned(elements(run(expression.of), reading), expression.op === 'first' ? 0 : -1, reading),
      }
    case 'filter':
    case 'pick': {
      const list = elements(run(expression.of), reading, expression.where)
      const kept = { ...list, items: list.items.filter(judge(expression.where, reading)) }
      return expression.op === 'filter' ? kept : { kind: 'node', node: pick(kept) }
    }
    case 'map': {
      const list = elements(run(expression.of), reading)
      return { ...list, items: list.items.map((row) => fieldAt(row, expression.field, reading)) }
    }
    case 'sort':
      return sorted(elements(run(expression.of), reading), expression.field, reading)
    default:
      return expression satisfies never
  }
}

function literal(value: string | number, reading: Reading): Value {
  reading.literal(value)
  if (typeof value === 'string') return { kind: 'text', value }
  return { kind: 'number', value: exact(value), terms: termOf(`literal ${Math.abs(value)}`) }
}

function result(tool: string, index: number, reading: Reading): Value {
  const { results } = reading.scope
  const operand = Object.hasOwn(results, tool) ? results[tool]?.[index] : undefined
  if (operand === undefined) throw absent()
  return { kind: 'node', node: { tool, index, place: [], operand, json: operand.value } }
}

function product(expression: Product, reading: Reading): Value {
  const side = (part: Expression): NumberValue => {
    if (part.op === 'literal') reading.literal(part.value, 'quoted')
    return numberFrom(evaluate(part, reading), reading)
  }
  const [left, right] = [side(expression.left), side(expression.right)]
  const value =
    expression.op === 'multiply' ? times(left.value, right.value) : dividedBy(left.value, right.value)
  if (value === undefined) throw new Refusal('arithmetic', 'The expression divides by zero.')
  return { kind: 'number', value, terms: united(left.terms, right.terms) }
}

/** The least or greatest of several numbers or dates: one of them as it stands, with its own terms. */
function outermost(among: readonly Value[], least: boolean, reading: Reading): Value {
  const days = among.some((one) => one.kind === 'day')
  const [head, ...rest] = among.map((one) => (days ? dayFrom(one, reading) : numberFrom(one, reading)))
  if (head === undefined) throw mistyped('at least one value')
  return rest.reduce((best, one) => {
    const sign =
      best.kind === 'number' && one.kind === 'number'
        ? compared(one.value, best.value)
        : Number(one.value) - Number(best.value)
    return (least ? sign < 0 : sign > 0) ? one : best
  }, head)
}
