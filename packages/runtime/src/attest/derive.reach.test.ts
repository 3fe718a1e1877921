import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { label } from '../label/label.ts'
import { type DeriveScope, type Footing, derive } from './derive.ts'

// A number that the model may choose at will is no attestation. These count what is left to choose.

const AMOUNTS = [3, 17, 41, 250, 1999]
const OPERATORS = ['+', '-', '*', '/']
const LETTERS = ['A', 'B', 'C', 'D', 'E']

const bound: Footing = { standing: 'bound', label: label(['operator:shop']), turn: 1 }
const quoted: Footing = { standing: 'quoted', label: label(['user:alice']), turn: 1 }
const said = (...literals: number[]): DeriveScope => ({
  results: {
    pay: AMOUNTS.map((amount, n) => ({
      value: { id: `P-${n}`, amount },
      leaf: () => bound,
      membership: () => bound,
    })),
  },
  literal: (value) => (literals.includes(Number(value)) ? quoted : { ...quoted, standing: 'unattested' }),
  today: '2026-06-13',
  timeZone: 'UTC',
})

const operand = (letter: string): string => `results.pay[${LETTERS.indexOf(letter)}].amount`
const derived = (shape: string, scope: DeriveScope): number | undefined => {
  const outcome = derive(shape.replaceAll(/[A-E]/g, operand), scope)
  return outcome.ok && outcome.standing !== 'unattested' ? Number(outcome.value) : undefined
}

/** Every fully parenthesised expression of so many operands, leaning left. */
function leaning(terms: number, operands: readonly string[]): string[] {
  if (terms === 1) return [...operands]
  return leaning(terms - 1, operands).flatMap((left) => joinedWith(left, operands))
}

function joinedWith(left: string, operands: readonly string[]): string[] {
  return OPERATORS.flatMap((operator) => operands.map((right) => `(${left}${operator}${right})`))
}

/** Up to four operands, in both shapes that matter. */
function shapes(): string[] {
  const pairs = leaning(2, LETTERS)
  return [...LETTERS, ...pairs, ...leaning(3, LETTERS), ...pairs.flatMap((left) => joinedWith(left, pairs))]
}

function signedSums(amounts: readonly number[]): Set<number> {
  let sums = new Set([0])
  for (const amount of amounts) sums = new Set([...sums].flatMap((sum) => [sum - amount, sum, sum + amount]))
  return sums
}

/** What a calculator with no rules says of a shape. */
function calculated(shape: string): number {
  let next = 0
  const atom = (): number => {
    const token = shape[next++] ?? ''
    if (token !== '(') return AMOUNTS[LETTERS.indexOf(token)] ?? Number.NaN
    const left = atom()
    const operator = shape[next++]
    const right = atom()
    next += 1
    if (operator === '+') return left + right
    if (operator === '-') return left - right
    return operator === '*' ? left * right : left / right
  }
  return atom()
}

const isTarget = (value: number | undefined): value is number =>
  value !== undefined && Number.isInteger(value) && value > 0 && value <= 10_000

describe('what a hostile expression can reach', () => {
  it('four operands over five amounts reach their signed sums only, a small part of what arithmetic does', () => {
    const all = shapes()
    const free = new Set(all.map(calculated).filter(isTarget))
    const scope = said()
    const reached = new Set(all.map((shape) => derived(shape, scope)).filter(isTarget))
    const sums = signedSums(AMOUNTS)
    expect([...reached].filter((value) => !sums.has(value))).toEqual([])
    expect(free.size).toBeGreaterThan(900)
    expect(reached.size).toBeLessThanOrEqual((3 ** 5 - 1) / 2)
  })

  it('one literal of the user multiplies that by a few, not by every literal there is', () => {
    const scope = said(2)
    const withLiteral = [...LETTERS, '2', '7']
    const all = leaning(3, withLiteral)
    const reached = new Set(all.map((shape) => derived(shape, scope)).filter(isTarget))
    const sums = [...signedSums(AMOUNTS)]
    const allowed = new Set(sums.flatMap((sum) => [sum, sum + 2, sum - 2, sum * 2, sum / 2]))
    // A factor on one term only: (A*2)+B.
    for (const amount of AMOUNTS)
      for (const sum of signedSums(AMOUNTS.filter((other) => other !== amount)))
        for (const scaled of [amount * 2, amount / 2, 2 / amount]) allowed.add(sum + scaled).add(sum - scaled)
    expect([...reached].filter((value) => !allowed.has(value))).toEqual([])
  })

  it('however a sum of amounts is written, it is one of the 243 signed sums of distinct ones', () => {
    const sums = signedSums(AMOUNTS)
    const term = fc.tuple(
      fc.constantFrom('+', '-'),
      fc.constantFrom('', 'abs', '-', 'min', 'max'),
      fc.nat(4),
      fc.nat(4),
    )
    const broken = fc.check(
      fc.property(fc.array(term, { minLength: 1, maxLength: 5 }), (terms) => {
        const rest = terms.map(
          ([operator, by, a, b]) => `${operator} ${wrapped(by, LETTERS[a] ?? '', LETTERS[b] ?? '')}`,
        )
        const value = derived(`A ${rest.join(' ')}`, said())
        return value === undefined || sums.has(value)
      }),
      { numRuns: 1000 },
    )
    expect(broken.counterexample).toBeNull()
  })

  it.each([
    'A/A',
    'A/A+A/A+A/A',
    '(A/A+B/B)*C',
    'A+A',
    'A-B+A',
    '(A+B)*(C-D)',
    'A*B',
    '2*2*2',
    '2+2',
    'A*2+2',
    'A*7',
    '7/A',
  ])('%s reaches nothing', (shape) => {
    expect(derived(shape, said(2))).toBeUndefined()
  })
})

function wrapped(by: string, a: string, b: string): string {
  if (by === 'min' || by === 'max') return `${by}(${a}, ${b})`
  return by === '' ? a : `${by}(${a})`
}
