import { calibrate } from './calibrate.ts'
import type { SqlDatabase, SqlQuery } from './sql-database.ts'
import { reviseTenants } from './sql-numbers.ts'

/**
 * Half again the edges of pgvector's default, and twice the care. Its own leaves some passages out of reach: of vectors
 * that are noisy in every dimension it found 0.993 at most, however many candidates it kept, and this one all of them.
 */
const GRAPH = 'm = 24, ef_construction = 128'

/** foreign_key_violation */
const IN_USE = '23503'

/** Build the approximate index where there are enough passages for one, measure it, and tidy up. */
export async function maintained(
  database: SqlDatabase,
  s: string,
  { dimensions, approximateFrom }: { readonly dimensions: number; readonly approximateFrom: number },
  signal: AbortSignal,
): Promise<void> {
  const state = await database.transaction(signal, async (query) => {
    const [row] = await query(
      `select to_regclass($1::text) is not null as built,
        (select count(*)::int from (select 1 from ${s}.passages limit $2::int) found) as there`,
      [`${s}.passages_embedding`, approximateFrom],
    )
    const isLarge = Number(row?.['there'] ?? 0) >= approximateFrom
    return { isBuilt: isLarge && row?.['built'] === true, isLarge }
  })
  if (state.isLarge && !state.isBuilt) {
    // In the order of access lists: what somebody may read then lies together, and an exact search among it is as quick
    // as there is little of it. Apart from the building, since nobody can read meanwhile.
    await untimed(database, signal, (query) => query(`cluster ${s}.passages using passages_acl`, []))
    await untimed(database, signal, (query) =>
      query(
        `create index if not exists passages_embedding on ${s}.passages using hnsw (embedding vector_ip_ops)
          with (${GRAPH})`,
        [],
      ),
    )
  }
  await tidied(database, s, signal)
  // Apart from the building, which nobody can write beside.
  await untimed(database, signal, async (query) => {
    if (state.isLarge) await calibrate(query, s, dimensions)
    await query(
      `update ${s}.acls a set passages = c.passages
      from (select p.acl, count(*) as passages from ${s}.passages p group by p.acl) c where c.acl = a.id`,
      [],
    )
    await query(`update ${s}.meta set passages = (select count(*) from ${s}.passages)`, [])
    await reviseTenants(query, s)
  })
  // So that it need not look at rows to count them, and plans with what is there.
  for (const table of ['acls', 'documents', 'passages'])
    await database.alone(`vacuum (analyze) ${s}.${table}`, signal)
}

/** Leave out access lists that no document has. One that a document came with meanwhile leaves all to another time. */
async function tidied(database: SqlDatabase, s: string, signal: AbortSignal): Promise<void> {
  const unused = `delete from ${s}.acls a where not exists (select 1 from ${s}.documents d where d.acl = a.id)`
  try {
    await untimed(database, signal, (query) => query(unused, []))
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== IN_USE) throw error
  }
}

/** In one transaction, for as long as it takes. */
function untimed(
  database: SqlDatabase,
  signal: AbortSignal,
  work: (query: SqlQuery) => Promise<unknown>,
): Promise<unknown> {
  return database.transaction(signal, async (query) => {
    await query(`select set_config('statement_timeout', '0', true), set_config('jit', 'off', true)`, [])
    await work(query)
  })
}
