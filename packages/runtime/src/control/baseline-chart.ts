/**
 * A control chart of exponentially weighted moving averages, for increases alone: z = λx + (1 − λ)z, out of control
 * above mean + L·σ·√(λ/(2 − λ)·(1 − (1 − λ)²ⁱ)) at the i-th observation since it began (Roberts, "Control chart tests
 * based on geometric moving averages", Technometrics 1(3), 1959, 239–250).
 *
 * λ = 0.2 with L = 2.962 is one of the pairs that Lucas and Saccucci give for an average run of 500 observations up to
 * a false alarm ("Exponentially weighted moving average control schemes: properties and enhancements", Technometrics
 * 32(1), 1990, 1–12; also in Montgomery, Introduction to Statistical Quality Control, the table of EWMA schemes). Theirs
 * is two-sided with known parameters. One side alone errs half as often, once in about 1,000; while the parameters are
 * still being learned it errs a little more often.
 */
const WEIGHT = 0.2
const WIDTH = 2.962
/** Observations before anything is judged: the 25 of Shewhart charts' first phase (Montgomery, Statistical Quality Control). */
const LEARNING = 25
/** How many observations the average forgets over, so that history is recent history. */
const RECENT = 500

export interface Chart {
  /** Whether this would be out of control, were it the next observation. */
  exceeds(value: number): boolean
  /** Take in an observation. One that is out of control teaches nothing, so that an attack is not learned. */
  observe(value: number): void
  readonly isLearning: boolean
}

/** `leastSpread` is a standard deviation below which observations are not told apart. */
export function createChart(leastSpread: number): Chart {
  let seen = 0
  let judged = 0
  let mean = 0
  let variance = 0
  let average = 0

  const next = (value: number): number => WEIGHT * value + (1 - WEIGHT) * average
  const exceeds = (value: number): boolean => {
    if (seen < LEARNING) return false
    const spread = Math.max(leastSpread, Math.sqrt(variance))
    const share = (WEIGHT / (2 - WEIGHT)) * (1 - (1 - WEIGHT) ** (2 * (judged + 1)))
    return next(value) > mean + WIDTH * spread * Math.sqrt(share)
  }
  return {
    exceeds,
    observe(value) {
      if (seen < LEARNING) learn(value)
      else if (exceeds(value)) {
        // The chart starts again at its centre: one alarm for one event, not one for each observation after it.
        average = mean
        judged = 0
      } else {
        average = next(value)
        judged += 1
        learn(value)
      }
      if (seen <= LEARNING) average = mean
    },
    get isLearning() {
      return seen < LEARNING
    },
  }

  /** Running mean and variance (Welford, "Note on a method for calculating corrected sums", Technometrics 4, 1962). */
  function learn(value: number): void {
    seen += 1
    const weight = 1 / Math.min(seen, RECENT)
    const off = value - mean
    mean += off * weight
    variance = seen === 1 ? 0 : (1 - weight) * (variance + weight * off * off)
  }
}

/** A chart of totals by the hour. An hour is judged as it grows: it is known to be too much before it is over. */
export interface HourlyChart {
  /** Add to the hour at a time. True the first time in that hour that it is too much. */
  add(amount: number, at: number): boolean
}

const HOUR = 3_600_000
const MOST_EMPTY_HOURS = 168

export function createHourlyChart(leastSpread: number, scale: (total: number) => number): HourlyChart {
  const chart = createChart(leastSpread)
  let hour = Number.NEGATIVE_INFINITY
  let total = 0
  let told = false
  return {
    add(amount, at) {
      const now = Math.floor(at / HOUR)
      // A clock that goes back adds to the hour that is open.
      if (now > hour) {
        if (Number.isFinite(hour)) {
          chart.observe(scale(total))
          const empty = Math.min(now - hour - 1, MOST_EMPTY_HOURS)
          for (let i = 0; i < empty; i += 1) chart.observe(scale(0))
        }
        hour = now
        total = 0
        told = false
      }
      total += amount
      if (told || !chart.exceeds(scale(total))) return false
      told = true
      return true
    },
  }
}
