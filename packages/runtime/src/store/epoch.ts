import { ConfigError, UnavailableError } from '../errors.ts'
import { STORE_SCHEMA } from './store.ts'

/** What one client knows of a store's past, so that it notices when the store does not. */
export interface Past {
  /** The highest epoch seen; 0 before the first. */
  readonly epoch: number
  /** The last epoch at which this client is known to have left its mark; 0 before the first. An unheard one may be higher. */
  readonly mark: number
  /** Take note of an epoch that the store answered with. */
  saw(epoch: number): void
  marked(epoch: number): void
  /** The store forgot: refuse everything until it is taken afresh. */
  lost(): UnavailableError
  /** @throws {UnavailableError} `ERR_STORE_FORGOT`, once `lost` was called. */
  check(): void
  afresh(): void
}

export function createPast(): Past {
  let epoch = 0
  let mark = 0
  let hasForgot = false
  return {
    get epoch() {
      return epoch
    },
    get mark() {
      return mark
    },
    saw(seen) {
      epoch = Math.max(epoch, seen)
    },
    marked(at) {
      mark = Math.max(mark, at)
      epoch = Math.max(epoch, at)
    },
    lost() {
      hasForgot = true
      return forgot()
    },
    check() {
      if (hasForgot) throw forgot()
    },
    afresh() {
      epoch = 0
      mark = 0
      hasForgot = false
    },
  }
}

/**
 * Refuse a store of another layout.
 *
 * @throws {ConfigError} Says what to do.
 */
export function checkSchema(found: number): void {
  if (found === STORE_SCHEMA) return
  throw new ConfigError(
    'store.schema',
    found,
    found > STORE_SCHEMA
      ? `version ${STORE_SCHEMA}: a newer Gatewright has been here; update @gatewright/runtime and @gatewright/adapters in this process`
      : `version ${STORE_SCHEMA}: an older Gatewright keeps its state here; stop its processes, then give this one a new place (another file, tenant or schema)`,
  )
}

function forgot(): UnavailableError {
  return new UnavailableError('ERR_STORE_FORGOT', 'The store has gone back to older data.')
}
