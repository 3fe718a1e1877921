import { ConfigError } from '@gatewright/runtime'
import type { Filter } from '@gatewright/retriever'

type Operand = Readonly<Record<string, unknown>>
type Field = { readonly field: string }
type Value = { readonly value: unknown }
type Scalar = string | number | boolean

const FLIPPED = { lt: 'gt', le: 'ge', gt: 'lt', ge: 'le' } as const
const ORDERS = { lt: 'lt', le: 'lte', gt: 'gt', ge: 'gte' } as const
const ATTRIBUTE = /^(?:request\.resource|R)\.attr\.(.+)$/
const ID = /^(?:request\.resource|R)\.id$/

/** Attributes of a resource that an index keeps as what every document has. */
export const LISTS: Readonly<Record<string, string>> = {
  readers: '$readers',
  denied: '$denied',
  authors: '$authors',
}

/**
 * The condition of a query plan as a filter.
 *
 * What has no exact counterpart throws: a condition that is dropped would show what it hides. `fields` says under which
 * name the index keeps an attribute, where that is another than its own.
 *
 * @throws {ConfigError} Names the operator; no value.
 */
export function cerbosFilter(condition: unknown, fields: Readonly<Record<string, string>> = LISTS): Filter {
  return filterOf(operandOf(condition), fields)
}

function filterOf(operand: Operand, fields: Readonly<Record<string, string>>): Filter {
  if ('variable' in operand) return { op: 'eq', ...fieldOf(operand, fields, 'variable'), value: true }
  const { operator, operands } = expressionOf(operand)
  const [first, second] = operands
  switch (operator) {
    case 'and':
    case 'or':
      return { op: operator, filters: some(operands, operator).map((one) => filterOf(one, fields)) }
    case 'not':
      return { op: 'not', filter: filterOf(only(operands, operator), fields) }
    case 'eq':
    case 'ne': {
      const { field, value } = pair(operator, operands, fields)
      const same: Filter = { op: 'eq', field, value: scalar(value, operator) }
      if (operator === 'eq') return same
      // In CEL values of two types differ; in a filter they do not compare.
      return {
        op: 'and',
        filters: [
          { op: 'exists', field, exists: true },
          { op: 'not', filter: same },
        ],
      }
    }
    case 'lt':
    case 'le':
    case 'gt':
    case 'ge': {
      const { field, value, isFlipped } = pair(operator, operands, fields)
      if (typeof value !== 'number' && typeof value !== 'string') throw unknown(operator)
      return { op: ORDERS[isFlipped ? FLIPPED[operator] : operator], field, value }
    }
    case 'in': {
      if (first === undefined || second === undefined) throw unknown(operator)
      if ('variable' in first)
        return { op: 'in', ...fieldOf(first, fields, operator), values: list(second, operator) }
      return {
        op: 'overlaps',
        ...fieldOf(second, fields, operator),
        values: [text(first['value'], operator)],
      }
    }
    case 'hasIntersection': {
      const { field, value } = pair(operator, operands, fields)
      return { op: 'overlaps', field, values: texts({ value }, operator) }
    }
    case 'exists':
      return existsIn(operands, fields)
    default:
      throw unknown(operator)
  }
}

/** `list.exists(one, one == …)` and `list.exists(one, one in …)`: what a list has in common with others. */
function existsIn(operands: readonly Operand[], fields: Readonly<Record<string, string>>): Filter {
  const [over, lambda] = operands
  if (over === undefined || lambda === undefined) throw unknown('exists')
  const { operator, operands: parts } = expressionOf(lambda)
  const [body, bound] = parts
  const { operator: test, operands: compared } = expressionOf(body ?? {})
  const isBound = (one: Operand | undefined): boolean =>
    one !== undefined && 'variable' in one && one['variable'] === bound?.['variable']
  const [left, right] = compared
  const at = fieldOf(over, fields, 'exists')
  if (operator !== 'lambda' || compared.length !== 2) throw unknown('exists')
  if (test === 'in' && isBound(left)) return { op: 'overlaps', ...at, values: texts(right ?? {}, 'exists') }
  const other = isBound(left) ? right : isBound(right) ? left : undefined
  if (test !== 'eq' || other === undefined) throw unknown('exists')
  return { op: 'overlaps', ...at, values: [text(other['value'], 'exists')] }
}

/** A field and a value, in either order. */
function pair(
  operator: string,
  [first, second, ...rest]: readonly Operand[],
  fields: Readonly<Record<string, string>>,
): Field & Value & { readonly isFlipped: boolean } {
  if (first === undefined || second === undefined || rest.length > 0) throw unknown(operator)
  const isFlipped = 'value' in first
  const [named, valued] = isFlipped ? [second, first] : [first, second]
  if (!('value' in valued)) throw unknown(operator)
  return { ...fieldOf(named, fields, operator), value: valued['value'], isFlipped }
}

function fieldOf(operand: Operand, fields: Readonly<Record<string, string>>, operator: string): Field {
  const path = pathOf(operand)
  if (path === undefined) throw unknown(operator)
  if (ID.test(path)) return { field: '$id' }
  const name = ATTRIBUTE.exec(path)?.[1]
  if (name === undefined || name.startsWith('$')) throw unknown(operator)
  return { field: Object.hasOwn(fields, name) ? (fields[name] ?? name) : name }
}

function pathOf(operand: Operand): string | undefined {
  if (typeof operand['variable'] === 'string') return operand['variable']
  if (!('expression' in operand)) return undefined
  const { operator, operands } = expressionOf(operand)
  const [of, key] = operands
  const name = key?.['value']
  // `attr["team"]`; an index into a list has no counterpart.
  if (operator !== 'index' || of === undefined || typeof name !== 'string' || name.includes('.'))
    return undefined
  const path = pathOf(of)
  return path === undefined ? undefined : `${path}.${name}`
}

function operandOf(value: unknown): Operand {
  if (typeof value !== 'object' || value === null) throw unknown('nothing')
  return value as Operand
}

function expressionOf(operand: Operand): { operator: string; operands: readonly Operand[] } {
  const { operator, operands } = operandOf(operand['expression'])
  if (typeof operator !== 'string' || !Array.isArray(operands)) throw unknown('nothing')
  return { operator, operands: operands.map(operandOf) }
}

function some(operands: readonly Operand[], operator: string): readonly Operand[] {
  if (operands.length === 0) throw unknown(operator)
  return operands
}

function only(operands: readonly Operand[], operator: string): Operand {
  const [one, ...rest] = operands
  if (one === undefined || rest.length > 0) throw unknown(operator)
  return one
}

function list(operand: Operand, operator: string): Scalar[] {
  const { value } = operand
  if (!Array.isArray(value)) throw unknown(operator)
  return value.map((one) => scalar(one, operator))
}

function texts(operand: Operand, operator: string): string[] {
  return list(operand, operator).map((one) => text(one, operator))
}

function scalar(value: unknown, operator: string): Scalar {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  throw unknown(operator)
}

function text(value: unknown, operator: string): string {
  if (typeof value !== 'string') throw unknown(operator)
  return value
}

function unknown(operator: string): ConfigError {
  return new ConfigError(
    'cerbos.policy',
    `a condition with ${operator}`,
    'and, or, not, and comparisons of an attribute of the resource with a value',
  )
}
