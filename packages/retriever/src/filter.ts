/** What a field of a document's attributes is compared with. */
export type FilterValue = string | number | boolean

/**
 * A condition over a document, in the shape of UCAST: compound conditions over field conditions.
 *
 * A field is an attribute of the document, or, where it begins with `$`, something that every document has: `$id`,
 * `$type`, `$version`, `$source`, `$title`, and the lists `$readers`, `$denied` and `$authors`. Another `$` name throws,
 * and no attribute may have one.
 *
 * Closed on purpose: an index that meets an operator it does not know throws, and never drops it. A field that a
 * document does not have, or that holds another type than it is compared with, fails every condition but `not` of one
 * and `exists: false`; there is no third truth value. Texts compare by their code points, numbers as numbers.
 */
export type Filter =
  | { readonly op: 'and' | 'or'; readonly filters: readonly Filter[] }
  | { readonly op: 'not'; readonly filter: Filter }
  | { readonly op: 'eq' | 'ne'; readonly field: string; readonly value: FilterValue }
  | {
      readonly op: 'lt' | 'lte' | 'gt' | 'gte'
      readonly field: string
      readonly value: string | number
    }
  | { readonly op: 'in'; readonly field: string; readonly values: readonly FilterValue[] }
  /** A list-valued field shares a member with these values, as an access list does with a user's principals. */
  | { readonly op: 'overlaps'; readonly field: string; readonly values: readonly string[] }
  | { readonly op: 'exists'; readonly field: string; readonly exists: boolean }

/** Fields that every document has, with one value each. */
export const OWN_FIELDS: readonly string[] = ['$id', '$type', '$version', '$source', '$title']

/** Fields that every document has, each a list of principals. */
export const OWN_LISTS: readonly string[] = ['$readers', '$denied', '$authors']

/** The condition of an access list: one of these principals may read, and none of them may not. */
export function readableByAny(principals: readonly string[]): Filter {
  return {
    op: 'and',
    filters: [
      { op: 'overlaps', field: '$readers', values: principals },
      { op: 'not', filter: { op: 'overlaps', field: '$denied', values: principals } },
    ],
  }
}
