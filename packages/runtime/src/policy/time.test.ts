import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PolicyRequest } from './request.ts'
import { type Hours, between, withinHours } from './time.ts'

const at = (time: string, timeZone = 'UTC'): PolicyRequest =>
  ({ time: new Date(time), timeZone }) as PolicyRequest
const office: Hours = { from: '09:00', to: '17:30', days: ['mon', 'tue', 'wed', 'thu', 'fri'] }

describe('hours of the day', () => {
  test('begin at their first minute and end before their last', () => {
    const hours = withinHours(office)
    const held = (time: string): boolean => hours(at(`2026-03-02T${time}Z`))
    expect([held('08:59:59.999'), held('09:00:00'), held('17:29:59.999'), held('17:30:00')]).toEqual([
      false,
      true,
      true,
      false,
    ])
  })

  test('are those of the user’s zone, or of the zone that the rule names', () => {
    const time = '2026-03-02T08:30:00Z'
    expect(withinHours(office)(at(time, 'Europe/Berlin'))).toBe(true)
    expect(withinHours(office)(at(time, 'Europe/London'))).toBe(false)
    expect(withinHours(office, 'Europe/Berlin')(at(time, 'Europe/London'))).toBe(true)
    expect(withinHours({ from: '14:00', to: '14:01' })(at(time, 'Asia/Kolkata'))).toBe(true)
  })

  test('keep to the days of the user’s zone', () => {
    const sunday = '2026-03-01T23:30:00Z'
    const monday: Hours = { from: '00:00', to: '24:00', days: ['mon'] }
    expect(withinHours(monday)(at(sunday, 'UTC'))).toBe(false)
    expect(withinHours(monday)(at(sunday, 'Asia/Tokyo'))).toBe(true)
    expect(withinHours(monday)(at('2026-03-03T03:30:00Z', 'America/New_York'))).toBe(true)
  })

  test('past midnight belong to the day on which they began', () => {
    const night: Hours = { from: '22:00', to: '06:00', days: ['fri'] }
    const held = (time: string): boolean => withinHours(night)(at(time))
    expect(held('2026-03-06T22:00:00Z')).toBe(true)
    expect(held('2026-03-07T05:59:00Z')).toBe(true)
    expect(held('2026-03-07T06:00:00Z')).toBe(false)
    expect(held('2026-03-06T03:00:00Z')).toBe(false)
    expect(held('2026-03-07T23:00:00Z')).toBe(false)
  })
})

describe('daylight saving', () => {
  test('nine in the morning is an hour earlier in UTC once London has summer time', () => {
    const nine = withinHours({ from: '09:00', to: '10:00' })
    const held = (time: string): boolean => nine(at(time, 'Europe/London'))
    expect([held('2026-03-28T09:30:00Z'), held('2026-03-28T08:30:00Z')]).toEqual([true, false])
    expect([held('2026-03-29T09:30:00Z'), held('2026-03-29T08:30:00Z')]).toEqual([false, true])
  })

  test('the hour that is skipped never comes', () => {
    const skipped = withinHours({ from: '01:00', to: '02:00' })
    for (let minute = 0; minute < 180; minute += 1)
      expect(skipped(at(new Date(Date.UTC(2026, 2, 29, 0, minute)).toISOString(), 'Europe/London'))).toBe(
        minute < 0,
      )
  })

  test('the hour that comes twice counts both times', () => {
    const twice = withinHours({ from: '01:00', to: '02:00' })
    const held = (time: string): boolean => twice(at(time, 'America/New_York'))
    expect([held('2026-11-01T05:30:00Z'), held('2026-11-01T06:30:00Z')]).toEqual([true, true])
    expect([held('2026-11-01T04:59:00Z'), held('2026-11-01T07:00:00Z')]).toEqual([false, false])
  })
})

test('every moment is in a window or in the rest of its day, in whatever zone', () => {
  const clock = fc
    .integer({ min: 0, max: 1439 })
    .map((all) => `${String(Math.floor(all / 60)).padStart(2, '0')}:${String(all % 60).padStart(2, '0')}`)
  const zone = fc.constantFrom(
    'UTC',
    'Europe/London',
    'Asia/Kathmandu',
    'Australia/Lord_Howe',
    'Africa/Monrovia',
    'Pacific/Apia',
  )
  const moment = fc.date({ min: new Date(0), max: new Date('2100-01-01'), noInvalidDate: true })
  fc.assert(
    fc.property(clock, clock, zone, moment, (from, to, timeZone, time) => {
      fc.pre(from !== to)
      const request = { time, timeZone } as PolicyRequest
      expect(withinHours({ from, to })(request)).toBe(!withinHours({ from: to, to: from })(request))
    }),
  )
})

test('a time, a day or a zone that does not parse is refused when the rule is built', () => {
  for (const from of ['9:00', '24:01', '12:60', '', '09:00:00', 'nine'])
    expect(() => withinHours({ from, to: '17:00' })).toThrow(/withinHours\.from/)
  expect(() => withinHours({ from: '09:00', to: '25:00' })).toThrow(/withinHours\.to/)
  expect(() => withinHours({ from: '09:00', to: '09:00' })).toThrow(/not empty/)
  expect(() => withinHours({ from: '24:00', to: '09:00' })).toThrow(/before 24:00/)
  expect(() => withinHours({ ...office, days: [] })).toThrow(/days/)
  expect(() => withinHours({ ...office, days: ['monday' as 'mon'] })).toThrow(/days\[0\]/)
  expect(() => withinHours(office, 'Europe/Londn')).toThrow(/Europe\/Londn/)
})

test('a request whose zone or time does not parse makes the condition fail, not hold or lapse', () => {
  expect(() => withinHours(office)(at('2026-03-02T10:00:00Z', 'Mars/Olympus'))).toThrow(/timeZone/)
  expect(() => withinHours(office)(at('never'))).toThrow(/valid date/)
  expect(() => between(new Date(0), new Date(1))(at('never'))).toThrow(/valid date/)
})

test('between holds from its start to before its end, and refuses dates that bound nothing', () => {
  const start = new Date('2026-01-01T00:00:00Z')
  const held = between(start, new Date('2026-01-02T00:00:00Z'))
  start.setFullYear(2030)
  expect(
    ['2025-12-31T23:59:59Z', '2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'].map((time) => held(at(time))),
  ).toEqual([false, true, false])
  expect(() => between(new Date('x'), new Date())).toThrow(/between start/)
  expect(() => between(new Date(1), new Date(1))).toThrow(/before the end/)
})
