import CircuitBreaker from 'opossum'

/** When calls of a tool stop because it fails. */
export interface BreakerOptions {
  /** Opens when more than this share of calls failed, in percent. Default 50. */
  readonly failurePercent?: number
  /** Never opens on fewer calls than this in the window. Default 10. */
  readonly fewest?: number
  /** The window over which calls are counted, in milliseconds. Default 10,000. */
  readonly windowMs?: number
  /** How long it stays open before one call may try, in milliseconds. Default 30,000. */
  readonly openMs?: number
  /** Whether an error of a tool is a failure of the tool, rather than of what it was asked. Default: every one is. */
  readonly isFailure?: (error: unknown, tool: string) => boolean
  /** Hears of a breaker that opened or closed by what this process saw. Nothing waits for it. */
  readonly onChange?: (change: BreakerChange) => void
}

export interface BreakerChange {
  readonly tool: string
  readonly tenant: string | undefined
  readonly state: 'open' | 'closed'
}

/** How a call went, as far as its tool is concerned. `none` says nothing: it was refused, or someone stopped it. */
export type BreakerOutcome = 'ok' | 'failed' | 'none'

/** Leave to call a tool. Say how it went, once. */
export interface BreakerTicket {
  done(outcome: BreakerOutcome): void
}

export interface Breakers {
  /** Leave to call the tool; or how long to stay away from it, in milliseconds. */
  enter(tool: string, tenant: string | undefined): BreakerTicket | { readonly retryAfterMs: number }
  /**
   * Take another process's word that a tool fails: open for as long as if it had failed here, then one call tries.
   *
   * It opens what is closed and does nothing else: it prolongs nothing, and a breaker that a call of this process has
   * just closed stays closed for as long as it had been open. So no hint keeps a tool from this process for good.
   */
  hear(tool: string, tenant: string | undefined): void
  /** How many breakers are kept. */
  readonly size: number
  /** Let go of all of them, and their timers. */
  close(): void
}

interface Kept {
  readonly breaker: CircuitBreaker<[outcome: Promise<unknown>], unknown>
  openedAt: number
  /** When a call of this process last found the tool back. */
  workedAt: number
}

export const BREAKER_OPEN_MS = 30_000

/** A refused or stopped call that was to try whether the tool is back. */
const NO_ANSWER = new Error('The call that was to try the tool said nothing about it.')
const FAILED = new Error('The tool failed.')

/**
 * A circuit breaker for each (tool, tenant), by opossum. What it counts is what this process saw.
 *
 * opossum runs the one call that tries a tool again, and is told how all others went. It would count a call that
 * a user stopped as a success, which closes a breaker that is half open: such calls are not counted at all, and
 * the one that tries leaves it open. Its own timeout would leave the work running and abort what shares the
 * breaker: deadlines are each call's own.
 *
 * A breaker is made at the first failure, so that tools that work cost nothing.
 */
export function createBreakers(
  { failurePercent = 50, fewest = 10, windowMs = 10_000, openMs = BREAKER_OPEN_MS, onChange }: BreakerOptions,
  { now, capacity = 1000 }: { readonly now: () => Date; readonly capacity?: number },
): Breakers {
  const kept = new Map<string, Kept>()
  let isHearing = false

  function make(key: string, tool: string, tenant: string | undefined): Kept {
    if (kept.size >= capacity) evict()
    const breaker = new CircuitBreaker((outcome: Promise<unknown>) => outcome, {
      timeout: false,
      errorThresholdPercentage: failurePercent,
      volumeThreshold: fewest,
      rollingCountTimeout: windowMs,
      resetTimeout: openMs,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
    } as ConstructorParameters<typeof CircuitBreaker>[1])
    const made: Kept = {
      breaker: breaker as Kept['breaker'],
      openedAt: 0,
      workedAt: Number.NEGATIVE_INFINITY,
    }
    const tell = (state: BreakerChange['state']) => (): void => {
      if (state === 'open') made.openedAt = now().getTime()
      else made.workedAt = now().getTime()
      // What others said is no news to them.
      if (isHearing) return
      try {
        onChange?.({ tool, tenant, state })
      } catch {
        // opossum would take a listener's throw for a failure of the tool.
      }
    }
    breaker.on('open', tell('open'))
    breaker.on('close', tell('closed'))
    kept.set(key, made)
    return made
  }

  // The longest unused; one that is open only if all are, since dropping it lets its tool be called again.
  function evict(): void {
    const closed = kept.entries().find(([, { breaker }]) => breaker.closed)
    const [key, { breaker }] = (closed ?? kept.entries().next().value) as [string, Kept]
    breaker.shutdown()
    kept.delete(key)
  }

  function report(key: string, tool: string, tenant: string | undefined, outcome: BreakerOutcome): void {
    if (outcome === 'none') return
    const of = kept.get(key) ?? (outcome === 'failed' ? make(key, tool, tenant) : undefined)
    // Once it is open, news of calls from before must not be the try that closes it.
    if (of?.breaker.closed !== true) return
    count(of.breaker.fire(outcome === 'ok' ? Promise.resolve() : rejected(FAILED)))
  }

  return {
    get size() {
      return kept.size
    },
    enter(tool, tenant) {
      const key = keyOf(tool, tenant)
      const of = kept.get(key)
      if (of !== undefined) {
        kept.delete(key)
        kept.set(key, of)
      }
      if (of === undefined || of.breaker.closed)
        return { done: once((outcome) => report(key, tool, tenant, outcome)) }
      if (!of.breaker.halfOpen || !of.breaker.pendingClose) {
        const left = of.openedAt + openMs - now().getTime()
        return { retryAfterMs: Math.min(openMs, Math.max(1, left)) }
      }
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      count(of.breaker.fire(promise))
      return {
        done: once((outcome) => {
          if (outcome === 'ok') resolve()
          else reject(outcome === 'failed' ? FAILED : NO_ANSWER)
        }),
      }
    },
    hear(tool, tenant) {
      const key = keyOf(tool, tenant)
      const { breaker, workedAt } = kept.get(key) ?? make(key, tool, tenant)
      if (!breaker.closed || now().getTime() - workedAt < openMs) return
      isHearing = true
      try {
        breaker.open()
      } finally {
        isHearing = false
      }
    },
    close() {
      for (const { breaker } of kept.values()) breaker.shutdown()
      kept.clear()
    },
  }
}

function keyOf(tool: string, tenant: string | undefined): string {
  return JSON.stringify([tool, tenant ?? null])
}

function once(done: (outcome: BreakerOutcome) => void): (outcome: BreakerOutcome) => void {
  let isDone = false
  return (outcome) => {
    if (isDone) return
    isDone = true
    done(outcome)
  }
}

function rejected(reason: Error): Promise<never> {
  const made: Promise<never> = Promise.reject(reason)
  made.catch(() => {})
  return made
}

function count(fired: Promise<unknown>): void {
  fired.catch(() => {})
}
