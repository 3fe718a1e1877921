import { randomUUID } from 'node:crypto'
import {
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
  type StoreRecord,
  storeText,
  totalName,
  usedOf,
} from '@gatewright/runtime/store'
import { type RedisClient, send, subscribe } from './redis/client.ts'
import * as scripts from './redis/scripts.ts'
import { createWatchers } from './watchers.ts'

export type { RedisClient } from './redis/client.ts'

export interface RedisStoreOptions {
  /** Of ioredis or node-redis, connected. Best with no offline queue: what waits there is done after its caller was refused. */
  readonly client: RedisClient
  /** What all keys begin with. Default `gatewright`. */
  readonly prefix?: string
  /** Whose state this is, where one server serves several: nothing is shared between two. Default: one for all. */
  readonly tenant?: string
  /** How long to wait for an answer, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number
}

const MARK_KEPT_MS = 7 * 24 * 3_600_000
const READ_AT_ONCE = 1000

/**
 * State in Redis 7 or Valkey, shared by all processes that use the same prefix and tenant.
 *
 * One Lua script for each operation; all keys have one hash tag, so that a reservation is atomic in a cluster too.
 * How much survives the end of the *server* is its own setting: turn on `appendonly`. A failover can lose the last
 * writes; every client that saw them notices by the epoch, and refuses. A server that evicts keys is refused, since
 * it would hand out quotas again.
 */
export function redisStore(options: RedisStoreOptions): Store {
  const { client, prefix = 'gatewright', tenant = '', timeoutMs = STORE_TIMEOUT_MS } = options
  if (/[{}]/.test(storeKey(prefix))) throw new ConfigError('store.prefix', prefix, 'a name with no braces')
  // The version stands in every key but this one, so that every version finds it and says so.
  const meta = `${prefix}:{tenant=${encodeURIComponent(tenant)}}:meta`
  const changes = `${meta.slice(0, -'meta'.length)}${STORE_SCHEMA}:changes`
  const me = randomUUID()
  const past = createPast()
  const watchers = createWatchers(async (signal) =>
    subscribe(client, changes, { onMessage: watchers.changed, onGap: watchers.gap }, signal),
  )
  let opening: Promise<unknown> | undefined

  async function evaluate(script: scripts.Script, args: readonly string[]): Promise<string[]> {
    const given = ['1', meta, String(STORE_SCHEMA), ...args]
    try {
      return (await send(client, 'EVALSHA', [script.sha, ...given])) as string[]
    } catch (error) {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return (await send(client, 'EVAL', [script.lua, ...given])) as string[]
    }
  }

  async function run(script: scripts.Script, epoch: number, args: readonly string[]): Promise<string[]> {
    const answer = await evaluate(script, [String(epoch), ...args])
    const [outcome] = answer
    if (outcome === 'forgot') throw past.lost()
    if (outcome === 'schema') checkSchema(Number(answer[1]))
    return answer
  }

  async function raise(afresh: boolean): Promise<number> {
    const [least, mark] = afresh ? [0, 0] : [past.epoch, past.mark]
    const [, epoch] = await run(scripts.EPOCH, least, [me, String(mark), String(MARK_KEPT_MS)])
    if (afresh) past.afresh()
    past.marked(Number(epoch))
    return Number(epoch)
  }

  async function open(): Promise<void> {
    await refuseEviction(client)
    await raise(false)
  }

  async function opened(): Promise<void> {
    opening ??= open()
    try {
      await opening
    } catch (error) {
      opening = undefined
      throw error
    }
  }

  async function does<T>(
    script: scripts.Script,
    args: readonly string[],
    { signal }: StoreCall,
    read: (answer: string[]) => T,
  ): Promise<T> {
    const work = async (): Promise<string[]> => {
      past.check()
      if (past.epoch === 0) await opened()
      return run(script, past.epoch, args)
    }
    return read(await answerOf(work, { signal, timeoutMs }))
  }

  return {
    name: 'redis',
    supports: { durable: true, shared: true, push: true },

    async reserve(id, limits, ttlMs, call) {
      if (!(ttlMs > 0 && Number.isFinite(ttlMs)))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const ttl = Math.ceil(ttlMs)
      const args = [storeKey(id), String(ttl), String(ttl + HOLD_KEPT_MS)]
      for (const { name, key, limit, amount, bucketMs, spanMs } of accountsOf(limits))
        args.push(name, key, String(limit), String(amount), String(bucketMs), String(spanMs))
      return does(scripts.RESERVE, args, call, ([outcome, key = '', wait]) => {
        if (outcome === 'ok') return { ok: true }
        const retryAfterMs = Number(wait)
        return { ok: false, key, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) }
      })
    },
    async settle(id, actual, call) {
      const used = Object.entries(usedOf(actual)).flatMap(([key, amount]) => [key, String(amount)])
      return does(scripts.SETTLE, [storeKey(id), ...used], call, () => {})
    },
    release: async (id, call) => does(scripts.RELEASE, [storeKey(id)], call, () => {}),
    forget: async (keys, call) =>
      does(
        scripts.FORGET,
        keys.map((key) => totalName(storeKey(key))),
        call,
        () => {},
      ),

    get: async (key, call) =>
      does(scripts.GET, [storeKey(key)], call, ([outcome, value = '', version]) =>
        outcome === 'ok' ? { key, value, version: Number(version) } : undefined,
      ),
    list: async (of, call) => {
      const range = of === '' ? ['-', '+'] : [`[${of}`, `(${prefixEnd(of)}`]
      return does(scripts.LIST, range, call, ([, ...flat]) => recordsOf(flat))
    },
    async compareAndSet(key, expected, value, { ttlMs, ...call }) {
      if (ttlMs !== undefined && !(ttlMs > 0))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const ttl = ttlMs === undefined || ttlMs === Infinity ? '' : String(Math.ceil(ttlMs))
      const args = [
        storeKey(key),
        String(expected),
        value === undefined ? 'delete' : 'set',
        storeText(value ?? ''),
        ttl,
      ]
      return does(scripts.COMPARE_AND_SET, args, call, ([outcome, version]) =>
        outcome === 'ok' ? Number(version) : undefined,
      )
    },
    consume: async (key, call) =>
      does(scripts.CONSUME, [storeKey(key)], call, ([outcome, value]) =>
        outcome === 'ok' ? value : undefined,
      ),

    append: async (log, entry, call) =>
      does(scripts.APPEND, [storeKey(log), storeText(entry)], call, ([, seq]) => Number(seq)),
    read: async (log, after, call) =>
      does(
        scripts.READ,
        [storeKey(log), String(after), String(READ_AT_ONCE)],
        call,
        ([, first, ...entries]) => entries.map((entry, i) => ({ seq: Number(first) + i, entry })),
      ),
    trim: async (log, before, call) => does(scripts.TRIM, [storeKey(log), String(before)], call, () => {}),

    watch: async (of, listener, { signal }) =>
      answerOf(async (cut) => watchers.add(of, listener, cut), { signal, timeoutMs }),

    epoch: async ({ afresh = false, signal }) => {
      const work = async (): Promise<number> => {
        if (!afresh) past.check()
        if (past.epoch === 0) await refuseEviction(client)
        return raise(afresh)
      }
      return answerOf(work, { signal, timeoutMs })
    },
    close: () => watchers.close(),
  }
}

function recordsOf(flat: readonly string[]): readonly StoreRecord[] {
  return Array.from({ length: flat.length / 3 }, (_, i) => ({
    key: flat[3 * i] ?? '',
    value: flat[3 * i + 1] ?? '',
    version: Number(flat[3 * i + 2]),
  }))
}

async function refuseEviction(client: RedisClient): Promise<void> {
  const info = String(await send(client, 'INFO', ['memory']))
  const most = /^maxmemory:(\d+)/m.exec(info)?.[1] ?? '0'
  const policy = /^maxmemory_policy:(\S+)/m.exec(info)?.[1] ?? 'noeviction'
  if (most !== '0' && policy !== 'noeviction')
    throw new ConfigError('store.redis.maxmemory-policy', policy, 'noeviction, or no maxmemory')
}
