/** What may be known of shared state for a while: good for `ms` from when the question that renewed it was sent. */
export interface Lease {
  /** Taken when a question is sent, for `renew` once its answer is there. */
  mark(): LeaseMark
  renew(from: LeaseMark): void
  /** Over, until it is renewed. */
  end(): void
  isLive(): boolean
  /** Milliseconds that are left, 0 if none are. */
  left(): number
}

export interface LeaseMark {
  readonly elapsed: number
  readonly wall: number
}

export interface LeaseOptions {
  readonly ms: number
  /** Milliseconds of a clock that is never set. It may stand still while the machine sleeps. */
  readonly elapsed: () => number
  readonly now: () => Date
}

/**
 * A lease whose age is computed when it is asked for, never by a timer: a process that was paused wakes up without it.
 *
 * It is as old as the older of two clocks says. The one that is never set stands still while a machine is suspended;
 * the other may be set back.
 */
export function createLease({ ms, elapsed, now }: LeaseOptions): Lease {
  let from: LeaseMark | undefined
  const left = (): number => {
    if (from === undefined) return 0
    const age = Math.max(elapsed() - from.elapsed, now().getTime() - from.wall)
    return Math.max(0, ms - age)
  }
  return {
    mark: () => ({ elapsed: elapsed(), wall: now().getTime() }),
    renew(mark) {
      from = mark
    },
    end() {
      from = undefined
    },
    isLive: () => left() > 0,
    left,
  }
}
