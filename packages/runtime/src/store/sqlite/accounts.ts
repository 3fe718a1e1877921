import {
  type Account,
  accountsOf,
  bucketStart,
  chargeOf,
  HOLD_KEPT_MS,
  roomAfter,
  totalName,
} from '../account.ts'
import { storeKey } from '../key.ts'
import type { StoreLimit, StoreReservation } from '../store.ts'
import type { SqliteFile } from './open.ts'

/** Where one tenant's rows are, and what the time is. Everything here runs inside a transaction. */
export interface Within {
  readonly file: SqliteFile
  readonly tenant: string
  readonly at: number
  /** Rises with every write of a record, and whenever totals are forgotten. */
  readonly version: number
}

type Taken = readonly (readonly [key: string, account: string, start: number, amount: number])[]

const PRUNED_AT_ONCE = 100

export function reserve(
  within: Within,
  id: string,
  limits: readonly StoreLimit[],
  ttlMs: number,
): StoreReservation {
  const { file, tenant, at } = within
  const known = file.statement('select ends from hold where tenant = ? and id = ?').get(tenant, id)
  if (known !== undefined && Number(known['ends']) > at) return { ok: true }
  if (!(ttlMs > 0 && Number.isFinite(ttlMs)))
    throw new RangeError('ttlMs: expected a number of milliseconds above 0.')
  const accounts = accountsOf(limits)
  const starts: number[] = []
  for (const account of accounts) {
    const buckets = bucketsOf(within, account)
    const used = buckets.reduce((sum, [, amount]) => sum + amount, 0)
    if (used + account.amount > account.limit) {
      const retryAfterMs = roomAfter(account, buckets, at)
      return { ok: false, key: account.key, ...(retryAfterMs > 0 ? { retryAfterMs } : {}) }
    }
    // A clock that went back counts on in the newest bucket. A total that was forgotten and begun again is another
    // bucket than before, so that holds on the old one cannot lower it.
    const start = account.spanMs === 0 ? (buckets[0]?.[0] ?? within.version) : bucketStart(account, at)
    starts.push(Math.max(start, ...buckets.map(([begun]) => begun)))
  }
  const put = file.statement(
    `insert into bucket (tenant, account, start, used, ends) values (?, ?, ?, ?, ?)
     on conflict do update set used = used + excluded.used`,
  )
  const taken = accounts.map(({ name, key, amount, spanMs }, i): Taken[number] => {
    const start = starts[i] ?? 0
    put.run(tenant, name, start, amount, spanMs === 0 ? null : start + spanMs)
    return [key, name, start, amount]
  })
  file
    .statement(
      'insert or replace into hold (tenant, id, deadline, ends, open, taken) values (?, ?, ?, ?, 1, ?)',
    )
    .run(tenant, id, at + ttlMs, at + ttlMs + HOLD_KEPT_MS, JSON.stringify(taken))
  return { ok: true }
}

export function settle(within: Within, id: string, actual: Readonly<Record<string, number>>): void {
  const { file, tenant, at } = within
  const hold = openHold(within, id)
  if (hold === undefined) return
  for (const [key, account, start, amount] of hold.taken) {
    const used = Object.hasOwn(actual, key) ? actual[key] : undefined
    add(within, account, start, chargeOf(amount, used, hold.deadline <= at) - amount)
  }
  file.statement('update hold set open = 0 where tenant = ? and id = ?').run(tenant, id)
}

export function release(within: Within, id: string): void {
  const { file, tenant, at } = within
  const hold = openHold(within, id)
  if (hold === undefined || hold.deadline <= at) return
  for (const [, account, start, amount] of hold.taken) add(within, account, start, -amount)
  // Nothing happened under this id, so it may reserve again.
  file.statement('delete from hold where tenant = ? and id = ?').run(tenant, id)
}

export function forget({ file, tenant }: Within, keys: readonly string[]): void {
  const drop = file.statement('delete from bucket where tenant = ? and account = ?')
  for (const key of keys) drop.run(tenant, totalName(storeKey(key)))
  file.statement('update meta set version = version + 1 where tenant = ?').run(tenant)
}

/** Drop some of what no longer counts, of any tenant. */
export function prune({ file, at }: Within): void {
  for (const [table, key] of [
    ['bucket', 'tenant, account, start'],
    ['hold', 'tenant, id'],
    ['record', 'tenant, key'],
  ])
    file
      .statement(
        `delete from ${table} where (${key}) in (select ${key} from ${table} where ends <= ? limit ${PRUNED_AT_ONCE})`,
      )
      .run(at)
}

function bucketsOf({ file, tenant, at }: Within, { name }: Account): (readonly [number, number])[] {
  return file
    .statement(
      'select start, used from bucket where tenant = ? and account = ? and (ends is null or ends > ?)',
    )
    .all(tenant, name, at)
    .map(({ start, used }) => [Number(start), Number(used)] as const)
}

function openHold({ file, tenant }: Within, id: string): { taken: Taken; deadline: number } | undefined {
  const hold = file
    .statement('select deadline, taken from hold where tenant = ? and id = ? and open = 1')
    .get(tenant, id)
  return hold && { taken: JSON.parse(String(hold['taken'])) as Taken, deadline: Number(hold['deadline']) }
}

// A bucket that has stopped counting is not brought back.
function add({ file, tenant }: Within, account: string, start: number, amount: number): void {
  if (amount === 0) return
  file
    .statement('update bucket set used = used + ? where tenant = ? and account = ? and start = ?')
    .run(amount, tenant, account, start)
}
