import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { asUnavailable, STORE_TIMEOUT_MS } from './answer.ts'
import { createPast } from './epoch.ts'
import { storeKey, storeText } from './key.ts'
import * as accounts from './sqlite/accounts.ts'
import { raiseEpoch } from './sqlite/epoch.ts'
import { isBusy, openSqlite } from './sqlite/open.ts'
import * as records from './sqlite/records.ts'
import { pollRecords } from './sqlite/watch.ts'
import type { Store, StoreCall } from './store.ts'

export interface SqliteStoreOptions {
  /** The database file, on a local disk: made where there is none, with two files beside it while in use. */
  readonly path: string
  /** Whose state this is, where one file serves several: nothing is shared between two. Default: one for all. */
  readonly tenant?: string
  /** How long to wait for other processes, in milliseconds. Default 2,000. */
  readonly timeoutMs?: number
  /**
   * What survives. `normal`, the default: everything survives the end of the process, `kill -9` included; a power
   * cut may take the last moments, which every process that saw them notices. `full` waits for the disk each time.
   */
  readonly synchronous?: 'normal' | 'full'
  /** How often a watch looks, in milliseconds. Default 50. */
  readonly pollMs?: number
  /** Default: the clock of the machine, which all processes on it share. */
  readonly now?: () => Date
}

const PRUNE_EVERY = 64
const LONGEST_PAUSE_MS = 16

/**
 * State in a file of SQLite: survives restarts, and is safe for several processes on one machine.
 *
 * Not for network file systems, whose locks do not hold (https://sqlite.org/wal.html).
 *
 * @throws {ConfigError} If the file has another schema; says what to do.
 * @throws {UnavailableError} `ERR_STORE_UNAVAILABLE`, if the file cannot be opened.
 */
export function sqliteStore(options: SqliteStoreOptions): Store {
  const { path, tenant = '', synchronous = 'normal', pollMs = 50, now = () => new Date() } = options
  const { timeoutMs = STORE_TIMEOUT_MS } = options
  const client = randomUUID()
  const past = createPast()
  const watches = new Set<Disposable>()
  let file = opened()
  let latest = Number.NEGATIVE_INFINITY
  let writes = 0

  function opened(): ReturnType<typeof openSqlite> {
    try {
      const made = openSqlite(path, synchronous)
      made.statement('insert or ignore into meta (tenant, epoch, version) values (?, 0, 0)').run(tenant)
      return made
    } catch (error) {
      throw asUnavailable(error)
    }
  }

  function within(): accounts.Within {
    past.check()
    const row = file.statement('select epoch, version from meta where tenant = ?').get(tenant)
    if (row === undefined || Number(row['epoch']) < past.epoch) throw past.lost()
    latest = Math.max(latest, now().getTime())
    return { file, tenant, at: latest, version: Number(row['version']) }
  }

  function transacted<T>(body: (within: accounts.Within) => T): T {
    file.statement('begin immediate').run()
    try {
      const at = within()
      const made = body(at)
      writes += 1
      if (writes % PRUNE_EVERY === 0) accounts.prune(at)
      file.statement('commit').run()
      return made
    } catch (error) {
      // On a full disk SQLite has rolled back by itself.
      if (file.db.isTransaction) file.statement('rollback').run()
      throw error
    }
  }

  async function patiently<T>({ signal }: StoreCall, work: () => T): Promise<T> {
    for (let waited = 0, pause = 1; ;) {
      signal.throwIfAborted()
      try {
        return work()
      } catch (error) {
        if (!isBusy(error) || waited >= timeoutMs) throw asUnavailable(error)
      }
      const before = performance.now()
      await sleep(pause)
      waited += performance.now() - before
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS)
    }
  }

  async function write<T>(call: StoreCall, body: (within: accounts.Within) => T): Promise<T> {
    return patiently(call, () => transacted(body))
  }

  async function look<T>(call: StoreCall, body: (within: accounts.Within) => T): Promise<T> {
    return patiently(call, () => body(within()))
  }

  return {
    name: 'sqlite',
    supports: { durable: true, shared: true },
    reserve: async (id, limits, ttlMs, call) =>
      write(call, (at) => accounts.reserve(at, storeKey(id), limits, ttlMs)),
    settle: async (id, actual, call) => write(call, (at) => accounts.settle(at, id, actual)),
    release: async (id, call) => write(call, (at) => accounts.release(at, id)),
    forget: async (keys, call) => write(call, (at) => accounts.forget(at, keys)),

    get: async (key, call) => look(call, (at) => records.get(at, storeKey(key))),
    list: async (prefix, call) => look(call, (at) => records.list(at, prefix)),
    async compareAndSet(key, expected, value, { ttlMs, ...call }) {
      if (ttlMs !== undefined && !(ttlMs > 0))
        throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      if (value !== undefined) storeText(value)
      return write(call, (at) => records.compareAndSet(at, storeKey(key), expected, value, ttlMs))
    },
    consume: async (key, call) => write(call, (at) => records.consume(at, storeKey(key))),
    append: async (log, entry, call) =>
      write(call, (at) => records.append(at, storeKey(log), storeText(entry))),
    read: async (log, after, call) => look(call, (at) => records.read(at, storeKey(log), after)),
    trim: async (log, before, call) => write(call, (at) => records.trim(at, storeKey(log), before)),

    async watch(prefix, listener, call) {
      await look(call, () => {})
      const watch = pollRecords({ path, synchronous, tenant, prefix, pollMs, now }, listener)
      const stop = (): void => {
        watches.delete(watch)
        watch[Symbol.dispose]()
      }
      watches.add(watch)
      call.signal.addEventListener('abort', stop, { once: true })
      return {
        [Symbol.dispose]() {
          call.signal.removeEventListener('abort', stop)
          stop()
        },
      }
    },

    async epoch({ afresh = false, ...call }) {
      return patiently(call, () => {
        if (afresh) {
          const fresh = opened()
          file.close()
          file = fresh
          past.afresh()
        }
        // A file that was moved away or replaced is written to by nobody but us.
        if (!file.isInPlace()) throw past.lost()
        const epoch = transacted((at) => raiseEpoch(at, client, past.mark))
        if (epoch === undefined) throw past.lost()
        past.marked(epoch)
        return epoch
      })
    },

    close() {
      for (const watch of watches) watch[Symbol.dispose]()
      watches.clear()
      file.close()
    },
  }
}
