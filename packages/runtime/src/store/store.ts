import type { Awaitable } from '../policy/decision.ts'

/** The layout of what the drivers keep. State of another version is refused, never guessed at. */
export const STORE_SCHEMA = 1

export interface StoreCall {
  readonly signal: AbortSignal
}

/** An amount to take from one account, in whatever unit the account counts. */
export interface StoreLimit {
  readonly key: string
  /** Most that the account may hold. */
  readonly limit: number
  readonly amount: number
  /** Length of the window in milliseconds; where left out, a total over the lifetime of the account. */
  readonly windowMs?: number
  /**
   * The window reaches back from each instant, rather than starting at multiples of its length since 1970.
   *
   * Counted in sixteenths of the window, the oldest in full: no interval of `windowMs` ever holds more than
   * `limit`, and an amount counts for up to 17/16 of it.
   */
  readonly sliding?: boolean
}

export type StoreReservation =
  | { readonly ok: true }
  /** The first limit, as given, that has no room. `retryAfterMs` is left out where waiting will not help. */
  | { readonly ok: false; readonly key: string; readonly retryAfterMs?: number }

/** A value and its version. Versions rise with every write to the store, and none is used twice. */
export interface StoreRecord {
  readonly key: string
  readonly value: string
  readonly version: number
}

export interface StoreEntry {
  /** From 1, with no gaps, in the order in which entries became visible. */
  readonly seq: number
  readonly entry: string
}

/** A value was written, taken out or given away; or news may have been missed, so everything has to be read again. */
export type StoreChange =
  | { readonly kind: 'changed'; readonly key: string }
  | { readonly kind: 'gap'; readonly cause?: unknown }

/**
 * State that several calls, runs and processes share. One small port, so that one choice of a driver settles
 * where quotas, approvals, halts and ledgers live.
 *
 * Each method is atomic, alone and among all processes. A method that throws may or may not have happened: every
 * one of them can be repeated under the same id or version. What cannot be reached throws `UnavailableError`; a
 * fired signal throws its reason, also while a server hangs. Time is the server's where there is one, so that the
 * clocks of the processes may differ.
 *
 * @throws {UnavailableError} `ERR_STORE_UNAVAILABLE`; `ERR_STORE_FORGOT` once the store turned out to have gone
 * back to older data, from every method, until `epoch` is called with `afresh`.
 * @throws {ConfigError} From the first call, if what is kept is of another schema; says what to do.
 */
export interface Store {
  /** What the driver is, for a start-up log. */
  readonly name: string
  readonly supports?: {
    /** What was written survives the end of the process. Default false. */
    readonly durable?: boolean
    /** Several processes see the same state. Default false. */
    readonly shared?: boolean
    /** `watch` hears of changes at once; otherwise it looks every so often. Default false. */
    readonly push?: boolean
  }
  /**
   * Take all of these amounts, or none.
   *
   * The same id again takes nothing more and answers as before. A hold that is neither settled nor released
   * within `ttlMs` stays charged in full.
   */
  reserve(
    id: string,
    limits: readonly StoreLimit[],
    ttlMs: number,
    call: StoreCall,
  ): Awaitable<StoreReservation>
  /**
   * Charge what was used in all, by key, even beyond the limit; a key left out is charged as reserved.
   *
   * Counts once. After the hold's deadline it can only raise the charge, and 15 minutes after it does nothing.
   */
  settle(id: string, actual: Readonly<Record<string, number>>, call: StoreCall): Awaitable<void>
  /** Give back a hold whose work never took effect; does nothing after its deadline. */
  release(id: string, call: StoreCall): Awaitable<void>
  /** Drop the totals of accounts that are over, such as those of a run that has ended. */
  forget(keys: readonly string[], call: StoreCall): Awaitable<void>

  get(key: string, call: StoreCall): Awaitable<StoreRecord | undefined>
  /** Records whose key starts with `prefix`, in the order of their keys by code unit. No snapshot across records. */
  list(prefix: string, call: StoreCall): Awaitable<readonly StoreRecord[]>
  /**
   * Write a value if the record still has the version `expected`, 0 meaning that there is none; `undefined` as
   * the value takes the record out. The new version, or undefined if another writer was first.
   *
   * The record goes after `ttlMs`; where left out, it stays.
   */
  compareAndSet(
    key: string,
    expected: number,
    value: string | undefined,
    call: StoreCall & { readonly ttlMs?: number },
  ): Awaitable<number | undefined>
  /** Take a record out, to use it up: its value for exactly one caller, undefined for every other. */
  consume(key: string, call: StoreCall): Awaitable<string | undefined>

  /** Add to a log; the entry's place in it. */
  append(log: string, entry: string, call: StoreCall): Awaitable<number>
  /** Entries after a place, oldest first; at most 1,000 of them. */
  read(log: string, after: number, call: StoreCall): Awaitable<readonly StoreEntry[]>
  /** Drop the entries before a place; the others keep theirs, and the newest stays in any case. */
  trim(log: string, before: number, call: StoreCall): Awaitable<void>

  /**
   * Hear of changes to records whose key starts with `prefix`, by this process and others; expiry may go unsaid.
   *
   * Resolves once nothing that happens later can be missed unsaid. Stops when disposed of or when the signal
   * fires. A listener's throw is dropped.
   */
  watch(
    prefix: string,
    listener: (change: StoreChange) => void,
    call: StoreCall,
  ): Promise<{ [Symbol.dispose](): void }>

  /**
   * Raise the store's epoch, a number that only grows, and leave a mark of this client in it.
   *
   * A store that answers with less than was seen before, or has lost the mark, went back to older data: a
   * failover or a restored backup that forgot. Call it at intervals, and after writing what must not be lost.
   * With `afresh` the store is taken as it stands: for whoever has since read everything again.
   */
  epoch(call: StoreCall & { readonly afresh?: boolean }): Awaitable<number>
  /** Let go of what the driver itself opened; a client that was passed in stays open. */
  close(): Awaitable<void>
}
