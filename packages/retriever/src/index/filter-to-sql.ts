import { type Filter, OWN_LISTS } from '../filter.ts'
import { ACCESS_FIELDS } from './access-part.ts'
import { checkFilter } from './evaluate-filter.ts'

/** Parameters of a statement: its text names them, and never holds a value. */
export interface Parameters {
  /** Adds a value and gives the text that stands for it, cast to its type. */
  add(value: unknown, type: string): string
  /** Likewise for the numbers that a list of principals has in the index. */
  principals(names: readonly string[]): string
  /** That an access list, `a` or that of passage `p`, names one of some principals in one of its columns. */
  names(column: 'readers' | 'denied', names: readonly string[]): string
}

// A map: `toString` and the like are names of attributes as good as any.
const COLUMNS: ReadonlyMap<string, string> = new Map([
  ['$id', 'p.document'],
  ['$type', 'p.type'],
  ['$version', 'p.version'],
  ['$source', 'p.source'],
  ['$title', 'p.title'],
])

const SIGNS = { lt: '<', lte: '<=', gt: '>', gte: '>=' } as const

/**
 * A filter as a condition on passages `p`, or of what is said of access lists alone on these, `a`. It has two truth
 * values: what evaluateFilter says of each document.
 *
 * @throws {ConfigError} On a filter that is not one, an operator that is not known among them.
 */
export function filterToSql(filter: Filter, into: Parameters): string {
  checkFilter(filter)
  return condition(filter, into)
}

function condition(filter: Filter, into: Parameters): string {
  switch (filter.op) {
    case 'and':
    case 'or': {
      if (filter.filters.length === 0) return filter.op === 'and' ? 'true' : 'false'
      return `(${filter.filters.map((one) => condition(one, into)).join(` ${filter.op} `)})`
    }
    case 'not':
      return `(not ${condition(filter.filter, into)})`
    case 'eq':
    case 'ne':
      return compared(filter.field, filter.op, filter.value, into)
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return ordered(filter.field, SIGNS[filter.op], filter.value, into)
    case 'in': {
      const own = COLUMNS.get(filter.field)
      if (own !== undefined) {
        const texts = filter.values.filter((one) => typeof one === 'string')
        return `coalesce(${own} = any(${into.add(texts, 'text[]')}), false)`
      }
      const list = into.add(JSON.stringify(filter.values), 'text')
      const held = attribute(filter.field, into)
      return `coalesce(${held} = any(array(select jsonb_array_elements(${list}::jsonb))), false)`
    }
    case 'overlaps': {
      const column = ACCESS_FIELDS.get(filter.field)
      if (column !== undefined) return `(${into.names(column, filter.values)})`
      if (filter.field === '$authors') return `(p.authors && ${into.principals(filter.values)})`
      const held = attribute(filter.field, into)
      const values = into.add(filter.values, 'text[]')
      return `coalesce(jsonb_typeof(${held}) = 'array' and ${held} ?| ${values}, false)`
    }
    case 'exists': {
      const own = COLUMNS.get(filter.field)
      const there = OWN_LISTS.includes(filter.field)
        ? 'true'
        : own === undefined
          ? `p.attributes ? ${into.add(filter.field, 'text')}`
          : `${own} is not null`
      return filter.exists ? `(${there})` : `(not (${there}))`
    }
    default:
      return filter satisfies never
  }
}

function attribute(field: string, into: Parameters): string {
  return `(p.attributes -> ${into.add(field, 'text')})`
}

function compared(field: string, op: 'eq' | 'ne', value: unknown, into: Parameters): string {
  const sign = op === 'eq' ? '=' : '<>'
  const own = COLUMNS.get(field)
  if (own !== undefined)
    return typeof value === 'string' ? `coalesce(${own} ${sign} ${into.add(value, 'text')}, false)` : 'false'
  const held = attribute(field, into)
  const json = `${into.add(JSON.stringify(value), 'text')}::jsonb`
  const same = op === 'eq' ? '' : ` and jsonb_typeof(${held}) = jsonb_typeof(${json})`
  return `coalesce(${held} ${sign} ${json}${same}, false)`
}

// A `case`, since the order in which `and` evaluates is not given, and the cast fails on other types.
function ordered(field: string, sign: string, value: string | number, into: Parameters): string {
  const own = COLUMNS.get(field)
  if (own !== undefined)
    return typeof value === 'string'
      ? `coalesce(${own} collate "C" ${sign} ${into.add(value, 'text')} collate "C", false)`
      : 'false'
  const held = attribute(field, into)
  const [type, cast] = typeof value === 'number' ? ['number', 'numeric'] : ['string', undefined]
  const left = cast === undefined ? `(${held} #>> '{}') collate "C"` : `${held}::numeric`
  const right =
    cast === undefined
      ? `${into.add(value, 'text')} collate "C"`
      : `${into.add(String(value), 'text')}::numeric`
  return `coalesce(case when jsonb_typeof(${held}) = '${type}' then ${left} ${sign} ${right} else false end, false)`
}
