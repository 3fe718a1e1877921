import { createHash } from 'node:crypto'
import type { Store, StoreCall } from '@gatewright/runtime/store'

/** A request for consent, as it waits in the store for the user to come back. */
export interface Pending {
  readonly subject: `user:${string}`
  readonly run: string
  /** PKCE (RFC 7636): without it a stolen code is worth nothing. */
  readonly verifier: string
  readonly nonce: string
  readonly resource: string
  readonly scopes: readonly string[]
  /** Milliseconds since 1970. */
  readonly expires: number
}

export type Answer = 'granted' | 'refused'

/** Requests that wait, by the `state` that only the user's link holds. */
export interface PendingConsents {
  add(state: string, pending: Pending, call: StoreCall): Promise<void>
  /** Take a request out, once. */
  take(state: string, call: StoreCall): Promise<Pending | undefined>
  answer(state: string, answer: Answer, call: StoreCall): Promise<void>
  /** Resolves with the answer, or with undefined once the signal fires. */
  answered(state: string, call: StoreCall): Promise<Answer | undefined>
}

const ROOT = 'consent/'

export function pendingConsents(store: Store, options: { readonly lastsMs: number }): PendingConsents {
  const ttlMs = options.lastsMs
  // By digest: who can list the keys of a store cannot answer in somebody's name.
  const digest = (state: string): string => createHash('sha256').update(state).digest('base64url')
  const pendingKey = (state: string): string => `${ROOT}pending/${digest(state)}`
  const answerKey = (state: string): string => `${ROOT}answer/${digest(state)}`

  async function read(state: string, call: StoreCall): Promise<Answer | undefined> {
    const found = await store.get(answerKey(state), call)
    return found?.value === 'granted' || found?.value === 'refused' ? found.value : undefined
  }

  return {
    async add(state, pending, call) {
      await store.compareAndSet(pendingKey(state), 0, JSON.stringify(pending), { ...call, ttlMs })
    },
    async take(state, call) {
      const found = await store.consume(pendingKey(state), call)
      return found === undefined ? undefined : (JSON.parse(found) as Pending)
    },
    async answer(state, answer, call) {
      await store.compareAndSet(answerKey(state), 0, answer, { ...call, ttlMs })
    },
    async answered(state, { signal }) {
      const { promise, resolve, reject } = Promise.withResolvers<Answer | undefined>()
      const look = (): void => {
        if (!signal.aborted) read(state, { signal }).then((answer) => answer && resolve(answer), reject)
      }
      const late = (): void => resolve(undefined)
      signal.addEventListener('abort', late, { once: true })
      try {
        using _watch = await store.watch(answerKey(state), look, { signal })
        look()
        return await promise
      } catch (error) {
        if (signal.aborted) return undefined
        throw error
      } finally {
        signal.removeEventListener('abort', late)
      }
    },
  }
}
