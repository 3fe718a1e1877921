import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { leaves } from '../json/path.ts'
import type { Json } from '../json/plain.ts'
import { type StandingApproval, type StandingCall, standingCovers } from './standing.ts'

const STANDING: StandingApproval = {
  id: 's1',
  by: 'alice',
  run: 'run-1',
  tool: 'issueRefund',
  bounds: { orderId: { values: ['A-1', 'A-2'] }, amount: { atMost: 50 } },
  sources: [3, 4],
  expires: new Date('2026-01-01T01:00:00Z'),
}
const NOW = new Date('2026-01-01T00:00:00Z')

function call(input: Json, more: Partial<StandingCall> = {}): StandingCall {
  return { run: 'run-1', tool: 'issueRefund', leaves: leaves(input), untrustedChunks: [3], now: NOW, ...more }
}

describe('a standing approval', () => {
  test('covers a call within its bounds, led to by sources that the person was shown', () => {
    expect(standingCovers(STANDING, call({ orderId: 'A-2', amount: 50 }))).toBe(true)
    expect(standingCovers(STANDING, call({ orderId: 'A-2', amount: 0 }, { untrustedChunks: [] }))).toBe(true)
  })

  test.each<[string, Json]>([
    ['another value', { orderId: 'A-3', amount: 5 }],
    ['a larger amount', { orderId: 'A-1', amount: 50.01 }],
    ['a negative amount', { orderId: 'A-1', amount: -5 }],
    ['an amount as text', { orderId: 'A-1', amount: '5' }],
    ['no amount', { orderId: 'A-1' }],
    ['an argument nobody bounded', { orderId: 'A-1', amount: 5, to: 'eve' }],
    ['a list where one value is not allowed', { orderId: ['A-1', 'A-3'], amount: 5 }],
    ['an empty list', { orderId: [], amount: 5 }],
    ['nothing at all', {}],
  ])('does not cover %s', (_, input) => {
    expect(standingCovers(STANDING, call(input))).toBe(false)
  })

  test('asks again once a new untrusted source comes in, whatever else holds', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 8 })), (chunks) => {
        const covered = standingCovers(
          STANDING,
          call({ orderId: 'A-1', amount: 5 }, { untrustedChunks: chunks }),
        )
        expect(covered).toBe(chunks.every((chunk) => chunk === 3 || chunk === 4))
      }),
    )
  })

  test('ends at its expiry, and is of one tool and one run', () => {
    const good = { orderId: 'A-1', amount: 5 }
    expect(standingCovers(STANDING, call(good, { now: STANDING.expires }))).toBe(false)
    expect(standingCovers(STANDING, call(good, { now: new Date(Number.NaN) }))).toBe(false)
    expect(standingCovers(STANDING, call(good, { tool: 'deleteAccount' }))).toBe(false)
    expect(standingCovers(STANDING, call(good, { run: 'run-2' }))).toBe(false)
  })

  test('without bounds covers nothing', () => {
    expect(standingCovers({ ...STANDING, bounds: {} }, call({}))).toBe(false)
  })

  test('needs each of its bounds met, even where two are one object', () => {
    const few = { atMost: 5 }
    const both = { ...STANDING, bounds: { from: few, to: few } }
    expect(standingCovers(both, call({ from: 1, to: 2 }))).toBe(true)
    expect(standingCovers(both, call({ from: 1 }))).toBe(false)
  })
})
