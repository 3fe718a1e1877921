import { ConfigError } from '@gatewright/runtime'
import { type Filter, type FilterValue, OWN_FIELDS, OWN_LISTS } from '../filter.ts'
import type { DocumentMetadata } from '../search-index.ts'
import { canAllBeKept, canBeKept } from './check-document.ts'

/** What a filter is asked about. */
export type Filtered = Pick<
  DocumentMetadata,
  'id' | 'type' | 'version' | 'source' | 'title' | 'readers' | 'denied' | 'authors' | 'attributes'
>

type Held = FilterValue | readonly string[] | undefined

/**
 * Whether a document meets a filter: what every engine has to agree with.
 *
 * @throws {ConfigError} On a filter that is not one: an operator or a `$` field that is not known, or a malformed value.
 */
export function evaluateFilter(filter: Filter, of: Filtered): boolean {
  return predicateOf(filter)(of)
}

/** The same, checked once for many documents. */
export function predicateOf(filter: Filter): (of: Filtered) => boolean {
  checkFilter(filter)
  return compiled(filter)
}

/** @throws {ConfigError} On a filter that is not one; names the place, and never a value. */
export function checkFilter(filter: Filter, place = 'filter', depth = 0): void {
  const wrong = (key: string, expected: string): never => {
    throw new ConfigError(place === '' ? key : `${place}.${key}`, 'something else', expected)
  }
  if (typeof filter !== 'object' || filter === null) wrong('op', 'a filter')
  // Deeper than any plan; a compiler of filters must not run out of stack half way.
  if (depth > MOST_DEPTH) wrong('op', `a filter nested at most ${MOST_DEPTH} deep`)
  switch (filter.op) {
    case 'and':
    case 'or':
      if (!Array.isArray(filter.filters)) wrong('filters', 'a list of filters')
      filter.filters.forEach((one, at) => checkFilter(one, `${place}.filters.${at}`, depth + 1))
      return
    case 'not':
      return checkFilter(filter.filter, `${place}.filter`, depth + 1)
    case 'eq':
    case 'ne':
      checkField(filter.field, OWN_FIELDS, place)
      if (!isValue(filter.value)) wrong('value', 'a text that can be kept, a finite number or a boolean')
      return
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      checkField(filter.field, OWN_FIELDS, place)
      if (!isValue(filter.value) || typeof filter.value === 'boolean')
        wrong('value', 'a text or a finite number')
      return
    case 'in':
      checkField(filter.field, OWN_FIELDS, place)
      if (!Array.isArray(filter.values) || !filter.values.every(isValue)) wrong('values', 'a list of values')
      return
    case 'overlaps':
      checkField(filter.field, OWN_LISTS, place)
      if (!Array.isArray(filter.values) || !canAllBeKept(filter.values))
        wrong('values', 'a list of texts that can be kept')
      return
    case 'exists':
      checkField(filter.field, [...OWN_FIELDS, ...OWN_LISTS], place)
      if (typeof filter.exists !== 'boolean') wrong('exists', 'true or false')
      return
    default:
      filter satisfies never
      wrong('op', 'and, or, not, eq, ne, lt, lte, gt, gte, in, overlaps or exists')
  }
}

const MOST_DEPTH = 100

function checkField(field: unknown, own: readonly string[], place: string): void {
  if (
    typeof field !== 'string' ||
    field === '' ||
    !canBeKept(field) ||
    (field.startsWith('$') && !own.includes(field))
  )
    throw new ConfigError(`${place}.field`, field, `the name of an attribute, or one of ${own.join(', ')}`)
}

function isValue(value: unknown): value is FilterValue {
  if (typeof value === 'string') return canBeKept(value)
  return typeof value === 'boolean' || Number.isFinite(value)
}

function compiled(filter: Filter): (of: Filtered) => boolean {
  switch (filter.op) {
    case 'and': {
      const all = filter.filters.map(compiled)
      return (of) => all.every((one) => one(of))
    }
    case 'or': {
      const any = filter.filters.map(compiled)
      return (of) => any.some((one) => one(of))
    }
    case 'not': {
      const inner = compiled(filter.filter)
      return (of) => !inner(of)
    }
    case 'eq':
      return (of) => heldIn(filter.field, of) === filter.value
    case 'ne':
      return (of) => {
        const held = heldIn(filter.field, of)
        return typeof held === typeof filter.value && held !== filter.value
      }
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      return (of) => stands(filter.op, heldIn(filter.field, of), filter.value)
    case 'in': {
      const wanted = new Set<unknown>(filter.values)
      return (of) => wanted.has(heldIn(filter.field, of))
    }
    case 'overlaps': {
      const wanted = new Set(filter.values)
      return (of) => {
        const held = heldIn(filter.field, of)
        return Array.isArray(held) && (held as readonly string[]).some((one) => wanted.has(one))
      }
    }
    case 'exists':
      return (of) => (heldIn(filter.field, of) !== undefined) === filter.exists
    default:
      return filter satisfies never
  }
}

function heldIn(field: string, of: Filtered): Held {
  switch (field) {
    case '$id':
      return of.id
    case '$type':
      return of.type
    case '$version':
      return of.version
    case '$source':
      return of.source
    case '$title':
      return of.title
    case '$readers':
      return of.readers
    case '$denied':
      return of.denied
    case '$authors':
      return of.authors
    default:
      return Object.hasOwn(of.attributes, field) ? of.attributes[field] : undefined
  }
}

function stands(op: 'lt' | 'lte' | 'gt' | 'gte', held: Held, value: string | number): boolean {
  if (typeof held !== typeof value) return false
  const order =
    typeof value === 'number' ? Math.sign((held as number) - value) : byCodePoint(held as string, value)
  if (op === 'lt') return order < 0
  if (op === 'lte') return order <= 0
  return op === 'gt' ? order > 0 : order >= 0
}

/** The order of UTF-8, which is that of code points; JavaScript's own is that of UTF-16 units. */
function byCodePoint(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
