import { UnavailableError } from '../errors.ts'
import {
  type Account,
  accountsOf,
  bucketStart,
  chargeOf,
  HOLD_KEPT_MS,
  roomAfter,
  totalName,
} from './account.ts'
import { storeKey, storeText } from './key.ts'
import type { Store, StoreEntry, StoreRecord } from './store.ts'
import { told } from './told.ts'

export interface MemoryStoreOptions {
  readonly now: () => Date
  /** Most accounts, holds and records, of each, that are kept; beyond it new ones are refused. Default 100,000. */
  readonly capacity?: number
}

interface Buckets {
  /** Amounts by where their bucket starts. */
  readonly used: Map<number, number>
  readonly spanMs: number
  /** When nothing in it counts any more; never for a total. */
  ends: number
}

interface Hold {
  readonly taken: readonly {
    readonly key: string
    readonly amount: number
    readonly from: Buckets
    readonly start: number
  }[]
  readonly deadline: number
  isOpen: boolean
  /** When the whole entry may go. */
  ends: number
}

interface Kept extends StoreRecord {
  readonly ends: number
}

const READ_AT_ONCE = 1000

/**
 * State in this process's memory: not shared with other processes, and forgotten by a restart.
 *
 * A clock that goes back does not reopen a window.
 */
export function memoryStore({ now, capacity = 100_000 }: MemoryStoreOptions): Store {
  const accounts = new Map<string, Buckets>()
  const holds = new Map<string, Hold>()
  const records = new Map<string, Kept>()
  const logs = new Map<string, { entries: string[]; dropped: number }>()
  const watchers = new Set<(key: string) => void>()
  let latest = Number.NEGATIVE_INFINITY
  let version = 0
  let epoch = 0

  function time(): number {
    latest = Math.max(latest, now().getTime())
    return latest
  }

  function bucketsOf({ name, spanMs }: Account, at: number): Buckets {
    const known = accounts.get(name)
    if (known !== undefined) return known
    makeRoom(accounts, capacity, at)
    const made = { used: new Map<number, number>(), spanMs, ends: spanMs === 0 ? Infinity : at }
    accounts.set(name, made)
    return made
  }

  function live(key: string): Kept | undefined {
    const record = records.get(key)
    return record !== undefined && record.ends > time() ? record : undefined
  }

  function write(record: Kept | undefined, key: string): void {
    if (record === undefined) records.delete(key)
    else {
      if (!records.has(key)) makeRoom(records, capacity, latest)
      records.set(key, record)
    }
    for (const tell of watchers) tell(key)
  }

  return {
    name: 'memory',
    supports: { push: true },

    reserve(id, limits, ttlMs, { signal }) {
      signal.throwIfAborted()
      storeKey(id)
      const at = time()
      const held = holds.get(id)
      if (held !== undefined && held.ends > at) return { ok: true }
      if (!(ttlMs > 0 && Number.isFinite(ttlMs)))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const taken = []
      for (const account of accountsOf(limits)) {
        const from = bucketsOf(account, at)
        const used = usedNow(from, at)
        if (used + account.amount > account.limit) {
          const retryAfterMs = roomAfter(account, from.used, at)
          return { ok: false, key: account.key, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) }
        }
        taken.push({ key: account.key, amount: account.amount, from, start: bucketStart(account, at) })
      }
      makeRoom(holds, capacity, at)
      for (const { from, start, amount } of taken) {
        from.used.set(start, (from.used.get(start) ?? 0) + amount)
        if (from.spanMs > 0) from.ends = start + from.spanMs
      }
      holds.set(id, { taken, deadline: at + ttlMs, isOpen: true, ends: at + ttlMs + HOLD_KEPT_MS })
      return { ok: true }
    },

    settle(id, actual, { signal }) {
      signal.throwIfAborted()
      const hold = holds.get(id)
      if (!hold?.isOpen) return
      hold.isOpen = false
      // All it is still good for is to answer the same id as before.
      hold.ends = hold.deadline
      const isLate = hold.deadline <= time()
      for (const { key, amount, from, start } of hold.taken) {
        const used = Object.hasOwn(actual, key) ? actual[key] : undefined
        add(from, start, chargeOf(amount, used, isLate) - amount)
      }
    },

    release(id, { signal }) {
      signal.throwIfAborted()
      const hold = holds.get(id)
      if (!hold?.isOpen) return
      if (hold.deadline <= time()) return
      for (const { amount, from, start } of hold.taken) add(from, start, -amount)
      // Nothing happened under this id, so it may reserve again.
      holds.delete(id)
    },

    forget(keys, { signal }) {
      signal.throwIfAborted()
      for (const key of keys) accounts.delete(totalName(key))
    },

    get(key, { signal }) {
      signal.throwIfAborted()
      return shown(live(storeKey(key)))
    },

    list(prefix, { signal }) {
      signal.throwIfAborted()
      const found = [...records.keys()].filter((key) => key.startsWith(prefix)).toSorted(byBytes)
      return found.map((key) => shown(live(key))).filter((record) => record !== undefined)
    },

    compareAndSet(key, expected, value, { signal, ttlMs = Infinity }) {
      signal.throwIfAborted()
      if (!(ttlMs > 0)) throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      if ((live(storeKey(key))?.version ?? 0) !== expected) return undefined
      if (value !== undefined) storeText(value)
      const next = version + 1
      write(value === undefined ? undefined : { key, value, version: next, ends: time() + ttlMs }, key)
      version = next
      return next
    },

    consume(key, { signal }) {
      signal.throwIfAborted()
      const record = live(storeKey(key))
      if (record !== undefined) write(undefined, key)
      return record?.value
    },

    append(log, entry, { signal }) {
      signal.throwIfAborted()
      const known = logs.get(storeKey(log)) ?? { entries: [], dropped: 0 }
      logs.set(log, known)
      return known.dropped + known.entries.push(storeText(entry))
    },

    read(log, after, { signal }) {
      signal.throwIfAborted()
      const { entries, dropped } = logs.get(storeKey(log)) ?? { entries: [], dropped: 0 }
      const from = Math.max(0, after - dropped)
      return entries
        .slice(from, from + READ_AT_ONCE)
        .map((entry, i): StoreEntry => ({ seq: dropped + from + i + 1, entry }))
    },

    trim(log, before, { signal }) {
      signal.throwIfAborted()
      const known = logs.get(storeKey(log))
      if (known === undefined) return
      const gone = Math.min(before - 1 - known.dropped, known.entries.length - 1)
      if (gone <= 0) return
      known.entries.splice(0, gone)
      known.dropped += gone
    },

    async watch(prefix, listener, { signal }) {
      signal.throwIfAborted()
      const tell = (key: string): void => {
        if (key.startsWith(prefix)) told(listener, { kind: 'changed', key })
      }
      watchers.add(tell)
      const stop = (): void => void watchers.delete(tell)
      signal.addEventListener('abort', stop, { once: true })
      return {
        [Symbol.dispose]() {
          stop()
          signal.removeEventListener('abort', stop)
        },
      }
    },

    epoch({ signal }) {
      signal.throwIfAborted()
      epoch += 1
      return epoch
    },

    close() {
      watchers.clear()
    },
  }
}

function usedNow(from: Buckets, at: number): number {
  let sum = 0
  for (const [start, used] of from.used) {
    if (from.spanMs > 0 && start + from.spanMs <= at) from.used.delete(start)
    else sum += used
  }
  return sum
}

// A bucket that has stopped counting is not brought back.
function add(from: Buckets, start: number, amount: number): void {
  const used = from.used.get(start)
  if (used !== undefined) from.used.set(start, used + amount)
}

function shown(record: Kept | undefined): StoreRecord | undefined {
  return record && { key: record.key, value: record.value, version: record.version }
}

function byBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

function makeRoom(table: Map<string, { readonly ends: number }>, capacity: number, at: number): void {
  const first = table.entries().next().value
  if (first && first[1].ends <= at) table.delete(first[0])
  if (table.size < capacity) return
  for (const [key, entry] of table) if (entry.ends <= at) table.delete(key)
  // Dropping what still counts would hand out its quota again, or a decision twice.
  if (table.size >= capacity)
    throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The store could not be reached.')
}
