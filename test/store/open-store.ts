import { memoryStore, sqliteStore, type Store } from '@gatewright/runtime/store'
import pg from 'pg'

/** A store by description, so that a process can be told by its arguments which one to open. */
export type StoreAt =
  | { readonly driver: 'memory' }
  | { readonly driver: 'sqlite'; readonly path: string; readonly timeoutMs?: number }
  | {
      readonly driver: 'ioredis' | 'node-redis'
      readonly host: string
      readonly port: number
      readonly prefix: string
      readonly timeoutMs?: number
    }
  | {
      readonly driver: 'postgres'
      readonly host: string
      readonly port: number
      readonly schema: string
      readonly timeoutMs?: number
    }

export interface Opened {
  readonly store: Store
  /** Closes the store, and the client that it was opened with. */
  readonly end: () => Promise<void>
}

/** How long a server is waited for where its silence is not what is tested. */
export const PATIENCE_MS = 30_000

// Each is loaded only when it is used: processes that are started by the dozen begin sooner.
const redis = () => import('@gatewright/adapters/store/redis')
const postgres = () => import('@gatewright/adapters/store/postgres')

/** Open a client of the store, on a connection of its own. */
export async function openStore(at: StoreAt): Promise<Opened> {
  switch (at.driver) {
    case 'memory':
      return opened(memoryStore({ now: () => new Date() }), () => {})
    case 'sqlite': {
      const { driver: _, ...options } = at
      return opened(sqliteStore({ timeoutMs: PATIENCE_MS, ...options }), () => {})
    }
    case 'ioredis': {
      const { host, port, ...options } = at
      const [{ Redis }, { redisStore }] = await Promise.all([import('ioredis'), redis()])
      const client = new Redis({ host, port, retryStrategy: () => 50 })
      client.on('error', () => {})
      return opened(redisStore({ timeoutMs: PATIENCE_MS, ...options, client }), () => client.disconnect())
    }
    case 'node-redis': {
      const { host, port, ...options } = at
      const [{ createClient }, { redisStore }] = await Promise.all([import('redis'), redis()])
      const client = createClient({ socket: { host, port, reconnectStrategy: () => 50 } })
      client.on('error', () => {})
      // Where there is no server it goes on trying, and the store finds none.
      client.connect().catch(() => {})
      return opened(redisStore({ timeoutMs: PATIENCE_MS, ...options, client }), () => client.destroy())
    }
    case 'postgres': {
      const { host, port, ...options } = at
      const { postgresStore } = await postgres()
      const pool = openPool({ host, port })
      return opened(postgresStore({ timeoutMs: PATIENCE_MS, ...options, pool }), () => pool.end())
    }
    default:
      return at satisfies never
  }
}

/** A pool of few connections, to the database that every server has: the server is not this test's alone. */
export function openPool(server: { readonly host: string; readonly port: number }): pg.Pool {
  const user = process.env['PGUSER'] ?? 'postgres'
  const database = process.env['PGDATABASE'] ?? 'postgres'
  const pool = new pg.Pool({ ...server, user, database, max: 3, idleTimeoutMillis: 1000 })
  pool.on('error', () => {})
  return pool
}

function opened(store: Store, close: () => unknown): Opened {
  return {
    store,
    async end() {
      await store.close()
      await close()
    },
  }
}
