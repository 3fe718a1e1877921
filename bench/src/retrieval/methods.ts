import { type IndexPlan, type IndexScope, readableByAny } from '@gatewright/retriever'
import type { Corpus, Share } from './corpus.ts'
import { type Loaded, TENANT, TYPE } from './engines.ts'

/** A way to search: gives the places of what it found, best first. */
export interface Method {
  readonly name: string
  /** Measured against the nearest of all. */
  readonly isUnfiltered?: boolean
  search(share: Share, query: Float32Array, k: number): Promise<number[]>
}

const call = { signal: new AbortController().signal }
const EXACT_UP_TO = 5000
const POST_FILTERED = 200

/** What the retriever does: a plan in the query, counted first, with row-level security under it. */
export function filtered(loaded: Loaded, principals: (share: Share) => readonly string[] = own): Method {
  return {
    name: 'filtered',
    search: (share, query, k) => {
      // A list of its own each time, as for a user whose plan was not used before.
      const names = [...principals(share)]
      const scope: IndexScope = { tenant: TENANT, type: TYPE, principals: { subject: names } }
      return adaptive(loaded, { kind: 'filter', filter: readableByAny(names) }, scope, query, k)
    },
  }
}

/** The same without any permissions. */
export function unfiltered(loaded: Loaded): Method {
  return {
    name: 'the same, no permissions',
    isUnfiltered: true,
    search: (_, query, k) =>
      adaptive(loaded, { kind: 'all' }, { tenant: TENANT, type: TYPE, principals: undefined }, query, k),
  }
}

export const PEER = 'pgvector, unfiltered'

/**
 * pgvector alone: the nearest of all rows, by a statement prepared once, in one round trip and with no transaction. With
 * the least `hnsw.ef_search` that finds 0.99 of them, so that it is as good as what it is compared with.
 */
export async function plain(
  { session, schema }: Loaded,
  efSearch: number,
): Promise<(Method & AsyncDisposable) | undefined> {
  if (session === undefined) return undefined
  const opened = await session({ 'hnsw.ef_search': `${efSearch}`, enable_seqscan: 'off' })
  return {
    name: `${PEER}, ef_search ${efSearch}`,
    isUnfiltered: true,
    async search(_, query, k) {
      const text = `select document from ${schema}.passages order by embedding <#> $1::vector limit ${k}`
      return (await opened.ask(text, [textOf(query)])).map(placeOf)
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  }
}

/** 200 candidates whoever may read them, of which the permitted are kept, as Auth0's FGA filter does it. */
export function postFiltered({ sql, schema }: Loaded, corpus: Corpus): Method | undefined {
  if (sql === undefined) return undefined
  return {
    name: 'post-filter of 200',
    async search({ group }, query, k) {
      const rows = await sql(
        `select document from ${schema}.passages order by embedding <#> $1::vector limit ${POST_FILTERED}`,
        [textOf(query)],
        { 'hnsw.ef_search': `${POST_FILTERED}` },
      )
      return rows
        .map(placeOf)
        .filter((at) => corpus.readers[at]?.includes(group))
        .slice(0, k)
    },
  }
}

/** pgvector's HNSW index with a condition, with the settings that it comes with. */
export function hnswAtDefaults({ sql, schema }: Loaded): Method | undefined {
  if (sql === undefined) return undefined
  return {
    name: 'HNSW, filter, defaults',
    async search({ group }, query, k) {
      const rows = await sql(
        `select document from ${schema}.passages
        where acl in (select a.id from ${schema}.acls a
          where a.readers && array(select id from ${schema}.principals where name = $2::text))
        order by embedding <#> $1::vector limit $3::int`,
        [textOf(query), group, k],
        // Or the planner looks for the few that are permitted, where it knows how few they are.
        { enable_bitmapscan: 'off', enable_seqscan: 'off', enable_sort: 'off' },
      )
      return rows.map(placeOf)
    },
  }
}

function own({ group }: Share): string[] {
  return [group]
}

async function adaptive(
  { index }: Loaded,
  plan: IndexPlan,
  scope: IndexScope,
  query: Float32Array,
  k: number,
): Promise<number[]> {
  const exact = index.capabilities.approximate ? { upTo: EXACT_UP_TO } : true
  const how = { kind: 'vector', limit: k, offset: 0, exact } as const
  return (await index.search(plan, scope, { text: '', embedding: [...query] }, how, call)).map(placeOf)
}

function textOf(query: Float32Array): string {
  return `[${query.join(',')}]`
}

function placeOf({ document }: { readonly document?: unknown }): number {
  return Number(String(document).slice(1))
}
