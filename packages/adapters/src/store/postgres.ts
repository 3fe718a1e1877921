import { randomUUID } from 'node:crypto'
import {
  type Account,
  accountsOf,
  answerOf,
  checkSchema,
  ConfigError,
  createPast,
  HOLD_KEPT_MS,
  prefixEnd,
  type Store,
  STORE_SCHEMA,
  STORE_TIMEOUT_MS,
  type StoreCall,
  storeKey,
  storeText,
  totalName,
  usedOf,
} from '@gatewright/runtime/store'
import { listen, type PostgresPool } from './postgres/client.ts'
import { channelOf, schemaName } from './postgres/schema.ts'
import { createWatchers } from './watchers.ts'

export type { PostgresConnection, PostgresPool, PostgresQuery } from './postgres/client.ts'
export { postgresSchema } from './postgres/schema.ts'

export interface PostgresStoreOptions {
  /** A pool of `pg`. A watch takes one of its connections for good. */
  readonly pool: PostgresPool
  /** The schema that `postgresSchema` has laid out. Default `gatewright`. */
  readonly schema?: string
  /** Whose state this is, where one schema serves several: nothing is shared between two. Default: one for all. */
  readonly tenant?: string
  /** How long to wait for an answer, in milliseconds. Default 2,000. Set a `statement_timeout` of about as much. */
  readonly timeoutMs?: number
}

const MARK_KEPT_MS = 7 * 24 * 3_600_000
const READ_AT_ONCE = 1000
const PRUNE_EVERY = 256
const MOST_FULL = 1000
/** Functions whose answer is one text: quicker than a row. */
const TEXTS: ReadonlySet<string> = new Set(['reserve', 'close', 'trim'])

type Row = Record<string, unknown>

/**
 * State in PostgreSQL 15 or later, shared by all processes that use the same schema and tenant.
 *
 * One function call for each operation, in a transaction of its own. With the server's `synchronous_commit` on, a
 * reservation waits for the disk; a settling does so only if it charges more than was reserved. With it off (say
 * `options: '-c synchronous_commit=off'` to the pool) a crash of the server can lose what was taken in the last
 * moments before it. Changes travel by `LISTEN`, which needs a pool that keeps its sessions: not a pooler in transaction mode.
 * Lay out the schema first, with the SQL of `postgresSchema`.
 */
