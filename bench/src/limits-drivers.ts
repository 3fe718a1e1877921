import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { postgresSchema, postgresStore } from '@gatewright/adapters/store/postgres'
import { redisStore } from '@gatewright/adapters/store/redis'
import { memoryStore, sqliteStore, type Store } from '@gatewright/runtime/store'
import { Redis } from 'ioredis'
import pg from 'pg'
import {
  RateLimiterMemory,
  RateLimiterPostgres,
  RateLimiterRedis,
  RateLimiterUnion,
} from 'rate-limiter-flexible'
import type { Subject } from './measure.ts'

const OURS =
  'reserve and settle, by one id, of three limits: a total, a fixed and a sliding window of an hour; all or none'
const THEIRS =
  'take from three fixed windows of an hour, each by itself; no id, nothing settled, and what was refused stays taken'
const FLOOR =
  'two requests that do nothing, one after the other: what reserving and settling cannot be quicker than here and now'
const MOST = 1_000_000_000
const HOUR_MS = 3_600_000
const TTL_MS = 60_000
/** One sample of what takes microseconds is as many of them. */
const BATCH = 50

const USED = { 'user:alice': 60, 'tenant:acme': 60, 'tool:sendEmail': 60 }

export interface Bench {
  readonly subject: Subject
  readonly batch: number
  readonly unit: 'µs' | 'ms'
  readonly target?: number
  readonly measures: string
  /** Whether it waits for a server: then it is measured again with all cores awake, which the target is for. */
  readonly waits?: true
}

/** What a driver needs, and takes with it when it goes. */
export interface Driver {
  readonly benches: readonly Bench[]
  end(): Promise<void>
}

const call = { signal: new AbortController().signal }

/** The drivers of the store, each beside rate-limiter-flexible on the same server. */
export const DRIVERS: readonly (() => Promise<Driver>)[] = [memory, sqlite, redis, postgres]

async function memory(): Promise<Driver> {
  const union = unionOf((name) => new RateLimiterMemory({ keyPrefix: name, points: MOST, duration: 3600 }))
  return {
    benches: [
      // A store of its own each round: it keeps what it reserved for as long as it could be settled.
      ours('memory', () => memoryStore({ now: () => new Date() }), { unit: 'µs', target: 3, batch: BATCH }),
      { subject: theirs('memory', union), batch: 1, unit: 'µs', measures: THEIRS },
    ],
    end: async () => {},
  }
}

