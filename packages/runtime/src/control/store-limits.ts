import type { Store } from '../store/store.ts'
import type { Limits } from './quota.ts'

/** Limits counted in a store, and so by all processes that share it. Windows are those of the store's clock. */
export function storeLimits(store: Store): Limits {
  return {
    reserve: (id, limits, ttlMs, options) => store.reserve(id, limits, ttlMs, options),
    settle: (id, actual, options) => store.settle(id, actual, options),
    release: (id, options) => store.release(id, options),
    forget: (keys, options) => store.forget(keys, options),
  }
}
