import { createHash } from 'node:crypto'
import type { Filter } from '../filter.ts'
import { filterToSql } from './filter-to-sql.ts'
import type { SqlDatabase } from './sql-database.ts'
import { boundParameters } from './sql-parameters.ts'

/** The access lists of a tenant and type that meet some conditions. */
export interface AccessLists {
  /** Of which state of the tenant's lists this is true. */
  readonly revision: string
  /** Their numbers, as SQL; undefined where they are more than are worth naming. */
  readonly ids: string | undefined
  /** How many candidates an approximate search among their passages has to keep. */
  readonly efSearch: number
  /** The same where a part of their passages is looked for, and nobody knows how large a part. */
  readonly efSearchOfFew: number
}

/** Whose lists are looked for: of a tenant and type, those that meet all conditions. */
export interface AccessListsOf {
  readonly tenant: string
  readonly type: string
  /** Of those in whose name is read. */
  readonly wall: readonly Filter[]
  /** Of the plan besides. */
  readonly plan: readonly Filter[]
}

export interface ReadableLists {
  /** What wall and plan permit. */
  readonly permitted: AccessLists
  /** What the wall permits, whatever the plan is. */
  readonly wall: AccessLists
  /** To be called where the index is in another state by now. */
  forget(): void
}

const MOST_KEPT = 1000
const MOST_KEPT_TEXT = 10_000_000

/**
 * Which access lists meet conditions, asked once and kept: for a user in five thousand groups it takes longer than the
 * search does. What a number stands for never changes, and the revision tells whether there are others by now, so what
 * is kept can only ever be too little, and is not used then.
 */
export function knownLists(
  database: SqlDatabase,
  s: string,
  most: number,
): (of: AccessListsOf, signal: AbortSignal) => Promise<ReadableLists> {
  const kept = new Map<string, AccessLists>()
  let length = 0
  const drop = (key: string): void => {
    length -= kept.get(key)?.ids?.length ?? 0
    kept.delete(key)
  }

  async function find(key: string, asked: Asked, signal: AbortSignal): Promise<AccessLists> {
    const known = kept.get(key)
    if (known !== undefined) return known
    const lists = await ask(database, s, most, asked, signal)
    drop(key)
    kept.set(key, lists)
    length += lists.ids?.length ?? 0
    for (const oldest of kept.keys()) {
      if (kept.size <= MOST_KEPT && length <= MOST_KEPT_TEXT) break
      drop(oldest)
    }
    return lists
  }

  return async ({ tenant, type, wall, plan }, signal) => {
    const keyOf = keysOf(tenant, type)
    const all = [...wall, ...plan]
    const [whole, walled] = [keyOf(all), keyOf(wall)]
    const permitted = await find(whole, { tenant, type, conditions: all }, signal)
    return {
      permitted,
      // Where the plan says what the wall does, as it does for access lists, they are the same.
      wall: await find(walled, { tenant, type, conditions: wall }, signal),
      forget() {
        drop(whole)
        drop(walled)
      },
    }
  }
}

interface Asked {
  readonly tenant: string
  readonly type: string
  readonly conditions: readonly Filter[]
}

async function ask(
  database: SqlDatabase,
  s: string,
  most: number,
  { tenant, type, conditions }: Asked,
  signal: AbortSignal,
): Promise<AccessLists> {
  const into = boundParameters(s, tenant)
  const own = into.add(type, 'text')
  const cap = into.add(most + 1, 'int')
  // A plan by access lists says what the wall does.
  const said = new Set(conditions.map((one) => `and ${filterToSql(one, into.speaking('of lists'))}`))
  const [row] = await database.read(
    `with ${[...into.lists(), ''].join(', ')} found as materialized (
      select a.id, a.passages from ${s}.acls a where a.tenant = $1::text and a.type = ${own} ${[...said].join(' ')} limit ${cap})
    select ${revisionOf(s, '$1::text')}::text as revision, m.passages::float8 as there, m.shares, m.ef_search,
      (select count(*)::int from found) as many, (select coalesce(sum(f.passages), 0)::float8 from found f) as permitted,
      (select coalesce(array_agg(f.id), '{}')::text from found f) as ids
    from ${s}.meta m`,
    into.values,
    signal,
  )
  if (row === undefined) throw new Error('The index says nothing of itself; nothing was read.')
  const shares = (row['shares'] as unknown[]).map(Number)
  const efSearch = (row['ef_search'] as unknown[]).map(Number)
  const passages = Number(row['permitted'])
  const share = passages / Math.max(1, Number(row['there']))
  return {
    revision: String(row['revision']),
    ids: Number(row['many']) > most ? undefined : String(row['ids']),
    efSearch: between(shares, efSearch, share),
    efSearchOfFew: efSearch.at(-1) ?? 0,
  }
}

const NO_REVISION = '00000000-0000-0000-0000-000000000000'

/** A tenant without documents has one too. */
export function revisionOf(s: string, tenant: string): string {
  return `coalesce((select t.revision from ${s}.tenants t where t.tenant = ${tenant}), '${NO_REVISION}')`
}

/** What was measured for shares from large to small, for one that lies between two of them. */
export function between(shares: readonly number[], measured: readonly number[], share: number): number {
  const at = shares.findIndex((one) => one <= share)
  const below = measured.at(at)
  if (at <= 0 || below === undefined) return below ?? 0
  const [large, small] = [shares[at - 1] as number, shares[at] as number]
  const above = measured[at - 1] as number
  return Math.ceil(above + ((below - above) * Math.log(large / share)) / Math.log(large / small))
}

/** Names conditions by what they say. Lists of thousands of names stand in several of them: each is gone through once. */
function keysOf(tenant: string, type: string): (conditions: readonly Filter[]) => string {
  const digest = (text: string): string => createHash('sha256').update(text).digest('base64')
  const lists = new Map<readonly string[], string>()
  const digestOf = (condition: Filter): string =>
    JSON.stringify(condition, (name, value: unknown) => {
      if (name !== 'values' || !Array.isArray(value)) return value
      const known = lists.get(value) ?? digest(JSON.stringify(value))
      lists.set(value, known)
      return known
    })
  return (conditions) =>
    digest(JSON.stringify([tenant, type, [...new Set(conditions.map(digestOf))].toSorted()]))
}