async function sqlite(): Promise<Driver> {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bench-'))
  const store = sqliteStore({ path: join(folder, 'store.db') })
  return {
    benches: [ours('SQLite', () => store, { unit: 'µs', target: 100, batch: 1 })],
    async end() {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}

async function redis(): Promise<Driver> {
  const client = new Redis({ host: '127.0.0.1', lazyConnect: true, retryStrategy: () => null })
  client.on('error', () => {})
  await client.connect()
  const prefix = `gatewright-bench-${randomUUID()}`
  const store = redisStore({ client, prefix })
  const nothing = (await client.script('LOAD', 'return 1')) as string
  const union = unionOf(
    (name) =>
      new RateLimiterRedis({
        storeClient: client,
        keyPrefix: `${prefix}-${name}`,
        points: MOST,
        duration: 3600,
      }),
  )
  return {
    benches: [
      ours('Redis', () => store, { unit: 'ms', target: 0.3, batch: 1, waits: true }),
      { subject: theirs('Redis', union), batch: 1, unit: 'ms', measures: THEIRS, waits: true },
      {
        subject: twice('Redis, two round trips', () => client.evalsha(nothing, 0)),
        batch: 1,
        unit: 'ms',
        measures: FLOOR,
        waits: true,
      },
    ],
    async end() {
      for await (const keys of client.scanStream({ match: `${prefix}*`, count: 1000 }))
        if ((keys as string[]).length > 0) await client.del(keys as string[])
      client.disconnect()
    },
  }
}

async function postgres(): Promise<Driver> {
  const [user, database] = [process.env['PGUSER'] ?? 'postgres', process.env['PGDATABASE'] ?? 'postgres']
  const at = { host: process.env['PGHOST'] ?? '127.0.0.1', user, database, max: 5 }
  const pool = new pg.Pool(at)
  const unsynced = new pg.Pool({ ...at, options: '-c synchronous_commit=off' })
  const schema = `gatewright_bench_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  await pool.query(postgresSchema(schema))
  await pool.query(
    `create table ${schema}.rate_limiter (key varchar(255) primary key, points integer not null default 0, expire bigint);
     create table ${schema}.one (n integer); insert into ${schema}.one values (0)`,
  )
  const union = (of: pg.Pool): RateLimiterUnion =>
    unionOf(
      (name) =>
        new RateLimiterPostgres({
          storeClient: of,
          storeType: 'pool',
          schemaName: schema,
          tableName: 'rate_limiter',
          tableCreated: true,
          clearExpiredByTimeout: false,
          keyPrefix: name,
          points: MOST,
          duration: 3600,
        }),
    )
  const nothing = { name: 'nothing', text: 'select 1' }
  const commit = { name: 'commit', text: `update ${schema}.one set n = n + 1` }
  const [store, quick] = [postgresStore({ pool, schema }), postgresStore({ pool: unsynced, schema })]
  const [synced, off] = ['PostgreSQL', 'PostgreSQL, synchronous_commit off']
  return {
    benches: [
      // How long a commit waits is the disk's affair, so the target is for what is left without that wait.
      ours(off, () => quick, { unit: 'ms', target: 0.6, batch: 1, waits: true }),
      { subject: theirs(off, union(unsynced)), batch: 1, unit: 'ms', measures: THEIRS, waits: true },
      {
        subject: twice('PostgreSQL, two round trips', () => unsynced.query(nothing)),
        batch: 1,
        unit: 'ms',
        measures: FLOOR,
        waits: true,
      },
      ours(synced, () => store, { unit: 'ms', batch: 1 }),
      { subject: theirs(synced, union(pool)), batch: 1, unit: 'ms', measures: THEIRS },
      {
        subject: { name: `${synced}, one commit`, round: () => ({ sample: () => pool.query(commit) }) },
        batch: 1,
        unit: 'ms',
        measures: 'one update of one row, and the wait for the disk that any commit has on this machine',
      },
    ],
    async end() {
      await pool.query(`drop schema ${schema} cascade`)
      await unsynced.end()
      await pool.end()
    },
  }
}

function ours(
  name: string,
  open: () => Store,
  as: Pick<Bench, 'unit' | 'target' | 'batch' | 'waits'>,
): Bench {
  let ids = 0
  const taken = [
    { key: 'user:alice', limit: MOST, amount: 100 },
    { key: 'tenant:acme', limit: MOST, amount: 100, windowMs: HOUR_MS },
    { key: 'tool:sendEmail', limit: MOST, amount: 100, windowMs: HOUR_MS, sliding: true },
  ]
  return {
    ...as,
    measures: OURS,
    subject: {
      name: `${name}, ours`,
      round() {
        const store = open()
        const once = (): unknown => {
          ids += 1
          const id = `call-${ids}`
          const answer = store.reserve(id, taken, TTL_MS, call)
          if (!('then' in answer)) return store.settle(id, USED, call)
          return settled(store, id, answer)
        }
        return {
          sample() {
            for (let i = 1; i < as.batch; i += 1) once()
            return once()
          },
        }
      },
    },
  }
}

async function settled(store: Store, id: string, answer: PromiseLike<{ ok: boolean }>): Promise<void> {
  if (!(await answer).ok) throw new Error('The limits of the benchmark are used up.')
  await store.settle(id, USED, call)
}

function theirs(name: string, union: RateLimiterUnion): Subject {
  return {
    name: `${name}, rate-limiter-flexible`,
    round: () => ({ sample: () => union.consume('alice', 1) }),
  }
}

function twice(name: string, ask: () => Promise<unknown>): Subject {
  const sample = async (): Promise<void> => {
    await ask()
    await ask()
  }
  return { name, round: () => ({ sample }) }
}

type Limiter = RateLimiterMemory | RateLimiterRedis | RateLimiterPostgres

function unionOf(limiter: (name: string) => Limiter): RateLimiterUnion {
  return new RateLimiterUnion(...['user', 'tenant', 'tool'].map(limiter))
}
