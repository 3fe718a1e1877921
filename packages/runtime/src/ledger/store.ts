import type { SavedLedger } from './saved.ts'

/** Where the ledgers of conversations are kept between calls. A throw ends the call: no ledger, no trust. */
export interface LedgerStore {
  load(run: string, options: { signal: AbortSignal }): Promise<SavedLedger | undefined>
  save(run: string, ledger: SavedLedger, options: { signal: AbortSignal }): Promise<void>
}
