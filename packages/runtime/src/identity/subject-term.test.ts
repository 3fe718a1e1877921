import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { GuardError } from '../errors.ts'
import { endOfSubject, subjectTerm } from './subject-term.ts'
import { sessionSubject } from './session-subject.ts'

const NOW = new Date('2030-05-01T12:00:00.000Z').getTime()
const principal = { subject: 'user:alice' } as const
const until = (offset: number | undefined) =>
  sessionSubject({
    principal,
    by: 'web',
    ...(offset === undefined ? {} : { until: new Date(NOW + offset) }),
  }).authentication

test('a chain of runs may act until the earliest end in it, and not at that instant', () => {
  const offset = fc.option(fc.integer({ min: -3, max: 3 }), { nil: undefined })
  fc.assert(
    fc.property(fc.array(offset, { minLength: 1, maxLength: 4 }), (chain) => {
      const aborted: GuardError[] = []
      const end = chain.reduce<Date | undefined>((parent, own) => endOfSubject(until(own), parent), undefined)
      using term = subjectTerm({
        until: end,
        now: () => new Date(NOW),
        abort: (error) => aborted.push(error),
      })
      const isOver = chain.some((own) => own !== undefined && own <= 0)
      expect(term.isOver()).toBe(isOver)
      expect(aborted.length > 0).toBe(isOver)
    }),
  )
})

test('whoever sets the date afterwards, or the clock to no time, gains nothing', () => {
  const given = new Date(NOW + 1000)
  const end = endOfSubject({ kind: 'session', by: 'web', until: given }, undefined)
  given.setTime(NOW + 1e9)
  let clock = NOW
  using term = subjectTerm({ until: end, now: () => new Date(clock), abort: () => {} })
  expect(term.isOver()).toBe(false)
  clock = Number.NaN
  expect(term.isOver()).toBe(true)
  clock = NOW + 1000
  expect(term.isOver()).toBe(true)
})

test('an end that is no time is refused, and not taken for none', () => {
  for (const wrong of [null, 'soon', NOW, new Date(Number.NaN)]) {
    const given = wrong as Date
    expect(() => endOfSubject({ kind: 'session', by: 'web', until: given }, undefined)).toThrow(
      'authentication.until: expected a time',
    )
    expect(() => sessionSubject({ principal, by: 'web', until: given })).toThrow('until: expected a time')
  }
})

test('an end that lies further ahead than a timer can wait is no end now', async () => {
  const aborted: GuardError[] = []
  const end = new Date(NOW + 2 ** 40)
  using term = subjectTerm({
    until: end,
    now: () => new Date(NOW),
    abort: (error) => aborted.push(error),
  })
  await new Promise((resolve) => {
    setTimeout(resolve, 5)
  })
  expect([term.isOver(), aborted]).toEqual([false, []])
})
