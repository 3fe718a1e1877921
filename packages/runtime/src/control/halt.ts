import type { Awaitable } from '../policy/decision.ts'
import {
  checkedReason,
  type HaltReason,
  type HaltScope,
  type HaltSubject,
  keyOf,
  keysOf,
} from './halt-scope.ts'
import { createHaltSignals, type HaltSignal } from './halt-signals.ts'
import type { CallInFlight } from './in-flight.ts'

export type { HaltReason, HaltScope, HaltSubject } from './halt-scope.ts'
export type { HaltSignal } from './halt-signals.ts'

export interface HaltRecord extends HaltReason {
  readonly scope: HaltScope
  readonly at: Date
}

/** A halt in force, and how far it has come. */
export interface HaltResult extends HaltRecord {
  /**
   * The other processes that share it: those that confirmed it, and those that did not and whose leases ran out, so
   * that they have halted everything. Left out where halts are not shared.
   */
  readonly processes?: { readonly confirmed: number; readonly ranOut: number }
  /** What had to follow the halt, and whether it did. Left out where nothing had to. */
  readonly hooks?: readonly HaltHookResult[]
  /**
   * Calls of this process that were told to stop and had not by then; `guard.inFlight()` says which of them still run.
   * What they return is thrown away. Left out where no guard was asked.
   */
  readonly stillRunning?: readonly CallInFlight[]
}

export interface HaltHookResult {
  readonly name: string
  readonly confirmed: boolean
  readonly error?: unknown
  /** Each thing that the hook did, where it says. */
  readonly details?: readonly HaltDetail[]
}

/** One thing that followed a halt, such as a token that was revoked. */
export interface HaltDetail {
  readonly what: string
  readonly confirmed: boolean
  /** One sentence for a person. */
  readonly detail: string
}

export interface HaltEvent extends HaltRecord {
  readonly action: 'halt' | 'resume'
}

/** The kill switch. */
export interface Halts {
  /**
   * Stop everything in a scope, from this instant: the halt is in force in this process before its promise is there.
   * Halting a scope that is halted keeps the first record.
   *
   * @throws {ConfigError} If the scope is not exactly one of its kinds, or who and why are missing.
   */
  halt(scope: HaltScope, why: HaltReason): Promise<HaltResult>
  /** Let new runs and calls in the scope start again; runs that the halt ended stay ended. False if nothing was halted. */
  resume(scope: HaltScope, why: HaltReason): Promise<boolean>
  /** The halt that covers a subject, if any. A fixed number of look-ups, however many halts there are. */
  haltOf(subject: HaltSubject): HaltRecord | undefined
  list(): readonly HaltRecord[]
  /** A signal that fires, with a `HaltedError`, on the first halt that covers the subject; already fired if one does. */
  signalFor(subject: HaltSubject): HaltSignal
  /** Hear of each halt and resume, before `halt` resolves; returns what stops it. A listener's throw rejects `halt`, which still stands. */
  subscribe(listener: (event: HaltEvent) => void): () => void
  /** Resolves once it is known what is halted; until then everything is. Left out where it always is. */
  opened?(): Awaitable<void>
}

/**
 * A kill switch held in this process's memory: it is not seen by other processes, and a restart forgets it.
 */
export function createHalts({ now }: { readonly now: () => Date }): Halts {
  const records = new Map<string, HaltRecord>()
  const listeners = createHaltListeners()
  const signals = createHaltSignals()

  function haltOf(subject: HaltSubject): HaltRecord | undefined {
    if (records.size === 0) return undefined
    for (const key of keysOf(subject)) {
      const record = records.get(key)
      if (record) return record
    }
    return undefined
  }

  return {
    haltOf,
    list: () => [...records.values()],
    async halt(scope, why) {
      const key = keyOf(scope)
      const known = records.get(key)
      if (known) return known
      const record: HaltRecord = Object.freeze({
        scope: Object.freeze({ ...scope }),
        ...checkedReason(why),
        at: now(),
      })
      records.set(key, record)
      signals.fire(key)
      listeners.tell({ ...record, action: 'halt' })
      return record
    },
    async resume(scope, why) {
      const key = keyOf(scope)
      const { by, reason } = checkedReason(why)
      const known = records.get(key)
      if (!known) return false
      records.delete(key)
      listeners.tell({ scope: known.scope, by, reason, at: now(), action: 'resume' })
      return true
    },
    signalFor: (subject) => signals.signalFor(subject, haltOf(subject) !== undefined),
    subscribe: listeners.subscribe,
  }
}

export interface HaltListeners extends Pick<Halts, 'subscribe'> {
  /** @throws {AggregateError} What listeners threw, once all of them have been told. */
  tell(event: HaltEvent): void
}

export function createHaltListeners(): HaltListeners {
  const listeners = new Set<(event: HaltEvent) => void>()
  return {
    subscribe(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    tell(event) {
      const errors: unknown[] = []
      for (const listener of listeners) {
        try {
          listener(event)
        } catch (error) {
          errors.push(error)
        }
      }
      if (errors.length > 0) throw new AggregateError(errors, 'A listener failed; the change stands.')
    },
  }
}
