import type { SavedLedger } from './saved.ts'
import type { LedgerStore } from './store.ts'

/** Keeps the ledgers of the last conversations in this process's memory. A restart forgets them all. */
export function memoryLedgers({ capacity = 1_000 }: { readonly capacity?: number } = {}): LedgerStore {
  const kept = new Map<string, SavedLedger>()
  return {
    async load(run) {
      const ledger = kept.get(run)
      return ledger && structuredClone(ledger)
    },
    async save(run, ledger) {
      kept.delete(run)
      kept.set(run, structuredClone(ledger))
      const oldest = kept.keys().next()
      if (kept.size > capacity && !oldest.done) kept.delete(oldest.value)
    },
  }
}
