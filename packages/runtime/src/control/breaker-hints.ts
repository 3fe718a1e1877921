import type { Store, StoreChange } from '../store/store.ts'
import type { BreakerChange, Breakers } from './breaker.ts'

export interface BreakerHintsOptions {
  readonly store: Store
  /** Opens the breaker of this process. */
  readonly hear: Breakers['hear']
  /** How long a hint is worth anything. */
  readonly openMs: number
  readonly newId: () => string
}

/** What processes tell each other of tools that fail. */
export interface BreakerHints extends Disposable {
  /** Tell the others of a breaker that opened. Nobody waits for it, and a failure is nothing. */
  publish(change: BreakerChange): void
}

const PREFIX = 'breaker/'
const AGAIN_MS = 2000

/**
 * Breakers that hint to each other through a store: one process that finds a tool failing saves the others from
 * finding out for themselves.
 *
 * Only an open breaker is told of. Nothing that another process says closes one here: this process tries for itself.
 */
export function createBreakerHints({ store, hear, openMs, newId }: BreakerHintsOptions): BreakerHints {
  const me = newId()
  const closing = new AbortController()
  const { signal } = closing
  let watch: Disposable | undefined
  let retry: NodeJS.Timeout | undefined

  async function listen(): Promise<void> {
    try {
      const made = await store.watch(PREFIX, heard, { signal })
      if (signal.aborted) return made[Symbol.dispose]()
      watch = made
      await readAll()
    } catch {
      if (!signal.aborted && watch === undefined) retry = setTimeout(() => void listen(), AGAIN_MS).unref()
    }
  }

  function heard(change: StoreChange): void {
    const reading = change.kind === 'gap' ? readAll() : readOne(change.key)
    reading.catch(() => {})
  }

  async function readAll(): Promise<void> {
    for (const { value } of await store.list(PREFIX, { signal })) take(value)
  }

  async function readOne(key: string): Promise<void> {
    const found = await store.get(key, { signal })
    if (found !== undefined) take(found.value)
  }

  function take(text: string): void {
    const hint = readHint(text)
    if (hint !== undefined && hint.by !== me && !signal.aborted) hear(hint.tool, hint.tenant ?? undefined)
  }

  async function tell({ tool, tenant }: BreakerChange): Promise<void> {
    const name = [tool, tenant ?? null]
    const key = `${PREFIX}${encodeURIComponent(JSON.stringify(name))}`
    const value = JSON.stringify({ by: me, tool, tenant: tenant ?? null })
    const found = await store.get(key, { signal })
    // Who loses to another writer has nothing to add.
    await store.compareAndSet(key, found?.version ?? 0, value, { signal, ttlMs: openMs })
  }

  void listen()

  return {
    publish(change) {
      if (change.state === 'open' && !signal.aborted) tell(change).catch(() => {})
    },
    [Symbol.dispose]() {
      closing.abort()
      clearTimeout(retry)
      watch?.[Symbol.dispose]()
    },
  }
}

function readHint(text: string): { by: string; tool: string; tenant: string | null } | undefined {
  try {
    const { by, tool, tenant } = JSON.parse(text) as Record<string, unknown>
    if (typeof by !== 'string' || typeof tool !== 'string') return undefined
    return tenant === null || typeof tenant === 'string' ? { by, tool, tenant } : undefined
  } catch {
    return undefined
  }
}
