/** One figure of a benchmark. Fields that do not apply are left out. */
export interface Case {
  readonly name: string
  readonly unit: 'µs' | 'ms' | 'MB/s' | 'times'
  /** The median. */
  readonly p50: number
  /** The 99th percentile of the times; of a rate, what 99% of the samples reached. */
  readonly p99?: number
  /** The median of what it is compared with, measured in the same run. */
  readonly baseline?: number
  /** How many times the baseline it is: `p50` divided by `baseline`, or the one's CPU time by the other's. */
  readonly ratio?: number
  /** What is to be met: by the ratio where there is one, else by the median. Rates must reach it, all else must stay within it. */
  readonly target?: number
  readonly met?: boolean
  /** What one of these includes, where cases measure different things; it holds for the cases after it too. */
  readonly measures?: string
  /** Why there is no figure; then `p50` is NaN, and null in JSON. */
  readonly missing?: string
}

export interface Report {
  readonly bench: string
  readonly cases: readonly Case[]
  /** Whether every target was met. */
  readonly met: boolean
}

/** A benchmark: what it measures in one line, and how. */
export interface Benchmark {
  readonly name: string
  readonly about: string
  run(): Promise<readonly Case[]>
}

type Figures = Omit<Case, 'met'>

/** A case, with its ratio and whether it meets its target. */
export function caseOf(figures: Figures): Case {
  const { p50, baseline, target, unit } = figures
  const ratio = figures.ratio ?? (baseline === undefined ? undefined : p50 / baseline)
  const judged = ratio ?? p50
  return {
    ...figures,
    ...(ratio === undefined ? {} : { ratio }),
    ...(target === undefined ? {} : { met: unit === 'MB/s' ? judged >= target : judged <= target }),
  }
}

export function reportOf(bench: string, cases: readonly Case[]): Report {
  return { bench, cases: cases.map(rounded), met: cases.every(({ met }) => met !== false) }
}

function rounded(of: Case): Case {
  const entries = Object.entries(of).map(([key, value]) => [
    key,
    typeof value === 'number' ? Number(value.toPrecision(4)) : value,
  ])
  return Object.fromEntries(entries) as unknown as Case
}
