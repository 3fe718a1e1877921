import type { Hit } from './search-index.ts'

/** The constant of the paper: it keeps the first places of one list from outweighing all of another. */
const K = 60

/**
 * One ranking from several: the sum of 1 / (60 + rank) over the lists that a passage stands in.
 *
 * Reciprocal rank fusion, after Cormack, Clarke and Büttcher (2009). It needs no scores that can be compared.
 */
export function fuse(lists: readonly (readonly Hit[])[]): Hit[] {
  const fused = new Map<string, { hit: Hit; score: number }>()
  for (const list of lists)
    list.forEach((hit, rank) => {
      const key = JSON.stringify([hit.document, hit.position])
      const known = fused.get(key)
      const score = (known?.score ?? 0) + 1 / (K + rank + 1)
      fused.set(key, { hit: known?.hit ?? hit, score })
    })
  return [...fused.values()]
    .map(({ hit, score }) => ({ ...hit, score }))
    .toSorted((a, b) => b.score - a.score || (a.document < b.document ? -1 : 1) || a.position - b.position)
}

/**
 * Scores of passages that were ranked by `fuse`, counted anew from their places among themselves: fused scores are made
 * of places, and a gap in them would tell of passages that were dropped in between.
 */
export function scoredByPlace<T extends { readonly score: number }>(ranked: readonly T[]): T[] {
  return ranked.map((one, rank) => ({ ...one, score: 1 / (K + rank + 1) }))
}
