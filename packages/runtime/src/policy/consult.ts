import type { Awaitable } from './decision.ts'

/**
 * Asks a port, and reads what it answers.
 *
 * What it answers at once comes back at once. A throw, a rejection, an answer that `read` refuses, and a wait
 * that `signal` ends all become the error that `fail` makes.
 */
export function consult<Answer, Result>(
  put: () => Awaitable<Answer>,
  read: (answer: Answer) => Result,
  fail: (cause: unknown) => Error,
  signal: AbortSignal,
): Awaitable<Result> {
  const answer = attempt(put, fail)
  if (!isThenable(answer)) return attempt(() => read(answer), fail)
  return new Promise<Result>((resolve, reject) => {
    const stop = (): void => reject(fail(signal.reason))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    Promise.resolve(answer)
      .then(read)
      .then(resolve, (cause: unknown) => reject(fail(cause)))
      .finally(() => signal.removeEventListener('abort', stop))
  })
}

/** Whether something is a promise, of any kind. */
export function isThenable<T>(value: Awaitable<T>): value is PromiseLike<T> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

function attempt<T>(make: () => T, fail: (cause: unknown) => Error): T {
  try {
    return make()
  } catch (cause) {
    throw fail(cause)
  }
}