export function postgresStore(options: PostgresStoreOptions): Store {
  const { pool, schema = 'gatewright', tenant = '', timeoutMs = STORE_TIMEOUT_MS } = options
  const s = schemaName(schema)
  const channel = channelOf(schema)
  const me = randomUUID()
  const past = createPast()
  const watchers = createWatchers(async (signal) =>
    listen(pool, channel, { onMessage: heard, onGap: watchers.gap }, signal),
  )
  let opening: Promise<unknown> | undefined
  // Accounts that lately had no room: where a refusal is likely it is looked for first, without locks.
  const full = new Set<string>()
  let writes = 0

  function heard(message: string): void {
    const [whose, key] = JSON.parse(message) as [string, string]
    if (whose === tenant) watchers.changed(key)
  }

  async function run(name: string, epoch: number, args: readonly unknown[]): Promise<readonly Row[]> {
    const values = [tenant, STORE_SCHEMA, epoch, ...args]
    const called = `${s}.${name}(${values.map((_, i) => `$${i + 1}`).join(', ')})`
    const text = TEXTS.has(name) ? `select ${called} as outcome` : `select * from ${called}`
    const answer = await asked(text, values, `${s}.${name}`)
    const outcome = String(answer.rows[0]?.['outcome'] ?? '')
    if (outcome === 'forgot') throw past.lost()
    if (outcome.startsWith('schema ')) checkSchema(Number(outcome.slice('schema '.length)))
    return answer.rows
  }

  async function asked(text: string, values: unknown[], name: string): ReturnType<PostgresPool['query']> {
    try {
      return await pool.query({ text, values, name })
    } catch (error) {
      // No such schema, table or function.
      if (['3F000', '42P01', '42883'].includes(String((error as { code?: unknown }).code)))
        throw new ConfigError(
          'store.schema',
          schema,
          'a schema that the SQL of postgresSchema() has laid out',
        )
      throw error
    }
  }

  async function raise(afresh: boolean): Promise<number> {
    const [least, mark] = afresh ? [0, 0] : [past.epoch, past.mark]
    const [raised] = await run('raise_epoch', least, [me, mark, MARK_KEPT_MS])
    if (afresh) past.afresh()
    past.marked(Number(raised?.['number']))
    return Number(raised?.['number'])
  }

  async function opened(): Promise<void> {
    opening ??= raise(false)
    try {
      await opening
    } catch (error) {
      opening = undefined
      throw error
    }
  }

  async function rows(
    name: string,
    args: readonly unknown[],
    { signal }: StoreCall,
  ): Promise<readonly Row[]> {
    const work = async (): Promise<readonly Row[]> => {
      past.check()
      if (past.epoch === 0) await opened()
      return run(name, past.epoch, args)
    }
    return answerOf(work, { signal, timeoutMs })
  }

  async function row(name: string, args: readonly unknown[], call: StoreCall): Promise<Row> {
    const [only = {}] = await rows(name, args, call)
    return only
  }

  async function outcomeOf(name: string, args: readonly unknown[], call: StoreCall): Promise<string> {
    return String((await row(name, args, call))['outcome'])
  }

  function prune(): void {
    writes += 1
    // Whatever fails here will fail, and be told, in the next call as well.
    if (writes % PRUNE_EVERY === 0) pool.query({ text: `select ${s}.prune()`, values: [] }).catch(() => {})
  }

  return {
    name: 'postgres',
    supports: { durable: true, shared: true, push: true },

    async reserve(id, limits, ttlMs, call) {
      if (!(ttlMs > 0 && Number.isFinite(ttlMs)))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const accounts = accountsOf(limits)
      // All lock them in the same order, in which no two wait for each other.
      const places = accounts.map((account, place) => ({ account, place })).toSorted(byName)
      const isDoubtful = accounts.some(({ name }) => full.has(name))
      const given = [
        storeKey(id),
        ttlMs,
        HOLD_KEPT_MS,
        isDoubtful,
        places.map(({ account }) => account.name),
        places.map(({ account }) => account.key),
        places.flatMap(({ account: { limit, amount, bucketMs, spanMs }, place }) => [
          limit,
          amount,
          bucketMs,
          spanMs,
          place,
        ]),
      ]
      const answer = await outcomeOf('reserve', given, call)
      prune()
      if (answer === 'ok') {
        if (isDoubtful) for (const { name } of accounts) full.delete(name)
        return { ok: true }
      }
      const [, place, wait] = answer.split(' ').map(Number)
      const refused = accounts[place ?? -1]
      if (refused === undefined || wait === undefined)
        throw new Error('The store gave an answer that makes no sense.')
      if (full.size >= MOST_FULL) full.clear()
      full.add(refused.name)
      return { ok: false, key: refused.key, ...(wait > 0 ? { retryAfterMs: wait } : {}) }
    },
    async settle(id, actual, call) {
      await outcomeOf('close', [storeKey(id), JSON.stringify(usedOf(actual)), false], call)
    },
    async release(id, call) {
      await outcomeOf('close', [storeKey(id), '{}', true], call)
    },
    async forget(keys, call) {
      await row('forget', [keys.map((key) => totalName(storeKey(key)))], call)
    },

    async get(key, call) {
      const { outcome, value, number } = await row('get', [storeKey(key)], call)
      return outcome === 'ok' ? { key, value: String(value), version: Number(number) } : undefined
    },
    async list(prefix, call) {
      const found = await rows('list', [prefix, prefixEnd(prefix)], call)
      return found.map(({ key, value, number }) => ({
        key: String(key),
        value: String(value),
        version: Number(number),
      }))
    },
    async compareAndSet(key, expected, value, { ttlMs, ...call }) {
      if (ttlMs !== undefined && !(ttlMs > 0))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const text = value === undefined ? null : storeText(value)
      const ttl = ttlMs === undefined || ttlMs === Infinity ? null : ttlMs
      const { outcome, number } = await row('compare_and_set', [storeKey(key), expected, text, ttl], call)
      prune()
      return outcome === 'ok' ? Number(number) : undefined
    },
    async consume(key, call) {
      const { outcome, value } = await row('consume', [storeKey(key)], call)
      return outcome === 'ok' ? String(value) : undefined
    },

    async append(log, entry, call) {
      const { number } = await row('append', [storeKey(log), storeText(entry)], call)
      return Number(number)
    },
    async read(log, after, call) {
      const found = await rows('read', [storeKey(log), after, READ_AT_ONCE], call)
      return found.map(({ number, value }) => ({ seq: Number(number), entry: String(value) }))
    },
    async trim(log, before, call) {
      await outcomeOf('trim', [storeKey(log), before], call)
    },

    watch: async (prefix, listener, { signal }) =>
      answerOf(async (cut) => watchers.add(prefix, listener, cut), { signal, timeoutMs }),

    epoch: async ({ afresh = false, signal }) => {
      const work = async (): Promise<number> => {
        if (!afresh) past.check()
        return raise(afresh)
      }
      return answerOf(work, { signal, timeoutMs })
    },
    close: () => watchers.close(),
  }
}

interface Placed {
  readonly account: Account
  /** As given: the first one with no room is named in a refusal. */
  readonly place: number
}

function byName({ account: { name: a } }: Placed, { account: { name: b } }: Placed): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
