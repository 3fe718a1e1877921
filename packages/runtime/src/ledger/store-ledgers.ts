import { UnavailableError } from '../errors.ts'
import type { Store } from '../store/store.ts'
import type { SavedLedger } from './saved.ts'
import type { LedgerStore } from './store.ts'

export interface StoreLedgersOptions {
  readonly store: Store
  /** How long a conversation is kept after it was last saved, in milliseconds. Default: for ever. */
  readonly ttlMs?: number
}

const REMEMBERED = 10_000

/**
 * Ledgers in a store, for conversations that go on in another process or after a restart.
 *
 * A ledger that another process has saved since it was loaded here is not overwritten: what that one has seen
 * would be forgotten, and what it has paid could be paid again.
 */
export function storeLedgers({ store, ttlMs }: StoreLedgersOptions): LedgerStore {
  const versions = new Map<string, number>()

  function remember(run: string, version: number): void {
    versions.delete(run)
    versions.set(run, version)
    const oldest = versions.keys().next()
    if (versions.size > REMEMBERED && !oldest.done) versions.delete(oldest.value)
  }

  return {
    async load(run, options) {
      const found = await store.get(keyOf(run), options)
      remember(run, found?.version ?? 0)
      return found && (JSON.parse(found.value) as SavedLedger)
    },
    async save(run, ledger, options) {
      const timed = ttlMs === undefined ? options : { ...options, ttlMs }
      const text = JSON.stringify(ledger)
      const version = await store.compareAndSet(keyOf(run), versions.get(run) ?? 0, text, timed)
      if (version === undefined)
        throw new UnavailableError(
          'ERR_STORE_UNAVAILABLE',
          'The conversation has gone on elsewhere, so it could not be saved here.',
        )
      remember(run, version)
    },
  }
}

function keyOf(run: string): string {
  return `ledger/${JSON.stringify(run)}`
}
