import { ConfigError, GuardError } from '../errors.ts'
import type { Authentication } from './authentication.ts'

/** For how long a run may act for its subject. */
export interface SubjectTerm extends Disposable {
  /** Undefined where the application set no end. */
  readonly until: Date | undefined
  /** Whether it is over, by the clock of the guard. The first look that finds it over aborts the run. */
  isOver(): boolean
}

export interface SubjectTermOptions {
  readonly until: Date | undefined
  readonly now: () => Date
  readonly abort: (reason: GuardError) => void
}

const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * The term of a run. It is looked at before each call, after each wait and before each request to a model, whatever a
 * timer says: one that was late, or slept with its machine, lets nothing through. The timer is for what is under way.
 */
export function subjectTerm({ until, now, abort }: SubjectTermOptions): SubjectTerm {
  if (until === undefined) return ENDLESS
  const end = until.getTime()
  let timer: NodeJS.Timeout | undefined
  const isOver = (): boolean => {
    // A clock that gives no time must not read as one before the end.
    if (now().getTime() < end) return false
    clearTimeout(timer)
    abort(subjectExpired())
    return true
  }
  const wait = (): void => {
    const left = Math.max(1, Math.min(end - now().getTime(), LONGEST_TIMER_MS))
    timer = setTimeout(() => isOver() || wait(), left).unref()
  }
  if (!isOver()) wait()
  return { until, isOver, [Symbol.dispose]: () => clearTimeout(timer) }
}

const ENDLESS: SubjectTerm = { until: undefined, isOver: () => false, [Symbol.dispose]: () => {} }

/**
 * When the authentication of a subject ends: never after that of the run that this one is part of.
 *
 * @throws {ConfigError} If it is no time.
 */
export function endOfSubject(given: Authentication | undefined, parent: Date | undefined): Date | undefined {
  const { until } = (given ?? {}) as { readonly until?: unknown }
  if (until === undefined) return parent
  if (!(until instanceof Date && Number.isFinite(until.getTime())))
    throw new ConfigError('authentication.until', until, 'a time, or nothing')
  // A copy, since whoever has a Date can set it.
  return new Date(Math.min(until.getTime(), parent?.getTime() ?? Infinity))
}

/** What a run is told whose user is not authenticated any more. */
export function subjectExpired(): GuardError {
  return new GuardError('ERR_SUBJECT_EXPIRED', 'The authentication of the user has expired.')
}
