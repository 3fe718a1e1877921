import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import type { Store } from '../store/store.ts'
import type { HaltHookResult, HaltRecord, Halts } from './halt.ts'
import { type HaltScope, keyOf } from './halt-scope.ts'
import type { CallInFlight, InFlight } from './in-flight.ts'

/** What one process did about a halt that it heard of, for whoever called it elsewhere. */
export interface HaltReport {
  /** `agent:id@version` of the guard there. */
  readonly agent: string
  /** What had to follow the halt there, and whether it did. Undefined while it is still being done. */
  readonly hooks: readonly { readonly name: string; readonly confirmed: boolean }[] | undefined
  /** Calls there that were told to stop and had not by then. */
  readonly stillRunning: readonly CallInFlight[]
}

export interface HaltReporting extends Disposable {
  /** Learn of what follows a halt. A halt that nothing follows need not be told of. */
  follows(halt: HaltRecord, results: Promise<readonly HaltHookResult[]>): void
}

export interface HaltReportingOptions {
  readonly store: Store
  readonly halts: Halts
  readonly agent: string
  readonly inFlight: InFlight
  readonly newId: () => string
}

const KEPT_MS = 10 * 60_000

/** Tell in the store what came of each halt here. A report that cannot be written is none: the halt stands. */
export function reportHalts(options: HaltReportingOptions): HaltReporting {
  const { store, halts, agent, inFlight, newId } = options
  const me = newId()
  const following = new Map<string, Promise<readonly HaltHookResult[]>>()
  const closing = new AbortController()
  const { signal } = closing

  async function write(halt: HaltRecord, said: Omit<HaltReport, 'agent'>): Promise<void> {
    const key = `${prefixOf(halt.scope)}${me}`
    const found = await store.get(key, { signal })
    const value = JSON.stringify({ ...said, agent, at: halt.at })
    await store.compareAndSet(key, found?.version ?? 0, value, { signal, ttlMs: KEPT_MS })
  }

  async function report(halt: HaltRecord): Promise<void> {
    // What follows it is started by another listener.
    await Promise.resolve()
    const results = following.get(keyOf(halt.scope))
    following.delete(keyOf(halt.scope))
    if (results !== undefined) await write(halt, { hooks: undefined, stillRunning: [] })
    const hooks = ((await results) ?? []).map(({ name, confirmed }) => ({ name, confirmed }))
    await turn()
    await write(halt, { hooks, stillRunning: inFlight.stillRunning(halt.scope, halt.at) })
  }

  const stop = halts.subscribe(({ action, ...halt }) => {
    if (action === 'halt') report(halt).catch(() => {})
  })
  return {
    follows: (halt, results) => void following.set(keyOf(halt.scope), results),
    [Symbol.dispose]() {
      stop()
      closing.abort()
    },
  }
}

const FIRST_MS = 400
const PAUSE_MS = 40

/**
 * What the processes of a store did about a halt: each guard that has the store as its `store` reports for ten minutes.
 *
 * Waits for those that are still at it, for as long as the signal lets it; then tells what is known.
 */
export async function haltReports(
  store: Store,
  { scope, at }: Pick<HaltRecord, 'scope' | 'at'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<readonly HaltReport[]> {
  let known: readonly HaltReport[] = []
  for (let waited = 0; ; waited += PAUSE_MS) {
    try {
      const found = await store.list(prefixOf(scope), { signal })
      known = found.flatMap(({ value }) => readReport(value, at))
      const isOver = known.length > 0 && known.every(({ hooks }) => hooks !== undefined)
      if (waited >= FIRST_MS && (isOver || known.length === 0)) return known
      await sleep(PAUSE_MS, undefined, { signal })
    } catch (error) {
      if (signal.aborted) return known
      throw error
    }
  }
}

function prefixOf(scope: HaltScope): string {
  return `halt-report/${encodeURIComponent(keyOf(scope))}/`
}

/** One of this halt, and not of an earlier one of the same scope. */
function readReport(text: string, at: Date): HaltReport[] {
  try {
    const read = JSON.parse(text) as HaltReport & { at: string }
    if (new Date(read.at).getTime() !== at.getTime()) return []
    const stillRunning = read.stillRunning.map(({ since, stoppedAt, ...call }) => ({
      ...call,
      since: new Date(since),
      stoppedAt: stoppedAt && new Date(stoppedAt),
    }))
    return [{ agent: read.agent, hooks: read.hooks, stillRunning }]
  } catch {
    return []
  }
}
