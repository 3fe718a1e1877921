import type { Hit } from './search-index.ts'

type Place = Pick<Hit, 'document' | 'position'>
type Fused = Required<Pick<Hit, 'ranks' | 'score'>>

/** The constant of the paper: it keeps the first places of one list from outweighing all of another. */
const K = 60

/**
 * One ranking from several: the sum of 1 / (60 + rank) over the lists that a passage stands in.
 *
 * Reciprocal rank fusion, after Cormack, Clarke and Büttcher (2009). It needs no scores that can be compared.
 */
export function fuse<T extends Place>(lists: readonly (readonly T[])[]): (T & Fused)[] {
  const fused = new Map<string, { one: T; ranks: (number | undefined)[] }>()
  for (const [at, list] of lists.entries())
    for (const [rank, one] of list.entries()) {
      const key = JSON.stringify([one.document, one.position])
      const known = fused.get(key) ?? { one, ranks: lists.map(() => undefined) }
      known.ranks[at] = rank
      fused.set(key, known)
    }
  return [...fused.values()]
    .map(({ one, ranks }) => ({ ...one, ranks, score: scoreOf(ranks) }))
    .toSorted((a, b) => b.score - a.score || (a.document < b.document ? -1 : 1) || a.position - b.position)
}

/**
 * What was fused and is still there, fused anew from its places among itself alone: places that were counted among
 * others as well would tell, by order and by score, of those that were dropped.
 */
export function fuseAnew<T extends Place>(kept: readonly (T & Pick<Fused, 'ranks'>)[]): (T & Fused)[] {
  const lists = (kept[0]?.ranks ?? []).map((_, at) =>
    kept
      .filter(({ ranks }) => ranks[at] !== undefined)
      .toSorted((a, b) => (a.ranks[at] ?? 0) - (b.ranks[at] ?? 0)),
  )
  return fuse(lists)
}

function scoreOf(ranks: readonly (number | undefined)[]): number {
  return ranks.reduce<number>((sum, rank) => sum + (rank === undefined ? 0 : 1 / (K + rank + 1)), 0)
}
