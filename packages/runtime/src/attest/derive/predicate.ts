import type { ASTNode } from '@marcbachmann/cel-js'
import type { Comparison, Constant, Predicate, Steps } from './expression.ts'
import { integerOf, literalOf } from './literal.ts'
import { Refusal } from './refusal.ts'

const MIRRORED: Readonly<Record<Comparison, Comparison>> = {
  '==': '==',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
}

/**
 * What a filter asks of each row: comparisons of one field with one constant, joined by `&&`, `||` and `!`.
 *
 * @throws {Refusal} If it compares anything else.
 */
export function predicate(node: ASTNode, row: string): Predicate {
  switch (node.op) {
    case '&&':
    case '||':
      return {
        op: node.op === '&&' ? 'and' : 'or',
        left: predicate(node.args[0], row),
        right: predicate(node.args[1], row),
      }
    case '!_':
      return { op: 'not', of: predicate(node.args, row) }
    case '==':
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
      return comparison(node.op, node.args[0], node.args[1], row)
    default:
      throw notAComparison()
  }
}

/** The steps from the row to a field of it, or undefined where the node is not simply a field. */
export function fieldOf(node: ASTNode, row: string): Steps | undefined {
  if (node.op === 'id') return node.args === row ? [] : undefined
  if (node.op !== '.' && node.op !== '[]') return undefined
  const [of, by] = node.args
  const before = fieldOf(of, row)
  const step = typeof by === 'string' ? by : (literalString(by) ?? integerOf(by, 0, Number.MAX_SAFE_INTEGER))
  return before === undefined || step === undefined ? undefined : [...before, step]
}

function comparison(how: Comparison, left: ASTNode, right: ASTNode, row: string): Predicate {
  const [onLeft, onRight] = [compared(left, row), compared(right, row)]
  if (onLeft !== undefined && onRight === undefined)
    return { op: 'compare', how, ...onLeft, to: constant(right) }
  if (onRight !== undefined && onLeft === undefined)
    return { op: 'compare', how: MIRRORED[how], ...onRight, to: constant(left) }
  throw notAComparison()
}

function compared(node: ASTNode, row: string): { field: Steps; asDate: boolean } | undefined {
  const [name, args] = called(node)
  const inner = name === 'date' && args.length === 1 ? args[0] : undefined
  const field = fieldOf(inner ?? node, row)
  return field === undefined ? undefined : { field, asDate: inner !== undefined }
}

function constant(node: ASTNode): Constant {
  const value = literalOf(node)
  if (value !== undefined) return { op: 'literal', value }
  if (node.op === 'id' && node.args === 'today') return { op: 'today' }
  const [name, [first, second, third]] = called(node)
  if (first !== undefined && name === 'date' && second === undefined)
    return { op: 'date', of: constant(first) }
  if (first !== undefined && name === 'addDays' && second !== undefined && third === undefined) {
    const days = integerOf(second, -100_000, 100_000)
    if (days !== undefined) return { op: 'addDays', of: constant(first), days }
  }
  throw notAComparison()
}

function called(node: ASTNode): readonly [name: string | undefined, args: readonly ASTNode[]] {
  if (node.op === 'call') return [node.args[0], node.args[1]]
  if (node.op === 'rcall') return [node.args[0], [node.args[1], ...node.args[2]]]
  return [undefined, []]
}

function literalString(node: ASTNode): string | undefined {
  const value = literalOf(node)
  return typeof value === 'string' ? value : undefined
}

const notAComparison = (): Refusal =>
  new Refusal(
    'forbidden',
    'A filter compares one field of the row with one literal or date, and nothing else.',
  )
