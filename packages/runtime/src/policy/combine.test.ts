import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { combine, combineApprovers } from './combine.ts'
import type { Obligation, Reason } from './decision.ts'

const rank = { permit: 0, ask: 1, deny: 2 }
const reason = fc.record<Reason>({
  step: fc.constantFrom('flow', 'policy', 'risk'),
  rule: fc.string(),
  outcome: fc.constantFrom('permit', 'ask', 'deny'),
  text: fc.string(),
})
const obligation = fc.oneof<fc.Arbitrary<Obligation>[]>(
  fc.constant({ kind: 'flag-for-review' }),
  fc.record({
    kind: fc.constant('replace'),
    place: fc.array(fc.constantFrom('x', 'y', 0), { minLength: 1, maxLength: 2 }),
    value: fc.constantFrom(1, 2),
  }),
)
const reasons = fc.array(reason, { maxLength: 8 })
const obligations = fc.array(obligation, { maxLength: 4 })

const replace = (place: string[], value: number): Obligation => ({ kind: 'replace', place, value })
const says = (outcome: Reason['outcome']): Reason => ({ step: 'policy', rule: outcome, outcome, text: '' })

describe('one decision from many reasons', () => {
  test('no reason at all is a deny', () => {
    expect(combine([])).toMatchObject({ outcome: 'deny', reasons: [{ rule: 'no-rule-speaks' }] })
  })

  test('the order of reasons and obligations does not matter', () => {
    fc.assert(
      fc.property(reasons, obligations, fc.infiniteStream(fc.nat()), (all, due, random) => {
        const shuffled = <T>(list: readonly T[]): T[] =>
          list
            .map((one) => [random.next().value as number, one] as const)
            .toSorted((a, b) => a[0] - b[0])
            .map(([, one]) => one)
        const one = combine(all, due)
        const other = combine(shuffled(all), shuffled(due))
        expect(other.outcome).toBe(one.outcome)
        expect(new Set(other.reasons)).toEqual(new Set(one.reasons))
        expect(other.obligations.map(text).toSorted()).toEqual(one.obligations.map(text).toSorted())
      }),
    )
  })

  test('one deny makes it a deny, whatever else is said, and leaves nothing to do', () => {
    fc.assert(
      fc.property(reasons, reasons, obligations, (before, after, due) => {
        const { outcome, obligations: left } = combine([...before, says('deny'), ...after], due)
        expect([outcome, left]).toEqual(['deny', []])
      }),
    )
  })

  test('a further ask, deny or obligation never loosens it', () => {
    fc.assert(
      fc.property(
        fc.array(reason, { minLength: 1, maxLength: 8 }),
        obligations,
        obligations,
        fc.constantFrom<('ask' | 'deny')[]>('ask', 'deny'),
        (all, due, more, outcome) => {
          const before = rank[combine(all, due).outcome]
          expect(rank[combine([...all, says(outcome)], due).outcome]).toBeGreaterThanOrEqual(before)
          expect(rank[combine(all, [...due, ...more]).outcome]).toBeGreaterThanOrEqual(before)
        },
      ),
    )
  })

  test('an outcome that is none of the three is a deny', () => {
    const odd = { ...says('permit'), outcome: 'allow' } as unknown as Reason
    expect(combine([says('permit'), odd]).outcome).toBe('deny')
  })

  test('two replacements of one argument that disagree are a deny; two that agree are done once', () => {
    expect(combine([says('permit')], [replace(['amount'], 1), replace(['amount'], 2)]).outcome).toBe('deny')
    expect(combine([says('permit')], [replace(['a', 'b'], 1), replace(['a'], 2)]).outcome).toBe('deny')
    expect(
      combine([says('permit')], [replace(['amount'], 1), replace(['amount'], 1)]).obligations,
    ).toHaveLength(1)
    expect(combine([says('ask')], [replace(['a'], 1), replace(['b'], 2)])).toMatchObject({ outcome: 'ask' })
  })
})

test('who may approve is whom every rule names, and a rule that names nobody leaves it open', () => {
  expect(combineApprovers(undefined, undefined)).toBeUndefined()
  expect(combineApprovers(['a', 'b'], undefined, ['b', 'c'])).toEqual(['b'])
  expect(combineApprovers(['a'], ['b'])).toEqual([])
})

function text(one: Obligation): string {
  return JSON.stringify(one)
}
