import { expect, test } from 'vitest'
import type { Risk } from '../contract/contract.ts'
import { combine } from './combine.ts'
import { riskAnswer } from './risk.ts'

const decided = (risk: string): unknown => {
  const { reason, obligations } = riskAnswer(risk as Risk)
  const { outcome, obligations: due } = combine([reason], obligations)
  return [outcome, due]
}

test('low is permitted, medium is permitted and flagged for review, high asks, critical is denied', () => {
  expect(decided('low')).toEqual(['permit', []])
  expect(decided('medium')).toEqual(['permit', [{ kind: 'flag-for-review' }]])
  expect(decided('high')).toEqual(['ask', []])
  expect(decided('critical')).toEqual(['deny', []])
})

test('a risk class that nobody knows is denied', () => {
  expect(decided('none')).toEqual(['deny', []])
  expect(decided('toString')).toEqual(['deny', []])
})
