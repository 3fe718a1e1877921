import { type Filter, readableByAny } from '../filter.ts'
import type { IndexScope } from '../search-index.ts'
import { canAllBeKept, canBeKept } from './check-document.ts'

/** Fields that are of a document's access list, and of nothing else. */
export const ACCESS_FIELDS: ReadonlyMap<string, 'readers' | 'denied'> = new Map([
  ['$readers', 'readers'],
  ['$denied', 'denied'],
])

/** What a filter says of access lists alone, and what it says besides: all of them have to hold. */
export interface AccessPart {
  readonly access: readonly Filter[]
  readonly rest: readonly Filter[]
}

/** Take a filter apart. An access list is shared by many documents, so what is said of it is found out once for all. */
export function accessPart(filter: Filter): AccessPart {
  if (filter.op === 'and') {
    const parts = filter.filters.map(accessPart)
    return {
      access: parts.flatMap(({ access }) => access),
      rest: parts.flatMap(({ rest }) => rest),
    }
  }
  return isOfAccess(filter) ? { access: [filter], rest: [] } : { access: [], rest: [filter] }
}

/** The second wall as conditions: that each of those in whose name is read may read. */
export function wallOf({ principals }: IndexScope): readonly Filter[] {
  return [principals?.subject, principals?.actor].flatMap((names) => {
    if (names === undefined) return []
    // Cut short they would be other names. What cannot be kept is in no list.
    const kept = canAllBeKept(names) ? names : names.filter(canBeKept)
    return accessPart(readableByAny(kept)).access
  })
}

function isOfAccess(filter: Filter): boolean {
  switch (filter.op) {
    case 'and':
    case 'or':
      return filter.filters.every(isOfAccess)
    case 'not':
      return isOfAccess(filter.filter)
    case 'overlaps':
      return ACCESS_FIELDS.has(filter.field)
    default:
      return false
  }
}
