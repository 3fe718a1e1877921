import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { covers } from '../label/join.ts'
import { type Label, label } from '../label/label.ts'
import { type Place, at } from '../json/path.ts'
import type { Json } from '../json/plain.ts'
import { type DeriveScope, type Footing, type Standing, derive } from './derive.ts'

const STANDINGS: readonly Standing[] = ['quoted', 'bound', 'minted', 'unattested']
const STRANGER = label(['anyone'])
const LABELS: readonly Label[] = [
  label(['user:alice']),
  label(['operator:shop']),
  label(['party:bob']),
  label(['anyone']),
]
const rank = (standing: Standing): number => STANDINGS.indexOf(standing)

/** How each leaf and list of the scope stands, from a seed and its place alone, so that a test can ask again. */
function footingAt(seed: number, place: Place): Footing {
  let hash = seed
  for (const unit of JSON.stringify(place)) hash = (hash * 31 + (unit.codePointAt(0) ?? 0)) % 65_521
  return {
    standing: STANDINGS[hash % 4] ?? 'unattested',
    label: LABELS[(hash >> 2) % 4] as Label,
    turn: hash % 5,
  }
}

function scopeOf(
  values: readonly Json[],
  seed: number,
  worse: (place: Place) => boolean = () => false,
): DeriveScope {
  const footing = (place: Place): Footing => ({
    ...footingAt(seed, place),
    ...(worse(place) ? { standing: 'unattested' } : {}),
  })
  return {
    results: {
      t: values.map((value) => ({
        value,
        leaf: footing,
        membership: (place: Place) => footing([...place, '#']),
      })),
    },
    literal: (value) => ({
      standing: value === 7 ? 'unattested' : 'quoted',
      label: LABELS[0] as Label,
      turn: 4,
    }),
    today: '2026-06-13',
    timeZone: 'America/New_York',
  }
}

const scalar = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.constantFrom<Json>('a', 'b', '2026-01-02', '2026-01-02T03:04:05Z', '2026-02-30', null, true, '', [], {}),
)
const row = fc.record(
  { a: scalar, b: scalar, c: fc.oneof(scalar, fc.array(scalar, { maxLength: 3 })) },
  { requiredKeys: [] },
)
const resultValue: fc.Arbitrary<Json> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      rows: fc.array(row, { maxLength: 6 }),
      n: scalar,
      s: scalar,
    }) as fc.Arbitrary<Json>,
  },
  fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>,
)
const values = fc.array(resultValue, { minLength: 1, maxLength: 3 })

const field = fc.constantFrom('a', 'b', 'c', 'c[0]', '__proto__')
const literal = fc.constantFrom('0', '1', '2', '7', '-3', '1.5', '"a"', '"2026-01-02"', '1e3')
const { list, any } = fc.letrec<{ list: string; any: string; test: string }>((tie) => ({
  test: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(field, fc.constantFrom('==', '!=', '<', '>='), literal).map(([f, op, l]) => `r.${f} ${op} ${l}`),
    fc.tuple(tie('test'), fc.constantFrom('&&', '||'), tie('test')).map(([l, op, r]) => `(${l} ${op} ${r})`),
    tie('test').map((test) => `!(${test})`),
  ),
  list: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('results.t[0].rows', 'results.t[1].rows', 'results.t[0]'),
    fc.tuple(tie('list'), tie('test')).map(([l, test]) => `${l}.filter(r, ${test})`),
    fc.tuple(tie('list'), field).map(([l, f]) => `${l}.map(r, r.${f})`),
    fc.tuple(tie('list'), field).map(([l, f]) => `${l}.sort(r, r.${f})`),
  ),
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('results.t[0].n', 'results.t[1].n', 'results.t[0].s', 'today'),
    literal,
    tie('list'),
    fc
      .tuple(fc.constantFrom('sum', 'min', 'max', 'count', 'first', 'last', 'size'), tie('list'))
      .map(([f, l]) => `${f}(${l})`),
    fc.tuple(tie('list'), fc.nat(3), field).map(([l, n, f]) => `${l}[${n}].${f}`),
    fc.tuple(tie('list'), tie('test'), field).map(([l, test, f]) => `${l}.pick(r, ${test}).${f}`),
    fc
      .tuple(tie('any'), fc.constantFrom('+', '-', '*', '/', '%', '=='), tie('any'))
      .map(([l, op, r]) => `(${l} ${op} ${r})`),
    fc.tuple(fc.constantFrom('abs', 'date', '-'), tie('any')).map(([f, x]) => `${f}(${x})`),
    fc
      .tuple(fc.constantFrom('min', 'max', 'daysBetween'), tie('any'), tie('any'))
      .map(([f, l, r]) => `${f}(${l}, ${r})`),
    fc.tuple(tie('any'), fc.nat(4)).map(([x, n]) => `round(${x}, ${n})`),
    fc.tuple(tie('any'), fc.integer({ min: -9, max: 9 })).map(([x, n]) => `addDays(${x}, ${n})`),
  ),
}))
const expression = fc.oneof({ weight: 3, arbitrary: any }, list, fc.string({ maxLength: 60 }))

