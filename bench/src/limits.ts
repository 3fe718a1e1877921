import { memoryStore } from '@gatewright/runtime/store'
import { RateLimiterMemory, RateLimiterUnion } from 'rate-limiter-flexible'
import { keepAwake } from './awake.ts'
import { type Benchmark, type Case, caseOf } from './case.ts'
import { type Bench, type Driver, DRIVERS } from './limits-drivers.ts'
import { measure } from './measure.ts'

const EFFORT = { rounds: 12, samples: 150, warmUp: 3 }
const call = { signal: new AbortController().signal }

/** Three limits taken and settled, by each driver of the store, beside rate-limiter-flexible on the same servers. */
export const limits: Benchmark = {
  name: 'limits',
  about: 'reserve and settle three limits, by each driver of the store',
  async run(): Promise<readonly Case[]> {
    const opened = await Promise.all(DRIVERS.map(async (driver) => ({ driver, at: await orMissing(driver) })))
    try {
      const cases: Case[] = []
      for (const { driver, at } of opened) {
        if (typeof at === 'string') {
          cases.push(caseOf({ name: driver.name, unit: 'ms', p50: Number.NaN, missing: at }))
          continue
        }
        const waiting = at.benches.filter(({ waits }) => waits)
        const awake = waiting.length === 0 ? [] : await casesWhileAwake(waiting)
        cases.push(...awake, ...(await casesOf(awake.length === 0 ? at.benches : at.benches.map(untargeted))))
      }
      return [...cases, ...(await overspend())]
    } finally {
      for (const { at } of opened) if (typeof at !== 'string') await at.end()
    }
  },
}

async function casesOf(benches: readonly Bench[]): Promise<readonly Case[]> {
  const times = await measure(
    benches.map(({ subject }) => subject),
    EFFORT,
  )
  return benches.map(({ subject, batch, unit, target, measures }) => {
    const time = times.get(subject.name) ?? { p50: Number.NaN, p99: Number.NaN }
    const scale = (unit === 'µs' ? 1000 : 1) / batch
    return caseOf({
      name: subject.name,
      unit,
      p50: time.p50 * scale,
      p99: time.p99 * scale,
      measures,
      ...(target === undefined ? {} : { target }),
    })
  })
}

/** Nothing where the cores of this machine cannot be kept awake. */
async function casesWhileAwake(benches: readonly Bench[]): Promise<readonly Case[]> {
  using awake = await keepAwake()
  if (awake === undefined) return []
  return await casesOf(
    benches.map((bench) => ({
      ...bench,
      measures: `${bench.measures}; meanwhile no core falls asleep, as on a machine that has work to do`,
      subject: { ...bench.subject, name: `${bench.subject.name}, cores awake` },
    })),
  )
}

function untargeted({ target: _target, ...bench }: Bench): Bench {
  return bench
}

async function orMissing(open: () => Promise<Driver>): Promise<Driver | string> {
  try {
    return await open()
  } catch (error) {
    return `its server is not there: ${error instanceof Error ? error.message || error.name : String(error)}`
  }
}

const TRIES = 30
const TTL_MS = 60_000
const NARROW = 10

/** 30 calls under a limit of 10 and one of 1,000: what is taken of the wider one for each call that got through. */
async function overspend(): Promise<readonly Case[]> {
  const store = memoryStore({ now: () => new Date() })
  const both = [
    { key: 'narrow', limit: NARROW, amount: 1 },
    { key: 'wide', limit: 1000, amount: 1 },
  ]
  let granted = 0
  for (let i = 0; i < TRIES; i += 1) granted += (await store.reserve(`${i}`, both, TTL_MS, call)).ok ? 1 : 0
  let left = 0
  while ((await store.reserve(`left-${left}`, [{ key: 'wide', limit: 1000, amount: 1 }], TTL_MS, call)).ok)
    left += 1

  const wide = new RateLimiterMemory({ keyPrefix: 'wide', points: 1000, duration: 3600 })
  const union = new RateLimiterUnion(
    new RateLimiterMemory({ keyPrefix: 'narrow', points: NARROW, duration: 3600 }),
    wide,
  )
  let theirsGranted = 0
  for (let i = 0; i < TRIES; i += 1) {
    try {
      await union.consume('alice', 1)
      theirsGranted += 1
    } catch {
      // Refused; what it took is what is counted below.
    }
  }
  const consumed = (await wide.get('alice'))?.consumedPoints ?? Number.NaN
  const measures =
    'what 30 calls under limits of 10 and 1,000 took of the wider one, for each call that got through'
  return [
    caseOf({
      name: 'taken for each call, ours',
      unit: 'times',
      p50: (1000 - left) / granted,
      target: 1,
      measures,
    }),
    caseOf({
      name: 'taken for each call, rate-limiter-flexible',
      unit: 'times',
      p50: consumed / theirsGranted,
      measures,
    }),
  ]
}
