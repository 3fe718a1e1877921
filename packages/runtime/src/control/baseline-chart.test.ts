import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createChart } from './baseline-chart.ts'

/** Normal observations, the same ones for the same seed (mulberry32; Box and Muller 1958). */
function normals(seed: number, count: number): number[] {
  let state = seed
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  return Array.from({ length: count }, normal)
}

/** Which of these observations a chart tells of. */
function alarms(values: readonly number[]): number[] {
  const chart = createChart(1e-9)
  const told: number[] = []
  for (const [index, value] of values.entries()) {
    if (chart.exceeds(value)) told.push(index)
    chart.observe(value)
  }
  return told
}

describe('the control chart', () => {
  test('tells of nothing about once in a thousand observations where nothing changes, and never twice as often', () => {
    const length = 2000
    const seeds = fc.array(fc.integer(), { minLength: 60, maxLength: 60 })
    fc.assert(
      fc.property(seeds, fc.double({ min: -1e6, max: 1e6, noNaN: true }), (chosen, mean) => {
        const told = chosen.reduce(
          (sum, seed) => sum + alarms(normals(seed, length).map((one) => mean + one)).length,
          0,
        )
        const rate = told / (chosen.length * length)
        // One side of the scheme that errs once in 500 errs half as often: 1 in 1,000, and here 120 times of 120,000.
        expect(rate).toBeLessThan(1 / 500)
        expect(rate).toBeGreaterThan(1 / 2000)
      }),
      { numRuns: 10 },
    )
  })

  test('judges by shape alone: whatever the unit and the zero, it tells of the same observations', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 0, max: 10 }),
        (seed, zero, doublings) => {
          const values = normals(seed, 300)
          values[200] = 9
          expect(alarms(values.map((one) => zero + one * 2 ** doublings))).toEqual(alarms(values))
        },
      ),
    )
  })

  test('has its first limit at 2.962 standard deviations, as the exact variance of the average says', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const values = normals(seed, 25)
        const chart = createChart(1e-9)
        for (const one of values) chart.observe(one)
        const mean = values.reduce((sum, one) => sum + one, 0) / 25
        const spread = Math.sqrt(values.reduce((sum, one) => sum + (one - mean) ** 2, 0) / 25)
        // λ/(2−λ)·(1−(1−λ)²) is λ², so that a first observation stands alone.
        expect(chart.exceeds(mean + 2.96 * spread)).toBe(false)
        expect(chart.exceeds(mean + 2.964 * spread)).toBe(true)
        // In the long run λ/(2−λ) is 1/9: the limit of the average is at 2.962/3, and 1/λ times that for the one
        // observation that is to move it there. What it learned meanwhile has made the spread less.
        for (let i = 0; i < 60; i += 1) chart.observe(mean)
        const less = spread * Math.sqrt(25 / 85)
        expect(chart.exceeds(mean + 4.93 * less)).toBe(false)
        expect(chart.exceeds(mean + 4.94 * less)).toBe(true)
      }),
    )
  })

  test('tells of a lasting shift by one standard deviation within some ten observations, and of no fall', () => {
    const lengths = Array.from({ length: 200 }, (_, seed) => {
      const values = normals(seed + 1, 400).map((one, index) => (index < 300 ? one : one + 1))
      return (alarms(values).find((index) => index >= 300) ?? 400) - 300 + 1
    })
    const mean = lengths.reduce((sum, one) => sum + one, 0) / lengths.length
    // Lucas and Saccucci give 10.5 for known parameters.
    expect(mean).toBeGreaterThan(6)
    expect(mean).toBeLessThan(15)
    expect(alarms(normals(5, 200).map((one, index) => (index < 150 ? one : one - 5)))).toEqual(
      alarms(normals(5, 150)),
    )
  })
})