const attempt = fc.record({ text: expression, results: values, seed: fc.nat(1000) })

/** How a thing that was read stands; a read of a list is its membership. */
function footingOf(value: Json | undefined, seed: number, place: Place): Footing {
  const here = at(value ?? null, place)
  return footingAt(seed, Array.isArray(here) ? [...place, '#'] : place)
}

describe('for any expression and any results', () => {
  it('derive answers with a finite value or a reason, and never throws', () => {
    const broken = fc.check(
      fc.property(attempt, ({ text, results, seed }) => {
        const derived = derive(text, scopeOf(results, seed))
        return !derived.ok || typeof derived.value !== 'number' || Number.isFinite(derived.value)
      }),
      { numRuns: 3000 },
    )
    expect(broken.counterexample).toBeNull()
  })

  it('the outcome stands no better than its weakest read, and is labelled and dated with all of them', () => {
    const broken = fc.check(
      fc.property(attempt, ({ text, results, seed }) => {
        const derived = derive(text, scopeOf(results, seed))
        if (!derived.ok) return true
        return derived.reads.every(({ tool, index, place }) => {
          const read = footingOf(results[index], seed, place)
          const recent = rank(read.standing) >= 2 || derived.turn <= read.turn
          return (
            tool === 't' &&
            rank(derived.standing) >= rank(read.standing) &&
            covers(derived.label, read.label) &&
            recent
          )
        })
      }),
      { numRuns: 2000 },
    )
    expect(broken.counterexample).toBeNull()
  })

  it('making any places unattested never raises the outcome and never changes its value', () => {
    const broken = fc.check(
      fc.property(attempt, fc.nat(6), ({ text, results, seed }, other) => {
        const derived = derive(text, scopeOf(results, seed))
        const worse = derive(
          text,
          scopeOf(results, seed, (place) => footingAt(other, place).turn % 2 === 0),
        )
        if (!derived.ok || !worse.ok) return derived.ok === worse.ok
        return Object.is(worse.value, derived.value) && rank(worse.standing) >= rank(derived.standing)
      }),
      { numRuns: 1000 },
    )
    expect(broken.counterexample).toBeNull()
  })

  it('an unattested operand added to an expression leaves it unattested', () => {
    const unattested: Footing = { standing: 'unattested', label: STRANGER, turn: 0 }
    const extra = [{ value: 3.25, leaf: () => unattested, membership: () => unattested }]
    const broken = fc.check(
      fc.property(any, values, fc.nat(1000), (text, results, seed) => {
        const scope = scopeOf(results, seed)
        const derived = derive(`(${text}) + results.extra[0]`, {
          ...scope,
          results: { ...scope.results, extra },
        })
        return !derived.ok || derived.standing === 'unattested'
      }),
      { numRuns: 1000 },
    )
    expect(broken.counterexample).toBeNull()
  })

  it('a text that comes out is a whole leaf of the results, or a date', () => {
    const broken = fc.check(
      fc.property(attempt, ({ text, results, seed }) => {
        const derived = derive(text, scopeOf(results, seed))
        if (!derived.ok || typeof derived.value !== 'string') return true
        if (derived.leaf === undefined) return /^\d{4}-\d{2}-\d{2}$/.test(derived.value)
        return at(results[derived.leaf.index] ?? null, derived.leaf.place) === derived.value
      }),
      { numRuns: 1000 },
    )
    expect(broken.counterexample).toBeNull()
  })
})

describe('the expressions that these properties are tried with', () => {
  it('come out, and break each rule', () => {
    const met = new Map<string, number>()
    for (const { text, results, seed } of fc.sample(attempt, { numRuns: 3000, seed: 42 })) {
      const derived = derive(text, scopeOf(results, seed))
      const outcome = derived.ok ? 'ok' : derived.reason
      met.set(outcome, (met.get(outcome) ?? 0) + 1)
    }
    expect([...met.keys()]).toEqual(
      expect.arrayContaining(['ok', 'syntax', 'forbidden', 'type', 'absent', 'reused', 'not-a-leaf']),
    )
    expect(met.get('ok')).toBeGreaterThan(100)
  })
})
