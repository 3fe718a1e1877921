import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Baseline, createBaseline, type Deviation } from './baseline.ts'

const HOUR = 3_600_000
let time = 0
const now = (): Date => new Date(time)

/** A generator that gives the same numbers every time (mulberry32). */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

function poisson(mean: number, next: () => number): number {
  const least = Math.exp(-mean)
  let count = 0
  for (let product = next(); product > least; product *= next()) count += 1
  return count
}

function hours(of: Baseline, counts: readonly number[], tool = 'read'): Deviation[] {
  const out: Deviation[] = []
  for (const count of counts) {
    for (let i = 0; i < count; i += 1) out.push(...of.called(tool))
    time += HOUR
  }
  return out
}

function learned(tool = 'read'): Baseline {
  time = 0
  const of = createBaseline({ now })
  const next = random(7)
  hours(
    of,
    Array.from({ length: 60 }, () => poisson(6, next)),
    tool,
  )
  return of
}

describe('the baseline of an agent', () => {
  test('is quiet about an agent that does what it always did', () => {
    time = 0
    const of = createBaseline({ now })
    const next = random(1)
    const alerts = hours(
      of,
      Array.from({ length: 2000 }, () => poisson(6, next)),
    )
    // One in about 500 or more is what the chart is set to.
    expect(alerts.length).toBeLessThanOrEqual(6)
  })

  test('tells of a burst while the hour is still going on, once', () => {
    const of = learned()
    const burst = Array.from({ length: 60 }, () => of.called('read'))
    const first = burst.findIndex((one) => one.length > 0)
    expect(first).toBeGreaterThan(10)
    expect(first).toBeLessThan(40)
    expect(burst.flat()).toEqual([expect.objectContaining({ kind: 'calls' })])
  })

  test('tells of a rise that is small and lasts, which no single hour shows', () => {
    const of = learned()
    const next = random(3)
    const alerts = hours(
      of,
      Array.from({ length: 24 }, () => poisson(12, next)),
    )
    expect(alerts.map(({ kind }) => kind)).toContain('calls')
  })

  test('does not learn from what it told of: an attack that goes on is told of again', () => {
    const of = learned()
    const days = Array.from({ length: 10 }, () => hours(of, [80]).length)
    expect(days.every((alerts) => alerts === 1)).toBe(true)
  })

  test('tells of a tool that was never used, once there is a history', () => {
    time = 0
    const of = createBaseline({ now })
    expect(of.called('read')).toEqual([])
    expect(of.called('send')).toEqual([])
    for (let i = 0; i < 30; i += 1) of.called('read')
    expect(of.called('deleteAll')).toEqual([expect.objectContaining({ kind: 'first-use' })])
    expect(of.called('deleteAll')).toEqual([])
  })

  test('tells of a result far larger than they were, and not of one a byte larger', () => {
    time = 0
    const of = createBaseline({ now })
    of.called('read')
    for (let i = 0; i < 40; i += 1) expect(of.returned('read', 1000)).toBeUndefined()
    expect(of.returned('read', 1001)).toBeUndefined()
    expect(of.returned('read', 100_000)).toMatchObject({ kind: 'volume' })
    expect(of.returned('read', 1000)).toBeUndefined()
  })

  test('tells of token burn beyond what the hours used to take', () => {
    time = 0
    const of = createBaseline({ now })
    for (let hour = 0; hour < 30; hour += 1) {
      expect(of.used(1000 + (hour % 5) * 100)).toBeUndefined()
      time += HOUR
    }
    expect(of.used(200_000)).toMatchObject({ kind: 'tokens' })
  })

  test('judges nothing before it has a history', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 1e9 }), { maxLength: 25 }), (sizes) => {
        time = 0
        const of = createBaseline({ now })
        of.called('read')
        expect(sizes.map((size) => of.returned('read', size)).filter((one) => one !== undefined)).toEqual([])
      }),
    )
  })

  test('takes a clock that goes back, and one that jumps ahead, without harm', () => {
    const of = learned()
    time = 5 * HOUR
    expect(of.called('read')).toEqual([])
    time = 10_000_000 * HOUR
    expect(of.called('read')).toEqual([])
  })
})
