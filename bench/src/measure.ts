/** Something that takes time. One round of it is `samples` timings, made on a state of its own. */
export interface Subject {
  readonly name: string
  /** Prepares a round, untimed: whatever grows with each sample starts afresh here. */
  round(): Round | Promise<Round>
}

export interface Round {
  /** One timed run. Work that must not be timed belongs in `between`. */
  sample(): unknown
  /** Runs after each sample, untimed. */
  between?(): void | Promise<void>
}

export interface Effort {
  readonly rounds: number
  readonly samples: number
  /** Rounds that are run first and not counted. */
  readonly warmUp: number
}

/** Milliseconds a sample took, on the clock on the wall. */
export interface Timing {
  /** The median of the medians of the rounds. */
  readonly p50: number
  /** Over all samples of all rounds. */
  readonly p99: number
  /** CPU time of this thread that a sample took on average, round by round: collecting garbage is in it. */
  readonly cpu: readonly number[]
}

/**
 * Times several subjects in one process, round by round in turn, so that a slow moment of the machine falls on all
 * of them alike.
 */
export async function measure(
  subjects: readonly Subject[],
  effort: Effort,
): Promise<ReadonlyMap<string, Timing>> {
  const kept = new Map(subjects.map(({ name }) => [name, newKept()]))
  for (let round = -effort.warmUp; round < effort.rounds; round += 1) {
    // Each round begins with another subject: none always runs on the heap that the same other one left behind.
    for (const [position] of subjects.entries()) {
      const subject = subjects[(position + round + effort.warmUp) % subjects.length] as Subject
      const ready = await subject.round()
      const before = process.threadCpuUsage()
      const times = await timesOf(ready, effort.samples)
      const { user, system } = process.threadCpuUsage(before)
      const of = kept.get(subject.name)
      if (round < 0 || of === undefined) continue
      of.medians.push(quantile(times, 0.5))
      of.all.push(...times)
      of.cpu.push((user + system) / 1000 / times.length)
    }
  }
  return new Map(
    [...kept].map(([name, { medians, all, cpu }]) => [
      name,
      { p50: quantile(medians, 0.5), p99: quantile(all, 0.99), cpu },
    ]),
  )
}

function newKept(): { medians: number[]; all: number[]; cpu: number[] } {
  return { medians: [], all: [], cpu: [] }
}

async function timesOf({ sample, between }: Round, samples: number): Promise<number[]> {
  const times: number[] = []
  for (let i = 0; i < samples; i += 1) {
    const started = performance.now()
    const made = sample()
    if (made instanceof Promise) await made
    times.push(performance.now() - started)
    const rest = between?.()
    if (rest !== undefined) await rest
  }
  return times
}

/**
 * How many times the CPU time of another it takes, over all rounds. Other work on the machine makes both wait, which
 * is none of this, and slows both down alike. In sums, since the system counts CPU time in steps of milliseconds.
 */
export function ratioOf(of: Timing, against: Timing): number {
  return total(of.cpu) / total(against.cpu)
}

function total(times: readonly number[]): number {
  return times.reduce((all, time) => all + time, 0)
}

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

/** Bytes that are still in use after a collection, on the heap and in array buffers beside it. */
export function bytesInUse(): number {
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('Memory can be measured only with node --expose-gc.')
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
