import type { Predicate, Steps } from './expression.ts'
import type { Node, Reading } from './reading.ts'
import { Refusal } from './refusal.ts'
import { absent, equalities, fieldAt } from './row.ts'
import { type List, type Value, inOrder, mistyped, rankOf } from './value.ts'

/** The rows of a list, which leans on its membership (on what `where` keeps of it, for a filter) and costs its length. */
export function elements(value: Value, reading: Reading, where?: Predicate): List {
  if (value.kind === 'list') {
    reading.spend(value.items.length)
    return value
  }
  if (value.kind !== 'node' || !Array.isArray(value.node.json)) throw mistyped('a list')
  const { node } = value
  const rows = value.node.json as readonly Node['json'][]
  if (where === undefined) reading.membership(node)
  else reading.selected(node, equalities(where))
  // Before any of it is copied: a list may be far longer than what may be read.
  reading.spend(rows.length)
  return {
    kind: 'list',
    from: node,
    items: rows.map((json, i) => ({ ...node, place: [...node.place, i], json })),
  }
}

/** The rows by ascending field; equal ones stay as they were. */
export function sorted(list: List, field: Steps, reading: Reading): List {
  const ranked = list.items.map((row) => ({ row, rank: rankOf(reading.leaf(fieldAt(row, field, reading))) }))
  return {
    ...list,
    isSorted: true,
    items: ranked.toSorted((a, b) => inOrder(a.rank, b.rank)).map(({ row }) => row),
  }
}

/** The least or greatest leaf of a list; the earlier of equal ones. */
export function extreme(list: List, which: 'min' | 'max', reading: Reading): Node {
  let best: { readonly node: Node; readonly rank: ReturnType<typeof rankOf> } | undefined
  for (const node of list.items) {
    const rank = rankOf(reading.leaf(node))
    const sign = best === undefined ? 0 : inOrder(rank, best.rank)
    if (best === undefined || (which === 'min' ? sign < 0 : sign > 0)) best = { node, rank }
  }
  if (best === undefined) throw absent()
  return best.node
}

/**
 * The row at a position, from the end where negative.
 *
 * Of several rows that a quoted key kept, a position tells one only by the order of the whole list, unless it is
 * the least or greatest of a sort.
 */
export function positioned(list: List, position: number, reading: Reading): Node {
  const node = list.items.at(position)
  if (node === undefined) throw absent()
  const isOutermost = list.isSorted === true && (position === 0 || position === -1)
  if (list.items.length > 1 && !isOutermost) reading.membership(list.from)
  return node
}

/** The one row left. */
export function pick(list: List): Node {
  const [only, another] = list.items
  if (only === undefined) throw absent()
  if (another !== undefined) throw new Refusal('type', 'pick needs exactly one row that matches; several do.')
  return only
}
