import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Json } from '../json/plain.ts'
import { label } from '../label/label.ts'
import { derive, type Derived, type DeriveScope } from './derive.ts'
import { writtenDurations } from './derive/duration.ts'
import { literalIn } from './operands.ts'
import { createTrustedIndex } from './trusted-index.ts'

const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2024-05-15T12:00:00Z') }
const USER = label(['user:alice'])

/** What an expression gives when the user said `text` and a bound event starts then. */
function derived(expression: string, text: string, start: Json = '2024-05-19T12:00:00'): Derived {
  const trusted = createTrustedIndex(WRITING)
  trusted.add(text, { chunk: 0, turn: 1 }, WRITING)
  const bound = { standing: 'bound', label: USER, turn: 1 } as const
  const scope: DeriveScope = {
    results: { event: [{ value: { start }, leaf: () => bound, membership: () => bound }] },
    literal: literalIn(trusted, USER, label(['anyone'])),
    today: '2024-05-15',
    timeZone: 'UTC',
  }
  return derive(expression, scope)
}

const standing = (expression: string, text: string): unknown => {
  const found = derived(expression, text)
  return found.ok ? found.standing : found.reason
}

test('the end of a meeting stands as well as its start and its length do', () => {
  expect(
    derived('addHours("2024-05-19 12:00", 1)', 'Lunch at 12:00 on 2024-05-19 for one hour.'),
  ).toMatchObject({ ok: true, value: '2024-05-19T13:00', standing: 'quoted', turn: 1 })
  expect(derived('addMinutes(results.event[0].start, -90)', 'Come 90 minutes before.')).toMatchObject({
    value: '2024-05-19T10:30',
    standing: 'bound',
  })
  expect(derived('addHours(results.event[0].start, 13)', 'It takes 13 hours.')).toMatchObject({
    value: '2024-05-20T01:00',
  })
})

test.each([
  ['addHours(results.event[0].start, 1)', 'Make it a 1-hour meeting.'],
  ['addHours(results.event[0].start, 1)', 'Make it an hour.'],
  ['addHours(results.event[0].start, 2)', 'Move it two hours later.'],
  ['addMinutes(results.event[0].start, 30)', 'Give it half an hour.'],
  ['addDays(results.event[0].start, 7)', 'Put it off for a week.'],
  ['addDays(results.event[0].start, 14)', 'Put it off for two weeks.'],
])('%s stands on "%s"', (expression, text) => {
  expect(standing(expression, text)).toBe('bound')
})

test.each([
  ['addHours(results.event[0].start, 5)', 'Make it a 1-hour meeting.'],
  ['addHours(results.event[0].start, 1)', 'Which one of these is it?'],
  ['addMinutes(results.event[0].start, 30)', 'Make it an hour.'],
  ['addDays(results.event[0].start, 2)', 'Put it off for two hours.'],
  ['addHours("2024-05-19 14:00", 1)', 'Lunch at 12:00 on 2024-05-19 for one hour.'],
])('%s does not stand on "%s"', (expression, text) => {
  expect(standing(expression, text)).toBe('unattested')
})

test('a length that the user gave can be added once only', () => {
  expect(standing('addHours(addHours(results.event[0].start, 1), 1)', 'for one hour')).toBe('reused')
})

test('what is no time on the wall clock is refused', () => {
  for (const start of ['2024-05-19', '2024-05-19T12:00:00Z', '2024-02-30T12:00', '2024-05-19T24:00', 12])
    expect(derived('addHours(results.event[0].start, 1)', '1 hour', start)).toMatchObject({ reason: 'type' })
})

test('adding a time and taking it away again is no change', () => {
  fc.assert(
    fc.property(fc.integer({ min: -2000, max: 2000 }), (minutes) => {
      const there = derived(`addMinutes(results.event[0].start, ${minutes})`, 'now')
      const value = there.ok ? there.value : null
      expect(derived(`addMinutes(results.event[0].start, ${-minutes})`, 'now', value)).toMatchObject({
        value: '2024-05-19T12:00',
      })
    }),
  )
})

test('no two lengths of time are written alike', () => {
  const forms = (['minute', 'hour', 'day'] as const).flatMap((unit) =>
    Array.from({ length: 60 }, (_, i) =>
      writtenDurations(i + 1, unit).filter((form) => typeof form === 'string'),
    ),
  )
  const all = forms.flat()
  expect(new Set(all).size).toBe(all.length)
})
