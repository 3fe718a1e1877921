import { ConfigError } from '../errors.ts'
import type { HaltEvent, HaltRecord } from './halt.ts'
import { checkedReason, type HaltScope, keyOf } from './halt-scope.ts'

const VERSION = 1

/** One line of the shared log. A resume lifts the halts that whoever resumed could see, and no later ones. */
export interface HaltEntry extends HaltEvent {
  readonly id: string
  readonly lifts: readonly string[]
}

/** What stood once the log had been read up to a place: whoever begins with it needs no line before that. */
export interface HaltSummary {
  readonly action: 'standing'
  readonly place: number
  readonly halts: readonly HaltEntry[]
}

/** The halts of a scope by id, the oldest first. Two processes may halt the same scope at the same time. */
export type StandingHalts = Map<string, Map<string, HaltRecord>>

export function writeEntry({ id, action, scope, by, reason, at, lifts }: HaltEntry): string {
  return JSON.stringify({ v: VERSION, id, action, scope, by, reason, at, lifts })
}

export function writeSummary(place: number, standing: StandingHalts): string {
  const halts = [...standing.values()].flatMap((of) =>
    [...of].map(([id, { scope, by, reason, at }]) => ({
      v: VERSION,
      id,
      action: 'halt',
      scope,
      by,
      reason,
      at,
      lifts: [],
    })),
  )
  return JSON.stringify({ v: VERSION, action: 'standing', place, halts })
}

/**
 * Read a line of the log.
 *
 * @throws {ConfigError} If it cannot be understood. What it halts is unknown then, so nothing may go on.
 */
export function readLine(text: string): HaltEntry | HaltSummary {
  let read: Record<string, unknown>
  try {
    read = JSON.parse(text) as Record<string, unknown>
  } catch {
    throw unreadable()
  }
  const { v, action, place, halts } = read ?? {}
  if (action !== 'standing') return entryOf(read)
  if (v !== VERSION || !Number.isSafeInteger(place) || !Array.isArray(halts)) throw unreadable()
  return { action, place: place as number, halts: halts.map(entryOf) }
}

function entryOf(read: Record<string, unknown> | null): HaltEntry {
  const { v, id, action, scope, by, reason, at, lifts } = read ?? {}
  const time = new Date(String(at))
  const isEntry =
    v === VERSION &&
    typeof id === 'string' &&
    (action === 'halt' || action === 'resume') &&
    typeof scope === 'object' &&
    scope !== null &&
    !Number.isNaN(time.getTime()) &&
    Array.isArray(lifts) &&
    lifts.every((one) => typeof one === 'string')
  if (!isEntry) throw unreadable()
  const why = checkedReason({ by: by as string, reason: reason as string })
  keyOf(scope as HaltScope)
  return { id, action, scope: Object.freeze(scope as HaltScope), ...why, at: time, lifts }
}

/** Add what an entry says to what stands. The same entry again changes nothing. */
export function addEntry(standing: StandingHalts, entry: HaltEntry): void {
  const key = keyOf(entry.scope)
  const halts = standing.get(key) ?? new Map<string, HaltRecord>()
  if (entry.action === 'halt') {
    const { scope, by, reason, at } = entry
    if (!halts.has(entry.id)) halts.set(entry.id, Object.freeze({ scope, by, reason, at }))
  } else for (const id of entry.lifts) halts.delete(id)
  if (halts.size === 0) standing.delete(key)
  else standing.set(key, halts)
}

export function copyOf(standing: StandingHalts): StandingHalts {
  return new Map([...standing].map(([key, halts]) => [key, new Map(halts)]))
}

function unreadable(): ConfigError {
  return new ConfigError(
    'halts.log',
    'an entry that this version cannot read',
    `entries of version ${VERSION}: a newer Gatewright has been here; update @gatewright/runtime in this process`,
  )
}
