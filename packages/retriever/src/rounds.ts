import { fuseAnew } from './fuse.ts'
import type { JoinedPlan } from './join-plans.ts'
import type { LabelledPassage } from './label-hits.ts'
import type { CheckItem } from './permissions.ts'
import type { Rechecked } from './recheck.ts'
import type { Dropped } from './retrieval.ts'
import type { Hit, IndexOptions, IndexScope, Passage, Query, SearchHow, SearchIndex } from './search-index.ts'

export interface RoundsOptions {
  readonly index: SearchIndex
  readonly joined: JoinedPlan
  readonly scope: IndexScope
  readonly query: Query
  readonly kind: SearchHow['kind']
  readonly k: number
  readonly exactUpTo: number
  readonly inTime: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>
  readonly recheck: (items: readonly CheckItem[]) => Promise<readonly Rechecked[]>
  readonly label: (passage: Passage, checked: Extract<Rechecked, { permitted: true }>) => LabelledPassage
}

export interface Found {
  readonly passages: readonly LabelledPassage[]
  readonly dropped: readonly Dropped[]
  readonly rounds: number
  readonly complete: boolean
  readonly joined: JoinedPlan
}

const MOST_CANDIDATES = 200
/** Besides the first. */
const MOST_BACKFILLS = 3

/**
 * Search for candidates, fetch them and recheck each, until there are `k` or nothing is left.
 *
 * Up to 2k candidates a round, at most 200. What is dropped is made up for in up to three more rounds, after which
 * the result says that it may not be complete.
 */
export async function searchRounds(of: RoundsOptions): Promise<Found> {
  const { index, joined, scope, query, kind, k, inTime } = of
  const { plan } = joined
  const limit = Math.min(2 * k, MOST_CANDIDATES)
  // Counted in the search itself, of one moment and in one question to the database.
  const exact = index.capabilities.approximate ? { upTo: of.exactUpTo } : true
  const dropped: Dropped[] = []
  const found = new Map<string, Hit>()
  let kept: LabelledPassage[] = []
  let rounds = 0
  let isOver = false
  for (; rounds <= MOST_BACKFILLS && kept.length < k; rounds += 1) {
    const how: SearchHow = { kind, limit, offset: rounds * limit, exact }
    const { passages, isLast } = await inTime(async (signal) => {
      const hits = await index.search(plan, scope, query, how, { signal })
      const fresh = hits.filter((hit) => isNew(found, hit))
      const fetched = await fetchAll(of, fresh, { signal })
      return { passages: fetched, isLast: hits.length < limit }
    })
    // Those of earlier rounds too: each is checked just before it is handed over.
    kept = await checked(of, [...kept, ...passages], dropped)
    isOver = isLast
    if (isOver) {
      rounds += 1
      break
    }
  }
  const failed = dropped.some(({ reason }) => reason === 'unchecked' || reason === 'unanswered')
  const hits = kept.flatMap((passage) => {
    const hit = found.get(keyOf(passage))
    return hit === undefined ? [] : [{ ...hit, passage }]
  })
  return {
    passages: ranked(hits, kind)
      .slice(0, k)
      .map(({ passage, score }) => ({ ...passage, score })),
    dropped,
    rounds,
    complete: kept.length >= k || (isOver && !failed && joined.complete),
    joined,
  }
}

async function fetchAll(
  { index, joined, scope }: RoundsOptions,
  hits: readonly { readonly document: string; readonly position: number }[],
  options: IndexOptions,
): Promise<readonly Passage[]> {
  return hits.length === 0 ? [] : index.fetch(joined.plan, scope, hits, options)
}

async function checked(
  { recheck, label }: RoundsOptions,
  passages: readonly Passage[],
  dropped: Dropped[],
): Promise<LabelledPassage[]> {
  const items = passages.map(({ document, version, aclVersion }) => ({ document, version, aclVersion }))
  const answers = await recheck(items)
  return passages.flatMap((passage, at) => {
    const answer = answers[at] ?? ({ permitted: false, reason: 'unanswered' } as const)
    if (answer.permitted) return [label(passage, answer)]
    const { document, version } = passage
    dropped.push({ document, version, reason: answer.reason, why: answer.why })
    return []
  })
}

function ranked<T extends Hit>(hits: readonly T[], kind: SearchHow['kind']): T[] {
  if (kind !== 'fused') return hits.toSorted((a, b) => b.score - a.score)
  return fuseAnew(
    hits.map((hit) => {
      if (hit.ranks === undefined) throw new TypeError('A fused hit without its ranks.')
      return { ...hit, ranks: hit.ranks }
    }),
  )
}

function isNew(found: Map<string, Hit>, hit: Hit): boolean {
  const key = keyOf(hit)
  if (found.has(key)) return false
  found.set(key, hit)
  return true
}

function keyOf({ document, position }: Pick<Hit, 'document' | 'position'>): string {
  return JSON.stringify([document, position])
}
