import { createHash } from 'node:crypto'
import type { Quota } from '../contract/contract.ts'
import { leaves, pathMap } from '../json/path.ts'
import type { Json } from '../json/plain.ts'
import type { Awaitable } from '../policy/decision.ts'

/** An amount to take from one account. */
export interface Limit {
  readonly key: string
  /** Most that the account may hold, in the unit of `amount`. */
  readonly limit: number
  /** Length of the window in milliseconds; a total over the lifetime of the account where left out. */
  readonly windowMs?: number
  /** No stretch of `windowMs` may hold more than `limit`, rather than no window aligned to the epoch. */
  readonly sliding?: boolean
  readonly amount: number
}

export type Reservation =
  | { readonly ok: true }
  | { readonly ok: false; readonly key: string; readonly retryAfterMs?: number }

type CallOptions = { readonly signal: AbortSignal }

/** Where quotas are counted: `memoryLimits`, or a store that processes share. A throw is taken as a refusal. */
export interface Limits {
  /**
   * Take all of these amounts, or none. The same id again takes nothing more and answers as before.
   * A reservation that is neither settled nor released within `ttlMs` stays charged in full.
   */
  reserve(id: string, limits: readonly Limit[], ttlMs: number, options: CallOptions): Awaitable<Reservation>
  /** Charge what was really used, by key; a key left out is charged as reserved. */
  settle(id: string, actual: Readonly<Record<string, number>>, options: CallOptions): Awaitable<void>
  /** Give back a reservation whose call never took effect. */
  release(id: string, options: CallOptions): Awaitable<void>
  /** Drop the accounts of a scope that is over, such as a run that has ended. */
  forget(keys: readonly string[], options: CallOptions): Awaitable<void>
}

/** A limit, and what it is called to the developer. */
export interface NamedLimit extends Limit {
  readonly unit: 'calls' | 'cost' | 'bytes' | 'wallMs'
  readonly name: string
  /** A total of this run alone: to be forgotten with it. */
  readonly isOfRun: boolean
}

/** What a quota may be counted by. `agent` is `id@version` or `agent:id@version`. */
export interface QuotaScope {
  readonly run: string
  readonly session: string | undefined
  readonly user: string
  readonly agent: string
  readonly tool: string
  readonly tenant: string | undefined
  /** What the call is about; the tool itself where its contract does not say. */
  readonly resource?: { readonly type: string; readonly id: string } | undefined
}

/** A quota of the guard's: over all tools together, or those it lists. */
export type GuardQuota = Quota & { readonly tools?: readonly string[] }

/** The call that draws on quotas. */
export interface QuotaCall {
  readonly input: Json
  readonly deadlineMs?: number | undefined
}

const NO_CALL: QuotaCall = { input: null }

/**
 * The accounts that one call of a tool draws on under its contract's quotas.
 *
 * Accounts are of one tool and, except for `per: 'tool'`, of one tenant. With no session, the run is its own.
 *
 * @throws {RangeError} If the cost of the call cannot be read from its input.
 */
export function quotaKeys(
  quotas: Quota | readonly Quota[],
  scope: QuotaScope,
  call: QuotaCall = NO_CALL,
): readonly NamedLimit[] {
  return [quotas].flat().map((quota) => limitOf(quota, scope.tool, scope.tool, scope, call))
}

/** The accounts that a call draws on under quotas of the guard's. They do not tell agents, or guards, apart. */
export function guardQuotaKeys(
  quotas: readonly GuardQuota[],
  scope: QuotaScope,
  call: QuotaCall,
): readonly NamedLimit[] {
  const due = quotas.filter(({ tools }) => tools === undefined || tools.includes(scope.tool))
  return due.map((quota) => {
    const { tools } = quota
    const owner = tools === undefined ? null : tools.toSorted()
    return limitOf(quota, owner, owner?.join(', ') ?? 'all tools', scope, call)
  })
}

