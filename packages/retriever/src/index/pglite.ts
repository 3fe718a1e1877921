import type { SearchIndex } from '../search-index.ts'
import type { SqlDatabase, SqlRow } from './sql-database.ts'
import { layOut, sqlIndex, type SqlIndexOptions } from './sql-index.ts'
import { vectorText } from './sql-vector.ts'

interface PGliteQuery {
  query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>
}

/** What is needed of a PGlite. */
export interface PGliteLike extends PGliteQuery {
  transaction<T>(work: (transaction: PGliteQuery) => Promise<T>): Promise<T>
  exec(sql: string): Promise<unknown>
}

export interface PGliteIndexOptions extends SqlIndexOptions {
  /** Made with the extension `vector` of `@electric-sql/pglite-pgvector`. It stays yours to close. */
  readonly database: PGliteLike
}

/**
 * An index in a PGlite: PostgreSQL inside this process, with nothing to install. Lays out its tables itself.
 *
 * One process at a time, one query at a time; an abort takes effect between two statements. Below some 20,000
 * passages it is exact and quick without an approximate index, which is slow to add to in PGlite.
 *
 * @throws {ConfigError} If the tables there are of another version, embedder or dimension.
 */
export async function pgliteIndex(
  { database, ...options }: PGliteIndexOptions,
  { signal = NEVER }: { readonly signal?: AbortSignal } = {},
): Promise<SearchIndex> {
  const port = portOf(database)
  await layOut(port, options, { signal })
  const index = sqlIndex(port, { approximateFrom: APPROXIMATE_FROM, ...options })
  // What is wrong with the tables is told now, and not at the first search.
  await index.describe({ id: 'none', tenant: undefined }, { signal })
  return index
}

/** With an approximate index a hundred thousand passages take minutes to add; without it fewer are quick enough. */
const APPROXIMATE_FROM = 20_000
const NEVER = new AbortController().signal

function portOf(database: PGliteLike): SqlDatabase {
  return {
    name: 'pglite',
    shared: false,
    vector: vectorText,
    async transaction(signal, work) {
      signal.throwIfAborted()
      return database.transaction(async (transaction) => {
        const done = await work(async (text, values) => {
          signal.throwIfAborted()
          const { rows } = await transaction.query(text, [...values])
          return rows as SqlRow[]
        })
        signal.throwIfAborted()
        return done
      })
    },
    async read(text, values, signal) {
      signal.throwIfAborted()
      const { rows } = await database.query(text, [...values])
      signal.throwIfAborted()
      return rows as SqlRow[]
    },
    async alone(text, signal) {
      signal.throwIfAborted()
      await database.exec(text)
    },
    async script(sql, signal) {
      signal.throwIfAborted()
      await database.exec(`begin; ${sql} commit;`)
    },
    close: async () => {},
  }
}
