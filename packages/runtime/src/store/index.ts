export {
  STORE_SCHEMA,
  type Store,
  type StoreCall,
  type StoreChange,
  type StoreEntry,
  type StoreLimit,
  type StoreRecord,
  type StoreReservation,
} from './store.ts'
export { memoryStore, type MemoryStoreOptions } from './memory.ts'
export { sqliteStore, type SqliteStoreOptions } from './sqlite.ts'

// What a driver is made of besides its server.
export { type Account, accountsOf, HOLD_KEPT_MS, totalName, usedOf } from './account.ts'
export { answerOf, asUnavailable, STORE_TIMEOUT_MS } from './answer.ts'
export { checkSchema, createPast, type Past } from './epoch.ts'
export { prefixEnd, storeKey, storeText } from './key.ts'
export { told } from './told.ts'
export { ConfigError, UnavailableError } from '../errors.ts'
