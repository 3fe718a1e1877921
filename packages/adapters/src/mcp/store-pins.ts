import { ConfigError, UnavailableError } from '@gatewright/runtime'
import type { Store } from '@gatewright/runtime/store'
import { type Pin, type PinStore, readPins, writtenPins } from './pins.ts'

const MOST_TRIES = 20

/** Pins in the shared store, so that one acceptance holds in every process. Whoever may write the store may accept. */
export function storePins(store: Store): PinStore {
  const keyOf = (server: string): string => `mcp-pins:${server}`
  const pinsIn = (server: string, value: string | undefined): ReadonlyMap<string, Pin> => {
    if (value === undefined) return new Map()
    let written: unknown
    try {
      written = JSON.parse(value)
    } catch {
      throw new ConfigError(`pins of ${server}`, 'text that is no JSON', 'pins as JSON')
    }
    return readPins(written, `pins of ${server}`)
  }
  return {
    async read(server, call) {
      return pinsIn(server, (await store.get(keyOf(server), call))?.value)
    },
    async write(server, pins, removed, call) {
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        const record = await store.get(keyOf(server), call)
        const kept = new Map(pinsIn(server, record?.value))
        for (const tool of removed) kept.delete(tool)
        for (const pin of pins) kept.set(pin.definition.name, pin)
        const text = JSON.stringify(writtenPins(kept.values()))
        const version = await store.compareAndSet(keyOf(server), record?.version ?? 0, text, call)
        if (version !== undefined) return
      }
      throw new UnavailableError('ERR_STORE_UNAVAILABLE', 'The pins are being written by too many at once.')
    },
  }
}
