import type { Awaitable } from '../policy/decision.ts'

/** What an agent did that it should not have to do often. */
export type Violation =
  /** A call that was refused. */
  | 'refusal'
  /** A call that a person said no to. */
  | 'rejected'
  /** A call that would have reached someone, or somewhere, it may not. */
  | 'destination'
  /** A call for which no token could be got. */
  | 'credential'

/** So much in so long. */
export interface Threshold {
  readonly limit: number
  readonly windowMs: number
}

export interface ViolationOptions {
  /** How much each counts. Default: refusal 1, credential 2, rejected and destination 3. */
  readonly weights?: Readonly<Partial<Record<Violation, number>>>
  /** When a run is stopped. Default: 30 in ten minutes. */
  readonly run?: Threshold
  /** When every run of the agent that adds to it is stopped. Default: never, since any user could bring it about. */
  readonly agent?: Threshold
}

/** What was too much, and of whom. */
export interface Trip {
  readonly of: 'run' | 'agent'
  readonly limit: number
  readonly windowMs: number
}

/** Adds up what a run and its agent do. */
export interface RunTally {
  /** Add an amount; what is too much now, if anything. */
  add(who: { readonly run: string; readonly agent: string }, amount: number): Awaitable<Trip | undefined>
}

/** A tally of this process alone, which knows at once. */
export interface LocalRunTally extends RunTally {
  add(who: Parameters<RunTally['add']>[0], amount: number): Trip | undefined
}

/** A tally of violations, each of which counts by its kind. */
export interface ViolationTally {
  add(who: Parameters<RunTally['add']>[0], violation: Violation): Awaitable<Trip | undefined>
}

const WEIGHTS: Readonly<Record<Violation, number>> = {
  refusal: 1,
  credential: 2,
  rejected: 3,
  destination: 3,
}
const RUN: Threshold = { limit: 30, windowMs: 600_000 }

/** Counts violations by run and by agent, in a tally of these thresholds. */
export function createViolations(
  { weights = {}, run = RUN, agent }: ViolationOptions,
  tallyOf: (of: { readonly run: Threshold; readonly agent: Threshold | undefined }) => RunTally,
): ViolationTally {
  const tally = tallyOf({ run, agent })
  const all = { ...WEIGHTS, ...weights }
  return { add: (who, violation) => tally.add(who, all[violation]) }
}

/**
 * Adds up amounts in a sliding window, for each run and for each agent, in this process. Reaching the limit is too
 * much.
 *
 * A clock that goes back forgets nothing. A run that was stopped starts from nothing if a person lets it go on.
 */
export function createRunTally(
  { run, agent }: { readonly run?: Threshold | undefined; readonly agent?: Threshold | undefined },
  { now, capacity = 10_000 }: { readonly now: () => Date; readonly capacity?: number },
): LocalRunTally {
  const runs = run && createTally(run, capacity)
  const agents = agent && createTally(agent, capacity)
  let latest = Number.NEGATIVE_INFINITY
  return {
    add(who, amount) {
      if (!(amount > 0)) return undefined
      latest = Math.max(latest, now().getTime())
      const ofRun = runs?.add(who.run, amount, latest) === true
      const ofAgent = agents?.add(who.agent, amount, latest) === true
      if (ofRun && run !== undefined) {
        runs?.clear(who.run)
        return { of: 'run', ...run }
      }
      return ofAgent && agent !== undefined ? { of: 'agent', ...agent } : undefined
    },
  }
}

const SLICES = 16

interface Tally {
  add(key: string, amount: number, at: number): boolean
  clear(key: string): void
}

function createTally({ limit, windowMs }: Threshold, capacity: number): Tally {
  const length = windowMs / SLICES
  const kept = new Map<string, { slice: number; amount: number }[]>()
  const isOver = (slice: number, at: number): boolean => (slice + 1) * length + windowMs <= at
  return {
    add(key, amount, at) {
      const slices = (kept.get(key) ?? []).filter(({ slice }) => !isOver(slice, at))
      const slice = Math.floor(at / length)
      const last = slices.at(-1)
      if (last?.slice === slice) last.amount += amount
      else slices.push({ slice, amount })
      kept.delete(key)
      kept.set(key, slices)
      // Oldest first: whoever did nothing for a whole window has nothing to remember.
      for (const [other, of] of kept) {
        if (kept.size <= capacity && !isOver(of.at(-1)?.slice ?? 0, at)) break
        if (other !== key) kept.delete(other)
      }
      return slices.reduce((sum, one) => sum + one.amount, 0) >= limit
    },
    clear: (key) => void kept.delete(key),
  }
}
