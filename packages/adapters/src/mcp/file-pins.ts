import { randomUUID } from 'node:crypto'
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { ConfigError } from '@gatewright/runtime'
import { isObject } from './definition.ts'
import { type Pin, type PinStore, readPins, writtenPins } from './pins.ts'

const VERSION = 1

/**
 * Pins in a JSON file, to stand beside the code under version control: who accepted what is then in its history.
 *
 * Whoever may write the file may accept a tool. A file that is not there holds no pins, so every tool is refused.
 */
export function filePins(path: string): PinStore {
  const readAll = async (signal: AbortSignal): Promise<Record<string, unknown>> => {
    const text = await readFile(path, { encoding: 'utf8', signal }).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    })
    if (text === undefined) return {}
    const { version, servers } = parsed(path, text)
    if (version !== VERSION) throw new ConfigError(`${path}: version`, version, String(VERSION))
    if (!isObject(servers)) throw new ConfigError(`${path}: servers`, servers, 'an object of servers by name')
    return { ...servers }
  }
  const pinsOf = (servers: Record<string, unknown>, server: string): ReadonlyMap<string, Pin> =>
    Object.hasOwn(servers, server) ? readPins(servers[server], `${path}: ${server}`) : new Map()
  return {
    async read(server, { signal }) {
      return pinsOf(await readAll(signal), server)
    },
    async write(server, pins, removed, { signal }) {
      const servers = await readAll(signal)
      const kept = new Map(pinsOf(servers, server))
      for (const tool of removed) kept.delete(tool)
      for (const pin of pins) kept.set(pin.definition.name, pin)
      const next = Object.fromEntries(
        Object.entries({ ...servers, [server]: writtenPins(kept.values()) }).toSorted(([a], [b]) =>
          a < b ? -1 : 1,
        ),
      )
      // A reader never sees half a file.
      const beside = `${path}.${randomUUID()}`
      try {
        await writeFile(
          beside,
          `${visible(JSON.stringify({ version: VERSION, servers: next }, null, 2))}\n`,
          {
            signal,
          },
        )
        await rename(beside, path)
      } catch (error) {
        await rm(beside, { force: true })
        throw error
      }
    },
  }
}

/** The same JSON, with characters that a reviewer would not see written as escapes. */
function visible(json: string): string {
  return json.replaceAll(/(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu, (one) =>
    Array.from(
      { length: one.length },
      (_, index) => `\\u${one.charCodeAt(index).toString(16).padStart(4, '0')}`,
    ).join(''),
  )
}

function parsed(path: string, text: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new ConfigError(path, 'text that is no JSON', 'pins as JSON')
  }
  if (!isObject(value)) throw new ConfigError(path, value, 'an object { version, servers }')
  return value
}
