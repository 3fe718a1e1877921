import { storeKey } from './key.ts'
import type { StoreLimit } from './store.ts'

/** How long past its deadline a hold is remembered, so that a late settling can still raise the charge. */
export const HOLD_KEPT_MS: number = 15 * 60_000

const SLICES = 16

/**
 * A limit as drivers count it: amounts fall into buckets of `bucketMs`, and a bucket counts for `spanMs` from its
 * start. A total is one bucket that never ends.
 */
export interface Account {
  /** One account for each key and window: a limit per hour and one per day count separately. */
  readonly name: string
  readonly key: string
  readonly limit: number
  readonly amount: number
  /** 0 for a total. */
  readonly bucketMs: number
  /** 0 for a total. */
  readonly spanMs: number
}

/**
 * The accounts of one reservation, each once.
 *
 * @throws {RangeError} If an amount, a limit or a window is not a number that makes sense.
 */
export function accountsOf(limits: readonly StoreLimit[]): readonly Account[] {
  const accounts = new Map<string, Account>()
  for (const limit of limits) {
    const made = accountOf(limit)
    const known = accounts.get(made.name)
    accounts.set(made.name, known === undefined ? made : together(known, made))
  }
  return [...accounts.values()]
}

/** The name of the account that `forget` drops. */
export function totalName(key: string): string {
  return `total ${key}`
}

/** Where the bucket that an instant falls into starts. */
export function bucketStart({ bucketMs }: Account, at: number): number {
  return bucketMs === 0 ? 0 : Math.floor(at / bucketMs) * bucketMs
}

/** What a hold of `reserved` comes to, once `actual` is known; a number that is none, or came late, frees nothing. */
export function chargeOf(reserved: number, actual: number | undefined, isLate: boolean): number {
  if (actual === undefined || !(actual >= 0 && Number.isFinite(actual))) return reserved
  return isLate ? Math.max(actual, reserved) : actual
}

/** What is used of each key as drivers pass it on: numbers that are none left out, since they free nothing. */
export function usedOf(actual: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(actual).filter(([, used]) => used >= 0 && Number.isFinite(used)))
}

/** How long until a bucket stops counting, for `retryAfterMs`: 0 where waiting will not help. */
export function roomAfter(
  account: Account,
  buckets: Iterable<readonly [start: number, used: number]>,
  at: number,
): number {
  const { limit, amount, spanMs } = account
  if (spanMs === 0 || amount > limit) return 0
  const sorted = [...buckets].toSorted(([a], [b]) => a - b)
  let over = sorted.reduce((sum, [, used]) => sum + used, amount) - limit
  for (const [start, used] of sorted) {
    over -= used
    if (over <= 0) return Math.max(1, start + spanMs - at)
  }
  return 0
}

function accountOf(given: StoreLimit): Account {
  const { limit, amount, windowMs, sliding = false } = given
  const key = storeKey(given.key)
  if (!(amount >= 0 && Number.isFinite(amount))) throw new RangeError('amount: expected a number from 0 up.')
  if (!(limit >= 0)) throw new RangeError('limit: expected a number from 0 up.')
  // Infinity does not survive JSON, on the way to a server.
  const most = Math.min(limit, Number.MAX_VALUE)
  if (windowMs === undefined)
    return { name: totalName(key), key, limit: most, amount, bucketMs: 0, spanMs: 0 }
  if (!(windowMs >= 1 && Number.isSafeInteger(windowMs)))
    throw new RangeError('windowMs: expected a whole number of milliseconds from 1 up.')
  if (!sliding)
    return {
      name: `fixed ${windowMs} ${key}`,
      key,
      limit: most,
      amount,
      bucketMs: windowMs,
      spanMs: windowMs,
    }
  const bucketMs = Math.ceil(windowMs / SLICES)
  const spanMs = windowMs + bucketMs
  return { name: `sliding ${windowMs} ${key}`, key, limit: most, amount, bucketMs, spanMs }
}

// Taking one after the other, as given: the first must leave room for itself, the second for both.
function together(first: Account, second: Account): Account {
  const limit = Math.min(first.limit + second.amount, second.limit)
  return { ...first, amount: first.amount + second.amount, limit }
}
