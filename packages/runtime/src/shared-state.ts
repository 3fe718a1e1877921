import type { ApprovalsOptions } from './control/ask.ts'
import { createHalts, type Halts } from './control/halt.ts'
import { memoryLimits } from './control/memory-limits.ts'
import type { Limits } from './control/quota.ts'
import { storeApprovals } from './control/store-approvals.ts'
import { storeHalts } from './control/store-halts.ts'
import { storeLimits } from './control/store-limits.ts'
import { ConfigError } from './errors.ts'
import { memoryLedgers } from './ledger/memory-ledgers.ts'
import type { LedgerStore } from './ledger/store.ts'
import { storeLedgers } from './ledger/store-ledgers.ts'
import type { Store } from './store/store.ts'

/** What a guard was given of the state that it works on: one store for all of it, or parts of their own. */
export interface SharedOptions {
  readonly store: Store | undefined
  readonly limits: Limits | undefined
  readonly approvals: Pick<ApprovalsOptions, 'store'> | undefined
  readonly halts: Halts | undefined
  readonly ledgers: LedgerStore | undefined
  readonly now: () => Date
}

/** Where a guard keeps what outlives a call, and may be shared. Dispose of it to let go of what it opened. */
export interface SharedState extends AsyncDisposable {
  readonly limits: Limits
  readonly halts: Halts
  readonly ledgers: LedgerStore
  /** Undefined where requests are kept in this process's memory. */
  readonly approvals: ApprovalsOptions['store']
  /** Whether halts may come from elsewhere than this guard. */
  readonly hasOtherHalts: boolean
  /** Where each part is kept, in words for a start-up log. */
  readonly kept: Readonly<Record<'store' | 'limits' | 'halts' | 'ledgers' | 'approvals', string>>
}

const HERE = 'in memory of this process'

/**
 * Keep everything in one store, but for the parts that were given apart.
 *
 * @throws {ConfigError} If what was given is no store.
 */
export function sharedState({ store, now, ...given }: SharedOptions): SharedState {
  if (store !== undefined) checkStore(store)
  const opened = store !== undefined && given.halts === undefined ? storeHalts(store, { now }) : undefined
  const place = store === undefined ? HERE : `in the store (${described(store)})`
  const where = (part: unknown): string => (part === undefined ? place : 'configured')
  return {
    limits: given.limits ?? (store === undefined ? memoryLimits({ now }) : storeLimits(store)),
    halts: given.halts ?? opened ?? createHalts({ now }),
    ledgers: given.ledgers ?? (store === undefined ? memoryLedgers() : storeLedgers({ store })),
    approvals: given.approvals?.store ?? (store && storeApprovals({ store, now })),
    hasOtherHalts: given.halts !== undefined || opened !== undefined,
    kept: {
      store: store === undefined ? 'none: nothing is shared between processes' : described(store),
      limits: where(given.limits),
      halts: where(given.halts),
      ledgers: where(given.ledgers),
      approvals: where(given.approvals?.store),
    },
    async [Symbol.asyncDispose]() {
      await opened?.[Symbol.asyncDispose]()
    },
  }
}

function described({ name, supports }: Store): string {
  const durable = supports?.durable === true ? 'survives a restart' : 'forgotten by a restart'
  return `${name}: ${supports?.shared === true ? 'shared by processes' : 'this process alone'}, ${durable}`
}

function checkStore(store: Store): void {
  const missing = (['reserve', 'compareAndSet', 'append', 'watch', 'epoch'] as const).find(
    (method) => typeof store?.[method] !== 'function',
  )
  if (missing !== undefined) throw new ConfigError('store', store, `a store with ${missing}()`)
}
