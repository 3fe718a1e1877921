import { setTimeout as sleep } from 'node:timers/promises'
import { UnavailableError } from '../errors.ts'
import type { Store, StoreCall } from '../store/store.ts'

const LEASES = 'halts/lease/'
/** Records that change whenever the log has grown. */
export const NEWS = 'halts/news/'
const LONGEST_PAUSE_MS = 40

/** The processes that share halts: each keeps a lease in the store, which says how far it has read the log. */
export interface HaltMembers {
  /** Say that this process lives, and has read and enforced the log up to a place. */
  register(seen: number, call: StoreCall): Promise<void>
  /** Tell the others that the log has grown. */
  announce(place: number, call: StoreCall): Promise<void>
  /** Resolves once each other process has confirmed a place in the log, or its lease has run out. */
  confirmed(place: number, call: StoreCall): Promise<{ confirmed: number; ranOut: number }>
  /** Whether a live process has not read the log up to a place. */
  isBehind(place: number, call: StoreCall): Promise<boolean>
  leave(call: StoreCall): Promise<void>
  /** Whether a change is this process's own news. */
  isOwn(key: string): boolean
}

export interface HaltMembersOptions {
  readonly store: Store
  readonly me: string
  readonly leaseMs: number
  readonly elapsed: () => number
}

export function createHaltMembers({ store, me, leaseMs, elapsed }: HaltMembersOptions): HaltMembers {
  const versions = new Map<string, number>()
  const lease = `${LEASES}${me}`
  const news = `${NEWS}${me}`

  async function put(key: string, value: string, { signal }: StoreCall): Promise<void> {
    // Outlasts what it stands for, should the clock of the store run ahead.
    const options = { signal, ttlMs: 2 * leaseMs }
    let version = await store.compareAndSet(key, versions.get(key) ?? 0, value, options)
    if (version === undefined) {
      // It has run out, or an answer was lost. Nobody else writes it.
      const found = await store.get(key, { signal })
      version = await store.compareAndSet(key, found?.version ?? 0, value, options)
    }
    if (version === undefined)
      throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The lease of this process could not be written.')
    versions.set(key, version)
  }

  return {
    register: (seen, call) => put(lease, JSON.stringify({ seen, leaseMs }), call),
    announce: (place, call) => put(news, String(place), call),
    async confirmed(place, { signal }) {
      const from = elapsed()
      const others = new Set<string>()
      const done = new Set<string>()
      let longest = leaseMs
      for (let pause = 1; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
        let open: string[] | undefined
        try {
          const records = (await store.list(LEASES, { signal })).filter(({ key }) => key !== lease)
          open = []
          for (const { key, value } of records) {
            const of = readLease(value)
            others.add(key)
            if (of.seen >= place) done.add(key)
            else open.push(key)
            longest = Math.max(longest, of.leaseMs)
          }
        } catch {
          // Who cannot be heard cannot renew either: its lease runs out.
          signal.throwIfAborted()
        }
        // A lease that was renewed since then has seen the entry. One that was not is over by now.
        if (open?.length === 0 || elapsed() - from >= longest)
          return { confirmed: done.size, ranOut: others.size - done.size }
        await sleep(pause, undefined, { signal })
      }
    },
    async isBehind(place, call) {
      const records = await store.list(LEASES, call)
      return records.some(({ key, value }) => key !== lease && readLease(value).seen < place)
    },
    async leave({ signal }) {
      await store.consume(lease, { signal })
      await store.consume(news, { signal })
    },
    isOwn: (key) => key === news,
  }
}

const LONGEST_LEASE_MS = 60_000

// A lease that cannot be read is waited for, as the longest there may be.
function readLease(value: string): { seen: number; leaseMs: number } {
  try {
    const { seen, leaseMs } = JSON.parse(value) as Record<string, unknown>
    if (typeof seen === 'number' && typeof leaseMs === 'number')
      return { seen, leaseMs: Math.min(leaseMs, LONGEST_LEASE_MS) }
  } catch {}
  return { seen: 0, leaseMs: LONGEST_LEASE_MS }
}
