import { UnavailableError } from '../errors.ts'
import type { Limit, Limits, Reservation } from './quota.ts'

export interface MemoryLimitsOptions {
  readonly now: () => Date
  /** Most accounts, and most reservations, that are kept; beyond it new ones are refused. Default 100,000. */
  readonly capacity?: number
}

/** What was taken in one stretch of time, and when it stops counting; never for a total. */
interface Cell {
  used: number
  readonly slice: number
  readonly ends: number
}

/** Oldest cell first. A fixed window and a total have one; a sliding window has one for each of its slices. */
type Account = Cell[]

interface Hold {
  readonly taken: { readonly key: string; readonly amount: number; readonly cell: Cell }[]
  readonly deadline: number
  open: boolean
}

/** A sliding window is counted in slices, each of which counts until all of it is out of the window. */
const SLICES = 16

/**
 * Limits counted in this process's memory: not shared with other processes, and forgotten by a restart.
 *
 * Fixed windows are aligned to the epoch. A sliding window never lets more through in any stretch of its length;
 * it opens again up to a sixteenth later than it could. A clock that goes back reopens nothing.
 */
export function memoryLimits({ now, capacity = 100_000 }: MemoryLimitsOptions): Limits {
  const accounts = new Map<string, Account>()
  const holds = new Map<string, Hold>()
  let latest = Number.NEGATIVE_INFINITY

  function time(): number {
    latest = Math.max(latest, now().getTime())
    return latest
  }

  function accountOf(limit: Limit, at: number): Account {
    const name = accountName(limit)
    const known = accounts.get(name)
    if (known !== undefined) {
      while (known[0] !== undefined && known[0].ends <= at) known.shift()
      return known
    }
    makeRoom(accounts, capacity, (cells) => (cells.at(-1)?.ends ?? 0) <= at)
    const made: Account = []
    accounts.set(name, made)
    return made
  }

  return {
    reserve(id, limits, ttlMs): Reservation {
      if (holds.has(id)) return { ok: true }
      for (const limit of limits) check(limit)
      if (!(ttlMs > 0)) throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
      const at = time()
      const taken: Hold['taken'] = []
      try {
        makeRoom(holds, capacity, ({ deadline }) => deadline <= at)
        // Two limits may draw on one account, so each is taken before the next is looked at.
        for (const limit of limits) {
          const account = accountOf(limit, at)
          if (usedIn(account) + limit.amount > limit.limit)
            return { ok: false, key: limit.key, ...retry(limit, account, at) }
          const cell = cellOf(account, limit, at)
          cell.used += limit.amount
          taken.push({ key: limit.key, amount: limit.amount, cell })
        }
        holds.set(id, { taken, deadline: at + ttlMs, open: true })
        return { ok: true }
      } finally {
        if (!holds.has(id)) giveBack(taken)
      }
    },

    settle(id, actual) {
      const hold = holds.get(id)
      if (!hold?.open) return
      hold.open = false
      const late = hold.deadline <= time()
      for (const { key, amount, cell } of hold.taken) {
        const used = Object.hasOwn(actual, key) ? (actual[key] as number) : amount
        // What was used is past taking back: it counts even beyond the limit. A number that is none frees nothing.
        const charged = used >= 0 && !(late && used < amount) ? used : amount
        cell.used += charged - amount
      }
    },

    release(id) {
      const hold = holds.get(id)
      if (!hold?.open) return
      hold.open = false
      if (hold.deadline <= time()) return
      giveBack(hold.taken)
      // Nothing happened under this id, so it may reserve again.
      holds.delete(id)
    },

    forget(keys) {
      for (const key of keys) accounts.delete(accountName({ key }))
    },
  }
}

function usedIn(account: Account): number {
  let used = 0
  for (const cell of account) used += cell.used
  return used
}

/** The cell that a use at this time goes into. */
function cellOf(account: Account, { windowMs, sliding }: Limit, at: number): Cell {
  const length = windowMs === undefined ? undefined : sliding === true ? windowMs / SLICES : windowMs
  const slice = length === undefined ? 0 : Math.floor(at / length)
  const last = account.at(-1)
  if (last?.slice === slice) return last
  const over = length === undefined ? Number.POSITIVE_INFINITY : (slice + 1) * length
  const made: Cell = { used: 0, slice, ends: sliding === true ? over + (windowMs ?? 0) : over }
  account.push(made)
  return made
}

function giveBack(taken: Hold['taken']): void {
  for (const { amount, cell } of taken) cell.used -= amount
}

/** When enough will have run out for this amount, if ever. */
function retry({ windowMs, amount, limit }: Limit, account: Account, at: number): { retryAfterMs?: number } {
  if (windowMs === undefined || amount > limit) return {}
  let left = usedIn(account)
  for (const { used, ends } of account) {
    left -= used
    if (left + amount <= limit) return { retryAfterMs: Math.ceil(ends - at) }
  }
  return {}
}

// The same key with another window is another account: a limit per hour and one per day count separately.
function accountName({ key, windowMs, sliding }: Pick<Limit, 'key' | 'windowMs' | 'sliding'>): string {
  return `${windowMs ?? 'total'}${sliding === true ? '~' : ''} ${key}`
}

function makeRoom<T>(table: Map<string, T>, capacity: number, over: (entry: T) => boolean): void {
  const first = table.entries().next().value
  if (first && over(first[1])) table.delete(first[0])
  if (table.size < capacity) return
  for (const [key, entry] of table) if (over(entry)) table.delete(key)
  // Dropping an account that still counts would hand out its quota again.
  if (table.size >= capacity)
    throw new UnavailableError(
      'ERR_LIMITS_UNAVAILABLE',
      'The limits could not be checked, so the call was refused.',
    )
}

function check({ amount, limit, windowMs, sliding }: Limit): void {
  if (!(amount >= 0 && Number.isFinite(amount))) throw new RangeError('amount: expected a number from 0 up.')
  if (!(limit >= 0)) throw new RangeError('limit: expected a number from 0 up.')
  if (windowMs !== undefined && !(windowMs > 0 && Number.isFinite(windowMs)))
    throw new RangeError('windowMs: expected a number of milliseconds above 0.')
  if (sliding === true && windowMs === undefined)
    throw new RangeError('windowMs: expected a length for a sliding window.')
}
