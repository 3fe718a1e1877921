import { describe, expect, test } from 'vitest'
import type { LeafVerdict } from './attest/attest.ts'
import type { ControlArgument } from './contract/argument.ts'
import { email, iban, money } from './contract/argument.ts'
import type { Place } from './json/path.ts'
import type { JsonScalar } from './json/plain.ts'
import { madeKey } from './made-calls.ts'
import type { RunState } from './run-state.ts'

const run = {
  writing: { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-01-01') },
} as unknown as RunState

const said = (argument: ControlArgument, value: JsonScalar, ...place: Place): LeafVerdict => ({
  place,
  argument,
  value,
  by: 'quoted',
  turn: 1,
  chunk: 0,
})
const to = said(iban(), 'DE89 3704 0044 0532 0130 00', 'to')
const amount = said(money(), 50, 'amount')
const key = (...verdicts: LeafVerdict[]): string => madeKey(run, 'pay', verdicts)

describe('the same call of a turn', () => {
  test('is the same with its arguments in another order', () => {
    expect(key(to, amount)).toBe(key(amount, to))
    const [bob, carol] = ['bob@x.example', 'carol@x.example']
    expect(key(said(email(), bob, 'to', 0), said(email(), carol, 'to', 1))).toBe(
      key(said(email(), carol, 'to', 0), said(email(), bob, 'to', 1)),
    )
    expect(key(said(email(), bob, 'to', 0))).toBe(
      key(said(email(), bob, 'to', 0), said(email(), bob, 'to', 1)),
    )
  })
  test('is the same with its values in another spelling', () => {
    expect(key(to, amount)).toBe(
      key(said(iban(), 'DE89370400440532013000', 'to'), said(money(), '50.00', 'amount')),
    )
    expect(key(to, amount)).toBe(key(to, said(money(), 'USD 50', 'amount')))
  })
  test('is another one with another value, at another place or of another tool', () => {
    expect(key(to, amount)).not.toBe(key(to, said(money(), 51, 'amount')))
    expect(key(to, amount)).not.toBe(key(to, said(money(), 50, 'fee')))
    expect(key(to, amount)).not.toBe(madeKey(run, 'refund', [to, amount]))
  })
})
