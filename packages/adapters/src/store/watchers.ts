import { type StoreChange, told } from '@gatewright/runtime/store'

interface Watcher {
  readonly prefix: string
  readonly listener: (change: StoreChange) => void
}

/** The watches of one client of a store, all fed by one connection that is open while there are any. */
export interface Watchers {
  add(prefix: string, listener: (change: StoreChange) => void, signal: AbortSignal): Promise<Disposable>
  changed(key: string): void
  gap(cause?: unknown): void
  close(): void
}

/** `connect` resolves once changes are heard, and lets go when its signal fires. */
export function createWatchers(connect: (signal: AbortSignal) => Promise<void>): Watchers {
  const watchers = new Set<Watcher>()
  let connected: { readonly heard: Promise<void>; readonly over: AbortController } | undefined

  function leave(watcher: Watcher): void {
    watchers.delete(watcher)
    if (watchers.size === 0) letGo()
  }

  function letGo(): void {
    connected?.over.abort()
    connected = undefined
  }

  async function heard(): Promise<void> {
    if (connected === undefined) {
      const over = new AbortController()
      connected = { over, heard: connect(over.signal) }
    }
    const mine = connected
    try {
      await mine.heard
    } catch (error) {
      // The next watch tries again.
      if (connected === mine) letGo()
      throw error
    }
  }

  return {
    async add(prefix, listener, signal) {
      const watcher: Watcher = { prefix, listener }
      watchers.add(watcher)
      const stop = (): void => leave(watcher)
      signal.addEventListener('abort', stop, { once: true })
      try {
        await heard()
        signal.throwIfAborted()
      } catch (error) {
        signal.removeEventListener('abort', stop)
        leave(watcher)
        throw error
      }
      return {
        [Symbol.dispose]() {
          signal.removeEventListener('abort', stop)
          stop()
        },
      }
    },
    changed(key) {
      for (const { prefix, listener } of watchers)
        if (key.startsWith(prefix)) told(listener, { kind: 'changed', key })
    },
    gap(cause) {
      for (const { listener } of watchers)
        told(listener, { kind: 'gap', ...(cause === undefined ? {} : { cause }) })
    },
    close() {
      for (const watcher of watchers) leave(watcher)
    },
  }
}
