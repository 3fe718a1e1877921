import { setTimeout as sleep } from 'node:timers/promises'

/** Asks until there is an answer, as a caller does who tries again under the same id: any disk can be slow once. */
export async function insist<T>(ask: () => T | PromiseLike<T>): Promise<T> {
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'ERR_STORE_UNAVAILABLE') throw error
      await sleep(20)
    }
}
