import { UnavailableError } from '../errors.ts'
import type { Store, StoreEntry } from '../store/store.ts'
import type { HaltEvent, HaltRecord } from './halt.ts'
import {
  addEntry,
  copyOf,
  type HaltEntry,
  type HaltSummary,
  readLine,
  type StandingHalts,
  writeEntry,
  writeSummary,
} from './halt-log.ts'

const LOG = 'halts'
/** Lines of the log that whoever begins may have to read, before they are summed up. */
const LONGEST_LOG = 200

/** The shared log of halts as one process knows it. */
export interface HaltFeed {
  /** The place in the log up to which it was read. */
  readonly seen: number
  standing(key: string): HaltRecord | undefined
  list(): readonly HaltRecord[]
  /** The ids of the halts of a scope. */
  idsOf(key: string): readonly string[]
  /** In force here from now on, whatever becomes of the store. */
  add(entry: HaltEntry): void
  /** Write an entry; its place in the log. A halt that cannot be written is kept, for `catchUp` to write. */
  append(entry: HaltEntry, signal: AbortSignal): Promise<number>
  /**
   * Read what is new, write what is still unwritten.
   *
   * @throws {UnavailableError} `ERR_STORE_FORGOT`, if what was read once is not there any more.
   */
  catchUp(signal: AbortSignal): Promise<void>
  /** Whether the log has become so long that it is time to sum it up. */
  isLong(): boolean
  /** Write down what stands, and drop what led there. Only what every live process has read may go. */
  sumUp(signal: AbortSignal): Promise<void>
  /** Read everything again, next time. What is known now and not found then is written again. */
  startAfresh(): void
}

export interface HaltFeedOptions {
  readonly store: Store
  /** Hears what `add` and `catchUp` changed, by the key of its scope. */
  readonly changed: (key: string, event: HaltEvent) => void
}

export function createHaltFeed({ store, changed }: HaltFeedOptions): HaltFeed {
  const unwritten = new Map<string, HaltEntry>()
  let standing: StandingHalts = new Map()
  let seen = 0
  let last: string | undefined
  let isAfresh = false
  let summedUp = 0

  function first(key: string): HaltRecord | undefined {
    return standing.get(key)?.values().next().value
  }

  function become(next: StandingHalts, resumes: ReadonlyMap<string, HaltEntry>): void {
    const before = standing
    standing = next
    for (const key of next.keys()) {
      const record = first(key)
      if (!before.has(key) && record !== undefined) changed(key, { ...record, action: 'halt' })
    }
    for (const key of before.keys()) {
      const resume = resumes.get(key)
      if (next.has(key) || resume === undefined) continue
      const { scope, by, reason, at } = resume
      changed(key, { scope, by, reason, at, action: 'resume' })
    }
  }

  async function news(signal: AbortSignal): Promise<{ lines: StoreEntry[]; isCut: boolean }> {
    const lines: StoreEntry[] = []
    // The last line is read again: a log that lost it has gone back to older data, however long it has grown since.
    let expected = last
    let place = expected === undefined ? 0 : seen - 1
    let isCut = false
    for (;;) {
      const found = await store.read(LOG, place, { signal })
      const [next] = found
      let fresh = found
      if (expected !== undefined) {
        isCut = next !== undefined && next.seq > seen
        if (!isCut && next?.entry !== expected) throw forgot()
        // It may have been summed up meanwhile. A store that went back, and was summed up since, has lost our mark.
        if (isCut) await store.epoch({ signal })
        else fresh = found.slice(1)
      } else if (next !== undefined && next.seq > place + 1) {
        // What was summed up while it was being read is read again, from the beginning.
        if (lines.length > 0) throw forgot()
        isCut = true
      }
      expected = undefined
      place = found.at(-1)?.seq ?? place
      if (fresh.length === 0) return { lines, isCut }
      lines.push(...fresh)
    }
  }

  function take({ lines, isCut }: { readonly lines: readonly StoreEntry[]; readonly isCut: boolean }): void {
    const newest = lines.at(-1)
    if (newest === undefined && !isAfresh) return
    // Before anything is taken as read: a line that cannot be understood has to stop it every time.
    const read = lines.map(({ seq, entry }) => ({ seq, line: readLine(entry) }))
    const summary = newestSummary(read.map(({ line }) => line))
    if (isCut && (summary === undefined || summary.place < (lines[0]?.seq ?? 0) - 1)) throw forgot()
    seen = newest?.seq ?? 0
    last = newest?.entry ?? last
    summedUp = Math.max(summedUp, summary?.place ?? 0)
    const from = isCut ? summary : undefined
    const next: StandingHalts = isAfresh || from !== undefined ? new Map() : copyOf(standing)
    const found = new Set<string>()
    const resumes = new Map<string, HaltEntry>()
    const later = read.filter(({ seq }) => seq > (from?.place ?? 0)).map(({ line }) => line)
    for (const entry of [...(from?.halts ?? []), ...later]) {
      if (entry.action === 'standing') continue
      addEntry(next, entry)
      found.add(entry.id)
      unwritten.delete(entry.id)
      if (entry.action === 'resume') resumes.set(keyIn(standing, entry.lifts) ?? '', entry)
    }
    if (isAfresh) keep(found)
    for (const entry of unwritten.values()) addEntry(next, entry)
    isAfresh = false
    become(next, resumes)
  }

  /** A store that forgot a halt is told again; whoever resumed it since has to say so again. */
  function keep(found: ReadonlySet<string>): void {
    for (const halts of standing.values())
      for (const [id, record] of halts)
        if (!found.has(id)) unwritten.set(id, { ...record, id, action: 'halt', lifts: [] })
  }

  return {
    get seen() {
      return seen
    },
    standing: first,
    list: () => [...standing.keys()].flatMap((key) => first(key) ?? []),
    idsOf: (key) => [...(standing.get(key)?.keys() ?? [])],
    add(entry) {
      const next = copyOf(standing)
      addEntry(next, entry)
      for (const id of entry.lifts) unwritten.delete(id)
      const key = keyIn(standing, entry.lifts)
      become(next, key === undefined ? new Map() : new Map([[key, entry]]))
    },
    async append(entry, signal) {
      try {
        return await store.append(LOG, writeEntry(entry), { signal })
      } catch (error) {
        if (entry.action === 'halt') unwritten.set(entry.id, entry)
        throw error
      }
    },
    async catchUp(signal) {
      take(await news(signal))
      if (unwritten.size === 0) return
      for (const entry of unwritten.values()) await store.append(LOG, writeEntry(entry), { signal })
      take(await news(signal))
    },
    isLong: () => seen - summedUp > LONGEST_LOG && unwritten.size === 0 && last !== undefined,
    async sumUp(signal) {
      const place = seen
      // First the summary, then the end of what it stands for. Its last line stays, to be known again by.
      await store.append(LOG, writeSummary(place, standing), { signal })
      await store.trim(LOG, place, { signal })
      summedUp = place
    },
    startAfresh() {
      seen = 0
      last = undefined
      summedUp = 0
      isAfresh = true
    },
  }
}

function keyIn(standing: StandingHalts, ids: readonly string[]): string | undefined {
  for (const [key, halts] of standing) if (ids.some((id) => halts.has(id))) return key
  return undefined
}

function newestSummary(lines: readonly (HaltEntry | HaltSummary)[]): HaltSummary | undefined {
  const summaries = lines.filter((line) => line.action === 'standing')
  return summaries.toSorted((a, b) => a.place - b.place).at(-1)
}

function forgot(): UnavailableError {
  return new UnavailableError('ERR_STORE_FORGOT', 'The store has gone back to older data.')
}
