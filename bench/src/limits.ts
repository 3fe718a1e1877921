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
import { type Benchmark, type Case, caseOf } from './case.ts'
import { measure, type Subject } from './measure.ts'

const OURS =
  'reserve and settle, by one id, of three limits: a total, a fixed and a sliding window of an hour; all or none'
const THEIRS =
  'take from three fixed windows of an hour, each by itself; no id, nothing settled, and what was refused stays taken'
const FLOOR =
  'two requests that do nothing, one after the other: what reserving and settling cannot be quicker than here and now'
const MOST = 1_000_000_000
const HOUR_MS = 3_600_000
const TTL_MS = 60_000
const EFFORT = { rounds: 12, samples: 150, warmUp: 3 }
/** One sample of what takes microseconds is as many of them. */
const BATCH = 50

const USED = { 'user:alice': 60, 'tenant:acme': 60, 'tool:sendEmail': 60 }

interface Bench {
  readonly subject: Subject
  readonly batch: number
  readonly unit: 'µs' | 'ms'
  readonly target?: number
  readonly measures: string
}

/** What a driver needs, and takes with it when it goes. */
interface Driver {
  readonly benches: readonly Bench[]
  end(): Promise<void>
}

const call = { signal: new AbortController().signal }

/** Three limits taken and settled, by each driver of the store, beside rate-limiter-flexible on the same servers. */
export const limits: Benchmark = {
  name: 'limits',
  about: 'reserve and settle three limits, by each driver of the store',
  async run(): Promise<readonly Case[]> {
    const drivers = [memory, sqlite, redis, postgres]
    const opened = await Promise.all(drivers.map(async (driver) => ({ driver, at: await orMissing(driver) })))
    try {
      const cases: Case[] = []
      for (const { driver, at } of opened) {
        if (typeof at === 'string') {
          cases.push(caseOf({ name: driver.name, unit: 'ms', p50: Number.NaN, missing: at }))
          continue
        }
        const times = await measure(
          at.benches.map(({ subject }) => subject),
          EFFORT,
        )
        for (const { subject, batch, unit, target, measures } of at.benches) {
          const time = times.get(subject.name) ?? { p50: Number.NaN, p99: Number.NaN }
          const scale = (unit === 'µs' ? 1000 : 1) / batch
          const figures = { p50: time.p50 * scale, p99: time.p99 * scale }
          cases.push(
            caseOf({
              name: subject.name,
              unit,
              ...figures,
              measures,
              ...(target === undefined ? {} : { target }),
            }),
          )
        }
      }
      return [...cases, ...(await overspend())]
    } finally {
      for (const { at } of opened) if (typeof at !== 'string') await at.end()
    }
  },
}

async function orMissing(open: () => Promise<Driver>): Promise<Driver | string> {
  try {
    return await open()
  } catch (error) {
    return `its server is not there: ${error instanceof Error ? error.message || error.name : String(error)}`
  }
}

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
      ours('Redis', () => store, { unit: 'ms', target: 0.3, batch: 1 }),
      { subject: theirs('Redis', union), batch: 1, unit: 'ms', measures: THEIRS },
      {
        subject: twice('Redis, two round trips', () => client.evalsha(nothing, 0)),
        batch: 1,
        unit: 'ms',
        measures: FLOOR,
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
      ours(off, () => quick, { unit: 'ms', target: 0.6, batch: 1 }),
      { subject: theirs(off, union(unsynced)), batch: 1, unit: 'ms', measures: THEIRS },
      {
        subject: twice('PostgreSQL, two round trips', () => unsynced.query(nothing)),
        batch: 1,
        unit: 'ms',
        measures: FLOOR,
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

function ours(name: string, open: () => Store, as: Pick<Bench, 'unit' | 'target' | 'batch'>): Bench {
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

const TRIES = 30
const NARROW = 10

/** 30 calls under a limit of 10 and one of 1,000: what is taken of the wider one for each call that got through. */
async function overspend(): Promise<readonly Case[]> {
  const store = memoryStore({ now: () => new Date() })
  const both = [
    { key: 'narrow', limit: NARROW, amount: 1 },
    { key: 'wide', limit: 1000, amount: 1 },
  ]
  let granted = 0
  for (let i = 0; i < TRIES; i += 1) granted += (await store.reserve(`${i}`, both, TTL_MS, call)).ok ? 1 : 0
  let left = 0
  while ((await store.reserve(`left-${left}`, [{ key: 'wide', limit: 1000, amount: 1 }], TTL_MS, call)).ok)
    left += 1

  const wide = new RateLimiterMemory({ keyPrefix: 'wide', points: 1000, duration: 3600 })
  const union = new RateLimiterUnion(
    new RateLimiterMemory({ keyPrefix: 'narrow', points: NARROW, duration: 3600 }),
    wide,
  )
  let theirsGranted = 0
  for (let i = 0; i < TRIES; i += 1) {
    try {
      await union.consume('alice', 1)
      theirsGranted += 1
    } catch {
      // Refused; what it took is what is counted below.
    }
  }
  const consumed = (await wide.get('alice'))?.consumedPoints ?? Number.NaN
  const measures =
    'what 30 calls under limits of 10 and 1,000 took of the wider one, for each call that got through'
  return [
    caseOf({
      name: 'taken for each call, ours',
      unit: 'times',
      p50: (1000 - left) / granted,
      target: 1,
      measures,
    }),
    caseOf({
      name: 'taken for each call, rate-limiter-flexible',
      unit: 'times',
      p50: consumed / theirsGranted,
      measures,
    }),
  ]
}
