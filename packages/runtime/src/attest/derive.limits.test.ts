import { describe, expect, it } from 'vitest'
import { label } from '../label/label.ts'
import type { Json } from '../json/plain.ts'
import { DERIVE_DESCRIPTION, DERIVE_INPUT, type DeriveScope, type Footing, derive } from './derive.ts'

const quoted: Footing = { standing: 'quoted', label: label(['user:alice']), turn: 1 }

function scopeOf(results: Record<string, Json[]>): DeriveScope {
  const operands = Object.entries(results).map(([tool, values]) => [
    tool,
    values.map((value) => ({ value, leaf: () => quoted, membership: () => quoted })),
  ])
  return {
    results: Object.fromEntries(operands) as DeriveScope['results'],
    literal: () => quoted,
    today: '2026-03-30',
    timeZone: 'Europe/Zurich',
  }
}

const outcomeOf = (expression: string): unknown => {
  const derived = derive(expression, scopeOf({}))
  return derived.ok ? derived.value : derived.reason
}
const sumOf = (terms: number): string => Array.from({ length: terms }, (_, n) => `${n + 100}`).join('+')
const amounts = (count: number): DeriveScope =>
  scopeOf({ big: [{ n: Array.from({ length: count }, () => 0.1) }] })

describe('it always ends', () => {
  it('an expression that is too long, too large or too deep is refused', () => {
    expect(outcomeOf(`1 + ${' '.repeat(2000)}1`)).toBe('too-large')
    expect(outcomeOf('('.repeat(1500))).toBe('too-large')
    expect(outcomeOf('-'.repeat(1990))).toBe('syntax')
    expect(outcomeOf(`${'-'.repeat(1990)}1`)).toBe('too-large')
    // 50 literals and 49 signs are 99 parts; the next term is one too many.
    expect(outcomeOf(sumOf(50))).toBe(6225)
    expect(outcomeOf(sumOf(51))).toBe('too-large')
  })
  it('a list of more than 10,000 rows ends by the limit of reads', () => {
    const rows = Array.from({ length: 200_000 }, (_, n) => ({ n }))
    const scope = scopeOf({ big: [{ rows }] })
    for (const whole of [
      'sum(R.map(r, r.n))',
      'R.filter(r, r.n > 5)[0].n',
      'max(R.map(r, r.n))',
      'R.sort(r, r.n)[0].n',
    ])
      expect(derive(whole.replaceAll('R', 'results.big[0].rows'), scope)).toMatchObject({
        reason: 'too-many-reads',
      })
    expect(derive('count(results.big[0].rows)', scope)).toMatchObject({ value: 200_000 })
    expect(derive('results.big[0].rows[199999].n', scope)).toMatchObject({ value: 199_999 })
  })
  it('reading few rows many times ends by the limit of reads', () => {
    const rows = Array.from({ length: 1_500 }, (_, n) => ({ n }))
    const filters = '.filter(r, r.n >= 0)'.repeat(8)
    const scope = scopeOf({ big: [{ rows }] })
    expect(derive(`count(results.big[0].rows${filters})`, scope)).toMatchObject({ reason: 'too-many-reads' })
  })
  it('9,999 amounts and their list can be summed, exactly, and 10,000 cannot', () => {
    expect(derive('sum(results.big[0].n)', amounts(9_999))).toMatchObject({ value: 999.9 })
    expect(derive('sum(results.big[0].n)', amounts(10_000))).toMatchObject({ reason: 'too-many-reads' })
  })
})

describe('what the model is told', () => {
  it('each example of the description is a valid expression', () => {
    const examples = DERIVE_DESCRIPTION.slice(DERIVE_DESCRIPTION.indexOf('Examples:')).split('\n').slice(1)
    expect(examples).toHaveLength(5)
    const scope = scopeOf({
      lookup_order: [{ total: 30, refunded: 10 }],
      list_invoices: [{ invoices: [{ status: 'open', amount: 5 }] }],
      list_orders: [{ orders: [{ placed: '2026-01-01', id: 'A-9' }] }],
      get_invoice: [{ issued: '2026-01-01' }],
    })
    expect(
      examples.map((example) => derive(DERIVE_INPUT.parse({ expression: example }).expression, scope)),
    ).toMatchObject([
      { value: 20 },
      { value: 5 },
      { value: 'A-9' },
      { value: '2026-01-15' },
      { value: '2024-05-19T13:00' },
    ])
  })
})