function limitOf(
  quota: Quota,
  owner: Json,
  ownerName: string,
  scope: QuotaScope,
  call: QuotaCall,
): NamedLimit {
  const { per, windowMs, window } = quota
  const of = amountOf(quota, call)
  const sliding = window === 'sliding'
  const length = windowMs === undefined ? '' : ` in ${sliding ? 'any ' : ''}${windowMs} ms`
  return {
    key: accountKey(of.unit, owner, per, scope),
    limit: of.limit,
    amount: of.amount,
    unit: of.unit,
    name: `${of.most} ${of.unit} per ${per}${length} (${ownerName})`,
    isOfRun: windowMs === undefined && isOfRun(per, scope),
    ...(windowMs === undefined ? {} : { windowMs }),
    ...(sliding ? { sliding } : {}),
  }
}

/** Whether what is counted by this is over when the run is. */
export function isOfRun(per: Quota['per'], { session }: QuotaScope): boolean {
  return per === 'run' || (per === 'session' && session === undefined)
}

function amountOf(
  quota: Quota,
  { input, deadlineMs }: QuotaCall,
): { unit: NamedLimit['unit']; limit: number; amount: number; most: number } {
  if ('calls' in quota) return { unit: 'calls', limit: quota.calls, amount: 1, most: quota.calls }
  if ('cost' in quota) {
    const amount = typeof quota.each === 'number' ? millionths(quota.each) : costIn(input, quota.each)
    return { unit: 'cost', limit: millionths(quota.cost), amount, most: quota.cost }
  }
  if ('bytes' in quota) return { unit: 'bytes', limit: quota.bytes, amount: quota.each, most: quota.bytes }
  const amount = quota.each ?? deadlineMs
  if (amount === undefined) throw new RangeError('quota.each: nothing says how long a call may run.')
  return { unit: 'wallMs', limit: quota.wallMs, amount, most: quota.wallMs }
}

/** The account of a unit, of whom it is counted by. Long names are digested, so that any store can keep the key. */
export function accountKey(
  unit: string,
  owner: Json,
  per: Quota['per'],
  { tenant: ofTenant, run, session, user, agent, tool, resource }: QuotaScope,
): string {
  const tenant = ofTenant ?? null
  const who = {
    run: [tenant, run],
    session: [tenant, session === undefined ? 'run' : 'session', session ?? run],
    user: [tenant, user],
    agent: [tenant, agent],
    tool: [tool],
    resource: [tenant, resource?.type ?? 'tool', resource?.id ?? tool],
    tenant: [tenant],
  }[per]
  // JSON, so that no name can be chosen to fall together with another scope's key.
  const key = JSON.stringify([unit, owner, per, ...who])
  return key.length <= LONGEST_KEY
    ? key
    : JSON.stringify([unit, per, createHash('sha256').update(key).digest('hex')])
}

const LONGEST_KEY = 240

/**
 * A cost in whole millionths, rounded up: fractions of ten do not add up in binary, and a store may keep integers.
 */
export function millionths(cost: number): number {
  const text = String(cost)
  // The decimal that was written, moved by six places; a multiplication would be off in the last of them.
  return Math.ceil(text.includes('e') ? cost * 1e6 : Number(`${text}e6`))
}

const DECIMAL = /^\d{1,15}(?:\.\d{1,6})?$/

/** The sum of what stands at a path, in millionths. Anything but plain amounts from 0 up is no cost that could be counted. */
function costIn(input: Json, path: string): number {
  const at = pathMap({ [path]: true })
  let sum = 0
  let found = 0
  for (const { place, value } of leaves(input)) {
    if (at.find(place) !== true) continue
    const amount = typeof value === 'string' && DECIMAL.test(value) ? Number(value) : value
    if (typeof amount !== 'number' || !(amount >= 0 && amount <= 1e9))
      throw new RangeError('quota.each: the cost of the call cannot be read from its input.')
    sum += millionths(amount)
    found += 1
  }
  if (found === 0) throw new RangeError('quota.each: the input of the call does not say its cost.')
  return sum
}
