import { createHash } from 'node:crypto'
import type { DocumentMetadata } from '../search-index.ts'
import type { SqlDatabase, SqlQuery } from './sql-database.ts'

/** Two that number principals or lists do it one after the other, so that nothing is numbered twice. */
const NUMBERING = 0x6a7f

/** The number of a document's access list, and those of its authors. */
export interface Numbered {
  readonly acl: number
  readonly authors: readonly number[]
}

/**
 * Number the principals of a document and its access list, or find the numbers that they have.
 *
 * In a transaction of its own: it is over at once, so that two long ingests with a principal in common do not wait for
 * each other. What it leaves behind if the ingest fails does no harm.
 */
export function numberedIn(
  database: SqlDatabase,
  s: string,
  document: DocumentMetadata,
  signal: AbortSignal,
): Promise<Numbered> {
  const tenant = document.tenant ?? ''
  const sorted = (names: readonly string[]): string[] => [...new Set(names)].toSorted()
  const [readers, denied, authors] = [document.readers, document.denied, document.authors].map(sorted) as [
    string[],
    string[],
    string[],
  ]
  return database.transaction(signal, async (query) => {
    const ids = await principals(query, s, tenant, sorted([...readers, ...denied, ...authors]))
    const numbers = (names: readonly string[]): number[] =>
      names.map((name) => {
        const id = ids.get(name)
        // A denial that is left out would let somebody read.
        if (id === undefined) throw new Error('A principal was not numbered; nothing was stored.')
        return id
      })
    const digest = createHash('sha256')
      .update(JSON.stringify([readers, denied]))
      .digest('base64')
    const list = [tenant, document.type, digest]
    const find = async (): Promise<number | undefined> => {
      const [row] = await query(
        `select id from ${s}.acls where tenant = $1::text and type = $2::text and digest = $3::text`,
        list,
      )
      return row === undefined ? undefined : Number(row['id'])
    }
    let acl = await find()
    if (acl === undefined) {
      await lock(query, s)
      const added = await query(
        `insert into ${s}.acls (tenant, type, digest, readers, denied)
        values ($1::text, $2::text, $3::text, $4::int[], $5::int[]) on conflict do nothing returning id`,
        [...list, numbers(readers), numbers(denied)],
      )
      if (added.length > 0) await reviseTenants(query, s, tenant)
      acl = await find()
    }
    if (acl === undefined) throw new Error('An access list was not numbered; nothing was stored.')
    return { acl, authors: numbers(authors) }
  })
}

/** From now on what is known of the access lists of a tenant, or of all, is of an earlier state. */
export async function reviseTenants(query: SqlQuery, s: string, tenant?: string): Promise<void> {
  if (tenant === undefined) await query(`update ${s}.tenants set revision = gen_random_uuid()`, [])
  else
    await query(
      `insert into ${s}.tenants (tenant, revision) values ($1::text, gen_random_uuid())
      on conflict (tenant) do update set revision = gen_random_uuid()`,
      [tenant],
    )
}

async function principals(
  query: SqlQuery,
  s: string,
  tenant: string,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const find = async (): Promise<ReadonlyMap<string, number>> => {
    const rows = await query(
      `select id, name from ${s}.principals where tenant = $1::text and name = any($2::text[])`,
      [tenant, names],
    )
    return new Map(rows.map(({ id, name }) => [String(name), Number(id)]))
  }
  const known = await find()
  const missing = names.filter((name) => !known.has(name))
  if (missing.length === 0) return known
  await lock(query, s)
  await query(
    `insert into ${s}.principals (tenant, name) select $1::text, unnest($2::text[]) on conflict do nothing`,
    [tenant, missing],
  )
  return find()
}

async function lock(query: SqlQuery, s: string): Promise<void> {
  await query('select pg_advisory_xact_lock($1::int, hashtext($2::text))', [NUMBERING, s])
}
