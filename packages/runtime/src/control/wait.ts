/** Who in this process waits for which request, so that one answer wakes one call. */
export interface Waits {
  /** Take a request for one waiting call. */
  claim(id: string): void
  has(id: string): boolean
  /** True once the request is woken, false after `ms` milliseconds; rejects with the signal's reason. */
  sleep(id: string, ms: number, signal: AbortSignal): Promise<boolean>
  wake(id: string): void
  /** Wake with the news that no answer will come. */
  fail(id: string, cause: unknown): void
  failure(id: string): { readonly cause: unknown } | undefined
  end(id: string): void
}

interface Wait {
  bell: PromiseWithResolvers<boolean>
  failure?: { readonly cause: unknown }
}

/** Milliseconds beyond which a timer of Node's fires at once. */
export const LONGEST_TIMER: number = 2 ** 31 - 1

export function createWaits(): Waits {
  const waits = new Map<string, Wait>()

  return {
    claim: (id) => void waits.set(id, { bell: Promise.withResolvers() }),
    has: (id) => waits.has(id),
    async sleep(id, ms, signal) {
      signal.throwIfAborted()
      const wait = waits.get(id)
      if (!wait) return true
      const { promise, resolve, reject } = Promise.withResolvers<boolean>()
      const stop = (): void => reject(signal.reason as Error)
      const timer = setTimeout(resolve, Math.min(ms, LONGEST_TIMER), false)
      signal.addEventListener('abort', stop, { once: true })
      try {
        const woken = await Promise.race([promise, wait.bell.promise])
        // It may have been rung before the sleep began, and must ring again for the next.
        wait.bell = Promise.withResolvers()
        return woken
      } finally {
        clearTimeout(timer)
        signal.removeEventListener('abort', stop)
      }
    },
    wake: (id) => waits.get(id)?.bell.resolve(true),
    fail(id, cause) {
      const wait = waits.get(id)
      if (!wait) return
      wait.failure = { cause }
      wait.bell.resolve(true)
    },
    failure: (id) => waits.get(id)?.failure,
    end: (id) => void waits.delete(id),
  }
}
