import type { Store, StoreCall, StoreLimit } from '../../store/store.ts'

/** What one test works with: names of its own, in state that it may share with other tests. */
export interface Trial {
  readonly store: Store
  /** Another client of the same state. */
  readonly other: Store
  readonly call: StoreCall
  /** A name that no other test uses. */
  readonly name: (name: string) => string
  readonly total: (name: string, limit: number, amount?: number) => StoreLimit
  readonly advance: (ms: number) => Promise<void>
}

export type DefineTrial = (name: string, run: (trial: Trial) => Promise<void>) => void

/** Longer than any of the tests takes, in milliseconds. */
export const LONG = 600_000
