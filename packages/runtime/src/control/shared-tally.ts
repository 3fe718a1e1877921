import type { Store, StoreLimit } from '../store/store.ts'
import { accountKey } from './quota.ts'
import type { RunTally, Threshold, Trip } from './violation.ts'

export interface SharedTallyOptions {
  readonly store: Store
  /** What is counted: two tallies of one store count apart. */
  readonly kind: string
  readonly run: Threshold | undefined
  readonly agent: Threshold | undefined
  /** An amount in whole numbers, which any store can count. */
  readonly whole: (amount: number) => number
  readonly newId: () => string
}

type Who = Parameters<RunTally['add']>[0]

/** How long a store may take to count before this process's own count has to do. */
const WAIT_MS = 5000

/**
 * A tally that all processes of a store add to, so that a run or an agent that goes on in another process does not
 * start from nothing there.
 *
 * This process counts as well: a store that is out of reach, or forgot, makes nothing count for less than it does
 * here. Who is let go on by a person starts from nothing in all of them.
 */
export function sharedRunTally(local: RunTally, options: SharedTallyOptions): RunTally {
  const { store, kind, run, agent, whole, newId } = options

  async function runTrip(
    who: Who,
    amount: number,
    isDueHere: boolean,
    signal: AbortSignal,
  ): Promise<boolean> {
    if (run === undefined) return false
    const round = roundKey(kind, who)
    const { version = 0 } = (await store.get(round, { signal })) ?? {}
    const account = limitOf(`${kind} ${version}`, 'run', who, run, amount)
    const { ok } = await store.reserve(`${kind}-${newId()}`, [account], HELD_MS, { signal })
    if (!ok || isDueHere) await startAfresh(round, version, run, signal)
    return !ok
  }

  async function agentTrip(who: Who, amount: number, signal: AbortSignal): Promise<boolean> {
    if (agent === undefined) return false
    const account = limitOf(kind, 'agent', who, agent, amount)
    const { ok } = await store.reserve(`${kind}-${newId()}`, [account], HELD_MS, { signal })
    if (ok) return false
    // It counts all the same, so that a lighter one after it does not find room.
    const beyond = { ...account, limit: Number.MAX_SAFE_INTEGER }
    await store.reserve(`${kind}-${newId()}`, [beyond], HELD_MS, { signal })
    return true
  }

  /** A window cannot be emptied, so the run's next violations go into another account. */
  async function startAfresh(
    key: string,
    version: number,
    of: Threshold,
    signal: AbortSignal,
  ): Promise<void> {
    await store.compareAndSet(key, version, 'again', { signal, ttlMs: 2 * windowOf(of) })
  }

  function limitOf(
    kindOf: string,
    per: 'run' | 'agent',
    who: Who,
    threshold: Threshold,
    amount: number,
  ): StoreLimit {
    return {
      key: accountKey(kindOf, null, per, scopeOf(who)),
      // Reaching the limit is too much already, and the store refuses what goes beyond it.
      limit: whole(threshold.limit) - 1,
      amount: whole(amount),
      windowMs: windowOf(threshold),
      sliding: true,
    }
  }

  return {
    async add(who, amount) {
      const here = await local.add(who, amount)
      if (!(amount > 0)) return here
      const signal = AbortSignal.timeout(WAIT_MS)
      try {
        const [ofRun, ofAgent] = await Promise.all([
          runTrip(who, amount, here?.of === 'run', signal),
          agentTrip(who, amount, signal),
        ])
        return here ?? trip('run', ofRun, run) ?? trip('agent', ofAgent, agent)
      } catch {
        // The halts of a process that cannot reach its store are about to lapse anyway.
        return here
      }
    },
  }
}

/** Never settled: it stays charged as it was reserved. */
const HELD_MS = 1

function trip(of: Trip['of'], isDue: boolean, threshold: Threshold | undefined): Trip | undefined {
  return isDue && threshold !== undefined ? { of, ...threshold } : undefined
}

function roundKey(kind: string, who: Who): string {
  return `tally/${accountKey(`${kind} round`, null, 'run', scopeOf(who))}`
}

function scopeOf({ run, agent }: Who): Parameters<typeof accountKey>[3] {
  return { run, agent, session: undefined, user: '', tool: '', tenant: undefined }
}

function windowOf({ windowMs }: Threshold): number {
  return Math.max(1, Math.ceil(windowMs))
}
