import { createHash } from 'node:crypto'
import type { SearchIndex } from '../search-index.ts'
import type { SqlDatabase, SqlRow } from './sql-database.ts'
import { layOut, sqlIndex, type SqlIndexOptions } from './sql-index.ts'
import { vectorBytes } from './sql-vector.ts'

interface PostgresClient {
  query(query: { name?: string; text: string; values: unknown[] }): Promise<{ rows: unknown[] }>
  query(text: string): Promise<unknown>
  release(destroy?: boolean): void
}

/** What is needed of a pool of `pg`, in JavaScript: it sends a `Buffer` in binary, as `pg-native` does not. */
export interface PostgresPoolLike {
  connect(): Promise<PostgresClient>
}

export interface PostgresIndexOptions extends SqlIndexOptions {
  /** Connects as the owner of the tables. It stays yours to end. */
  readonly pool: PostgresPoolLike
  /** Lay out the tables where they are not there. Default false: run the SQL of `indexSchema` as an administrator. */
  readonly layOut?: boolean
  /**
   * Whether the server keeps the few statements that searches send, so that it need not take them apart each time.
   * Default true; false behind a pooler that cannot, as PgBouncer before 1.21 in its transaction mode.
   */
  readonly prepare?: boolean
}

/**
 * An index in PostgreSQL 15 or later with pgvector 0.8, for all processes that share it.
 *
 * An abort gives the connection up; the server ends the statement when it notices, so give it a `statement_timeout`.
 *
 * @throws {ConfigError} If the tables are not laid out, or are of another version, embedder or dimension.
 */
export async function postgresIndex(
  { pool, layOut: lays = false, prepare = true, ...options }: PostgresIndexOptions,
  { signal = NEVER }: { readonly signal?: AbortSignal } = {},
): Promise<SearchIndex> {
  const port = portOf(pool, prepare)
  if (lays) await layOut(port, options, { signal })
  const index = sqlIndex(port, options)
  // What is wrong with the tables is told now, and not at the first search.
  await index.describe({ id: 'none', tenant: undefined }, { signal })
  return index
}

const NEVER = new AbortController().signal
/** Two that lay out at once would meet at the same names. */
const LAYING_OUT = 0x6a7e

function portOf(pool: PostgresPoolLike, prepare: boolean): SqlDatabase {
  const named = (text: string): { name?: string } =>
    prepare ? { name: `gatewright ${createHash('sha256').update(text).digest('hex').slice(0, 32)}` } : {}
  async function withClient<T>(
    signal: AbortSignal,
    work: (client: PostgresClient) => Promise<T>,
  ): Promise<T> {
    signal.throwIfAborted()
    const connecting = pool.connect()
    const client = await unlessAborted(connecting, signal).catch((error: unknown) => {
      connecting.then(
        (late) => late.release(),
        () => {},
      )
      throw error
    })
    // A session in an unknown state, with a role that it took on, goes to nobody else.
    let isSound = false
    try {
      const done = await unlessAborted(work(client), signal)
      isSound = true
      return done
    } catch (error) {
      if (!signal.aborted) isSound = await undone(client)
      throw error
    } finally {
      client.release(!isSound)
    }
  }

  return {
    name: 'postgres',
    shared: true,
    vector: vectorBytes,
    transaction: (signal, work) =>
      withClient(signal, async (client) => {
        await client.query('begin')
        const done = await work(async (text, values) => {
          signal.throwIfAborted()
          const { rows } = await client.query({ text, values: [...values] })
          return rows as SqlRow[]
        })
        signal.throwIfAborted()
        await client.query('commit')
        return done
      }),
    read: (text, values, signal, often) =>
      withClient(signal, async (client) => {
        const { rows } = await client.query({
          ...(often === undefined ? {} : named(text)),
          text,
          values: [...values],
        })
        return rows as SqlRow[]
      }),
    alone: (text, signal) =>
      withClient(signal, async (client) => {
        await client.query('set statement_timeout = 0')
        try {
          await client.query(text)
        } finally {
          await client.query('reset statement_timeout')
        }
      }),
    script: (sql, signal) =>
      withClient(signal, async (client) => {
        await client.query(`begin; select pg_advisory_xact_lock(${LAYING_OUT}); ${sql} commit;`)
      }),
    close: async () => {},
  }
}

async function undone(client: PostgresClient): Promise<boolean> {
  try {
    await client.query('rollback')
    return true
  } catch {
    return false
  }
}

function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  if (signal.aborted) {
    work.catch(() => {})
    return Promise.reject(signal.reason as Error)
  }
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
