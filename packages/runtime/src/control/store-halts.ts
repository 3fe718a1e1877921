import { randomUUID } from 'node:crypto'
import { ConfigError, GuardError, UnavailableError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import { createHaltFeed } from './halt-feed.ts'
import { createHaltListeners, type HaltRecord, type Halts } from './halt.ts'
import type { HaltEntry } from './halt-log.ts'
import { createHaltMembers, NEWS } from './halt-members.ts'
import {
  checkedReason,
  type HaltReason,
  type HaltScope,
  type HaltSubject,
  keyOf,
  keysOf,
} from './halt-scope.ts'
import { createHaltSignals } from './halt-signals.ts'
import { createLease } from './lease.ts'

export interface StoreHaltsOptions {
  /** How long this process goes on without word from the store, in milliseconds. Default 2,000; at most 60,000. */
  readonly leaseMs?: number
  /** How often it asks, in milliseconds. Default a quarter of the lease. */
  readonly beatMs?: number
  readonly now?: () => Date
  /** Milliseconds of a clock that is never set. Default `performance.now`. */
  readonly elapsed?: () => number
  readonly newId?: () => string
}

/** Halts that processes share. Dispose of it when the process ends, before the store is closed. */
export interface StoreHalts extends Halts, AsyncDisposable {
  opened(): Promise<void>
}

const LONGEST_LEASE_MS = 60_000

/**
 * A kill switch kept in a store: durable, and shared by all processes that use it.
 *
 * A halt is in force here at once, and elsewhere as soon as the store tells of it. Every process renews a lease; one
 * that cannot halts everything in itself, aborts what runs, and opens again only after it has read the store afresh.
 * So does one that was paused, and one whose store has gone back to older data: the halts that it knew it writes again.
 *
 * `halt` resolves once the record is durable and each live process has confirmed it, or its lease has run out. If it
 * throws `UnavailableError` the halt stands in this process, and is written as soon as the store can be reached.
 */
export function storeHalts(store: Store, options: StoreHaltsOptions = {}): StoreHalts {
  const { leaseMs = 2000, beatMs = leaseMs / 4, newId = randomUUID } = options
  const { now = () => new Date(), elapsed = () => performance.now() } = options
  if (!(leaseMs > 0 && leaseMs <= LONGEST_LEASE_MS))
    throw new ConfigError('halts.leaseMs', leaseMs, `milliseconds up to ${LONGEST_LEASE_MS}`)
  if (!(beatMs > 0 && beatMs <= leaseMs / 2))
    throw new ConfigError('halts.beatMs', beatMs, 'milliseconds, at most half of the lease')
  const closing = new AbortController()
  const lease = createLease({ ms: leaseMs, elapsed, now })
  const members = createHaltMembers({ store, me: newId(), leaseMs, elapsed })
  const signals = createHaltSignals()
  const listeners = createHaltListeners()
  const failures: unknown[] = []
  const feed = createHaltFeed({
    store,
    changed(key, event) {
      if (event.action === 'halt') signals.fire(key)
      // What was halted before this process began is no news.
      if (isFirstReading) return
      try {
        listeners.tell(event)
      } catch (error) {
        failures.push(error)
      }
    },
  })
  let turn: Promise<unknown> = Promise.resolve()
  let watch: Disposable | undefined
  let beatTimer: NodeJS.Timeout | undefined
  let lapseTimer: NodeJS.Timeout | undefined
  let isPushed = false
  let wasOpen = false
  let isStopped = false
  let hasForgot = false
  let isFirstReading = false
  let lastError: unknown

  /** One piece of work at a time, given up when nobody could use its answer any more. */
  function inTurn<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const made = turn.then(async () => {
      closing.signal.throwIfAborted()
      const cut = new AbortController()
      const stop = (): void => cut.abort(closing.signal.reason)
      const timer = setTimeout(() => cut.abort(outOfReach()), leaseMs)
      closing.signal.addEventListener('abort', stop, { once: true })
      try {
        return await work(cut.signal)
      } catch (error) {
        if (GuardError.isInstance(error) && error.code === 'ERR_STORE_FORGOT') forgot()
        throw error
      } finally {
        clearTimeout(timer)
        closing.signal.removeEventListener('abort', stop)
      }
    })
    turn = made.catch(() => {})
    return made
  }

  function forgot(): void {
    hasForgot = true
    lease.end()
    hasLapsed()
  }

  async function catchUp(signal: AbortSignal): Promise<void> {
    const { seen } = feed
    isFirstReading = seen === 0 && !wasOpen
    try {
      await feed.catchUp(signal)
    } finally {
      isFirstReading = false
      // Theirs to hear, and nobody's here to be told that they failed.
      failures.length = 0
    }
    if (feed.seen !== seen) await members.register(feed.seen, { signal })
  }

  async function beat(signal: AbortSignal): Promise<void> {
    watch ??= await store.watch(NEWS, heard, closing)
    if (hasForgot) {
      await store.epoch({ signal, afresh: true })
      feed.startAfresh()
    }
    const mark = lease.mark()
    // First the lease, then the log: whoever halts after the lease is there waits for it, and whoever did before is read.
    await members.register(feed.seen, { signal })
    await catchUp(signal)
    await store.epoch({ signal })
    if (feed.isLong() && !(await members.isBehind(feed.seen, { signal }))) await feed.sumUp(signal)
    hasForgot = false
    hasLapsed()
    lease.renew(mark)
    isStopped = false
    wasOpen = true
    awaitLapse()
  }

  function heard(change: { readonly kind: string; readonly key?: string }): void {
    if (isPushed || (change.key !== undefined && members.isOwn(change.key))) return
    isPushed = true
    inTurn((signal) => {
      isPushed = false
      return catchUp(signal)
    }).catch(() => {
      // The next beat tries again, and without it the lease runs out.
      isPushed = false
    })
  }

  function awaitLapse(): void {
    clearTimeout(lapseTimer)
    lapseTimer = setTimeout(() => hasLapsed() || awaitLapse(), lease.left() + 1).unref()
  }

  async function goOn(): Promise<void> {
    const started = elapsed()
    try {
      await inTurn(beat)
      lastError = undefined
    } catch (error) {
      lastError = error
    }
    if (closing.signal.aborted) return
    const pause = Math.max(0, beatMs - (elapsed() - started))
    beatTimer = setTimeout(() => {
      beating = goOn()
    }, pause).unref()
  }

  function lapsed(): HaltRecord {
    const reason = closing.signal.aborted
      ? 'The kill switch of this process was closed.'
      : `This process has had no word from the store of halts for ${leaseMs} ms.`
    return { scope: { everything: true }, by: 'gatewright', reason, at: now() }
  }

  /** Whether the lease is over; then, at the first look, what still runs is aborted. */
  function hasLapsed(): boolean {
    if (lease.isLive()) return false
    if (!isStopped) signals.fire()
    isStopped = true
    return true
  }

  function haltOf(subject: HaltSubject): HaltRecord | undefined {
    if (hasLapsed()) return lapsed()
    for (const key of keysOf(subject)) {
      const record = feed.standing(key)
      if (record !== undefined) return record
    }
    return undefined
  }

  function entry(
    action: 'halt' | 'resume',
    scope: HaltScope,
    why: HaltReason,
    lifts: readonly string[] = [],
  ): HaltEntry {
    closing.signal.throwIfAborted()
    return {
      id: newId(),
      action,
      scope: Object.freeze({ ...scope }),
      ...checkedReason(why),
      at: now(),
      lifts,
    }
  }

  /** Durable, and on its way to everyone. */
  async function publish(made: HaltEntry): Promise<number> {
    const call = { signal: closing.signal }
    const place = await feed.append(made, closing.signal)
    // Who misses the news sees it at their next beat.
    await members.announce(place, call).catch(() => {})
    await store.epoch(call)
    return place
  }

  let beating = goOn()

  return {
    haltOf,
    list: () => [...feed.list(), ...(hasLapsed() ? [lapsed()] : [])],
    async halt(scope, why) {
      const key = keyOf(scope)
      const made = entry('halt', scope, why)
      feed.add(made)
      const failed = failures.splice(0)
      const { scope: halted, by, reason, at } = feed.standing(key) ?? made
      const place = await publish(made)
      const [processes] = await Promise.all([
        members.confirmed(place, { signal: closing.signal }),
        // Read by us too, the entry is missed should the store forget it.
        inTurn(catchUp).catch(() => {}),
      ])
      if (failed.length > 0) throw failed[0]
      return { scope: halted, by, reason, at, processes }
    },
    async resume(scope, why) {
      const key = keyOf(scope)
      checkedReason(why)
      // What is lifted is what stands; what somebody halts meanwhile is not.
      await inTurn(catchUp)
      const lifts = feed.idsOf(key)
      if (lifts.length === 0) return false
      const made = entry('resume', scope, why, lifts)
      await publish(made)
      feed.add(made)
      const [failed] = failures.splice(0)
      if (failed !== undefined) throw failed
      return true
    },
    signalFor: (subject) => signals.signalFor(subject, haltOf(subject) !== undefined),
    subscribe: listeners.subscribe,
    async opened() {
      if (wasOpen) return
      await beating
      if (!wasOpen) throw lastError
    },
    async [Symbol.asyncDispose]() {
      if (closing.signal.aborted) return
      lease.end()
      closing.abort(new GuardError('ERR_RUN_ENDED', 'The kill switch of this process was closed.'))
      hasLapsed()
      clearTimeout(beatTimer)
      clearTimeout(lapseTimer)
      await turn
      watch?.[Symbol.dispose]()
      // Nothing runs here any more. A lease that stays behind runs out.
      await members.leave({ signal: AbortSignal.timeout(leaseMs) }).catch(() => {})
    },
  }
}

function outOfReach(): UnavailableError {
  return new UnavailableError('ERR_STORE_UNAVAILABLE', 'The store could not be reached.')
}
