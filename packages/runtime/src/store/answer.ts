import { GuardError, UnavailableError } from '../errors.ts'
import type { StoreCall } from './store.ts'

/** How long a driver waits for its server where nothing else is said, in milliseconds. */
export const STORE_TIMEOUT_MS = 2000

export interface AnswerOptions extends StoreCall {
  readonly timeoutMs: number
}

/**
 * Wait for a server's answer, but not past the signal or the timeout: a server that hangs must not hold a call.
 *
 * The work is given a signal that fires when nobody waits for it any more.
 *
 * @throws {UnavailableError} `ERR_STORE_UNAVAILABLE`, if the work fails or takes too long.
 */
export async function answerOf<T>(
  work: (cut: AbortSignal) => Promise<T>,
  options: AnswerOptions,
): Promise<T> {
  const { signal, timeoutMs } = options
  signal.throwIfAborted()
  const over = new AbortController()
  let stop = (): void => {}
  try {
    return await new Promise<T>((resolve, reject) => {
      // It is asked first: the rest is done while the server is at work.
      work(over.signal).then(resolve, reject)
      const timer = setTimeout(() => reject(unavailable('It took too long.')), timeoutMs)
      const aborted = (): void => reject(signal.reason)
      if (signal.aborted) aborted()
      signal.addEventListener('abort', aborted, { once: true })
      stop = () => {
        clearTimeout(timer)
        signal.removeEventListener('abort', aborted)
      }
    })
  } catch (error) {
    over.abort(error)
    if (signal.aborted && error === signal.reason) throw error
    throw asUnavailable(error)
  } finally {
    stop()
  }
}

/** What a driver's failure is to whoever asked; mistakes of the caller and errors of ours pass as they are. */
export function asUnavailable(error: unknown): unknown {
  return GuardError.isInstance(error) || error instanceof RangeError ? error : unavailable(error)
}

function unavailable(cause: unknown): UnavailableError {
  return new UnavailableError('ERR_STORE_UNAVAILABLE', 'The store could not be reached.', { cause })
}
