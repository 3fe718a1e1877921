import { expect, test } from 'vitest'
import { classificationAtMost, not, tenantIs, velocityBelow } from './condition.ts'
import type { PolicyRequest } from './request.ts'

const of = (request: Partial<PolicyRequest>): PolicyRequest => request as PolicyRequest

test('a request with no tenant is in none', () => {
  const acme = tenantIs('acme', 'initech')
  expect([{ tenant: 'acme' }, { tenant: 'Acme' }, { tenant: undefined }].map((one) => acme(of(one)))).toEqual(
    [true, false, false],
  )
  expect(() => tenantIs()).toThrow(/tenantIs/)
  expect(() => tenantIs(undefined as unknown as string)).toThrow(/tenantIs/)
})

test('a classification that is missing or unknown counts as above every level', () => {
  const levels = ['public', 'internal', 'secret']
  const internal = classificationAtMost('internal', levels)
  const held = ['public', 'internal', 'secret', 'topsecret', undefined].map((classification) =>
    internal(of({ classification })),
  )
  expect(held).toEqual([true, true, false, false, false])
  expect(() => classificationAtMost('intern', levels)).toThrow(/intern/)
  expect(() => classificationAtMost('public', ['public', 'public'])).toThrow(/once/)
})

test('velocity counts the calls of one tool, or of all', () => {
  const counts = { calls: (tool?: string) => (tool === 'pay' ? 2 : 5), refusals: () => 0 }
  expect(
    [velocityBelow(3, 'pay'), velocityBelow(2, 'pay'), velocityBelow(6), velocityBelow(5)].map((one) =>
      one(of({ counts })),
    ),
  ).toEqual([true, false, true, false])
  for (const calls of [0, -1, 1.5, Number.NaN]) expect(() => velocityBelow(calls)).toThrow(/velocityBelow/)
  expect(() => velocityBelow(1, '')).toThrow(/tool/)
})

test('the opposite of what is neither true nor false is neither', () => {
  expect(not(() => true)(of({}))).toBe(false)
  expect(not(() => false)(of({}))).toBe(true)
  expect(not((() => undefined) as never)(of({}))).toBe(undefined)
})
