import type { Store, StoreCall } from '../store/store.ts'
import { UnavailableError } from '../errors.ts'
import type { LiveCredential } from './held-token.ts'

const ROOT = 'credentials/live/'
// How long the record of a token outlasts it, since clocks differ.
const KEPT_MS = 60_000

/** The records of tokens in a store that processes share: everything about them but their values. */
export interface Inventory {
  /** @throws {UnavailableError} `ERR_STORE_UNAVAILABLE`, if it could not be written. */
  put(credential: LiveCredential, now: Date, call: StoreCall): Promise<void>
  list(call: StoreCall): Promise<readonly LiveCredential[]>
}

export function createInventory(store: Store): Inventory {
  return {
    async put(credential, now, { signal }) {
      const key = `${agentPrefix(credential.agent)}/${credential.id}`
      const ttlMs = Math.max(1, Date.parse(credential.expires) - now.getTime() + KEPT_MS)
      // Only the process that holds the token writes its record; a lost answer is why it may have to look.
      for (let tries = 0; tries < 3; tries += 1) {
        const found = await store.get(key, { signal })
        const written = await store.compareAndSet(key, found?.version ?? 0, JSON.stringify(credential), {
          signal,
          ttlMs,
        })
        if (written !== undefined) return
      }
      throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The record of a token could not be written.')
    },
    list: (call) => liveCredentials(store, {}, call),
  }
}

/**
 * Which tokens exist, by the records of every process that shares a store: those of one agent (`support`, or
 * `support@2.4.1`), or all.
 */
export async function liveCredentials(
  store: Store,
  { agent }: { readonly agent?: string | undefined },
  call: StoreCall,
): Promise<readonly LiveCredential[]> {
  const name = agent?.replace(/^agent:/, '')
  const prefix = name === undefined ? ROOT : agentPrefix(`agent:${name}`)
  const records = await store.list(prefix, call)
  return records
    .map(({ value }) => JSON.parse(value) as LiveCredential)
    .filter(
      (one) => name === undefined || one.agent === `agent:${name}` || one.agent.startsWith(`agent:${name}@`),
    )
}

function agentPrefix(actor: string): string {
  return `${ROOT}${encodeURIComponent(actor.slice('agent:'.length))}`
}
