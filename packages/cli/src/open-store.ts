import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { postgresStore, type PostgresPool } from '@gatewright/adapters/store/postgres'
import { redisStore, type RedisClient } from '@gatewright/adapters/store/redis'
import { sqliteStore, type Store } from '@gatewright/runtime/store'
import { STORE_FORMS } from './store-option.ts'
import { UsageError } from './usage-error.ts'

export interface StoreOptions {
  /** `sqlite:FILE`, `redis://…` or `postgres://…`; by default what `GATEWRIGHT_STORE` says. */
  readonly store?: string
  readonly tenant?: string
  /** What all keys in Redis begin with. */
  readonly prefix?: string
  /** The schema in PostgreSQL. */
  readonly schema?: string
}

export interface OpenStore {
  readonly store: Store
  close(): Promise<void>
}

/**
 * Open the store that a command was told of.
 *
 * @throws {UsageError} If it was told of none, there is none, or the package of its client is not installed.
 */
export async function openStore({
  store: given,
  create = false,
  ...options
}: StoreOptions & { readonly create?: boolean }): Promise<OpenStore> {
  const at = given ?? process.env['GATEWRIGHT_STORE']
  if (at === undefined || at === '')
    throw new UsageError(`which store? Say --store ${STORE_FORMS}, or set GATEWRIGHT_STORE.`)
  const [kind = ''] = at.split(':', 1)
  const rest = at.slice(kind.length + 1)
  const tenant = options.tenant === undefined ? {} : { tenant: options.tenant }
  if (kind === 'sqlite' && rest !== '') {
    // Unless it is to be made, a new file would be a switch that nothing is connected to.
    if (!create && !existsSync(rest)) throw new UsageError(`there is no store at '${rest}'.`)
    const store = sqliteStore({ path: rest, ...tenant })
    return { store, close: async () => store.close() }
  }
  // Both `redis://…` and `redis:redis://…` are what somebody in a hurry types.
  const url = rest.startsWith('//') ? at : rest
  if ((kind === 'redis' || kind === 'rediss') && URL.canParse(url)) {
    const client = await openRedis(url)
    const prefix = options.prefix === undefined ? {} : { prefix: options.prefix }
    const store = redisStore({ client, ...prefix, ...tenant })
    return closing(store, () => client.disconnect())
  }
  if ((kind === 'postgres' || kind === 'postgresql') && URL.canParse(url)) {
    const pool = await openPostgres(url)
    const schema = options.schema === undefined ? {} : { schema: options.schema }
    const store = postgresStore({ pool, ...schema, ...tenant })
    return closing(store, () => pool.end())
  }
  throw new UsageError(`'${kind}:…' is not a store; expected ${STORE_FORMS}.`)
}

function closing(store: Store, end: () => unknown): OpenStore {
  return {
    store,
    async close() {
      await store.close()
      await end()
    },
  }
}

type Redis = RedisClient & {
  on(event: 'error', hear: () => void): unknown
  disconnect(): void
  connect(): Promise<void>
}
type Pool = PostgresPool & { on(event: 'error', hear: () => void): unknown; end(): Promise<void> }

async function openRedis(url: string): Promise<Redis> {
  const { Redis } = (await installed('ioredis')) as { Redis: new (url: string, options: object) => Redis }
  const client = new Redis(url, { lazyConnect: true, maxRetriesPerRequest: 0, retryStrategy: () => null })
  client.on('error', () => {})
  return client
}

async function openPostgres(connectionString: string): Promise<Pool> {
  const pg = (await installed('pg')) as { default: { Pool: new (options: object) => Pool } }
  const pool = new pg.default.Pool({ connectionString, max: 3, connectionTimeoutMillis: 2000 })
  pool.on('error', () => {})
  return pool
}

/** A client's package, of the project that the command is used in, or beside this one. */
async function installed(name: string): Promise<unknown> {
  const places = [join(process.cwd(), 'package.json'), import.meta.url]
  for (const place of places) {
    try {
      return await import(pathToFileURL(createRequire(place).resolve(name)).href)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw error
    }
  }
  throw new UsageError(`this store needs the package ${name}: npm install ${name}.`)
}
