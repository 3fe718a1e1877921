import type { StoreChange } from './store.ts'

/** Tell a listener, whose failure is its own: the write stands whether or not it copes. */
export function told(listener: (change: StoreChange) => void, change: StoreChange): void {
  try {
    listener(change)
  } catch {}
}
