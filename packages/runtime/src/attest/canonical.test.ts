import {
  array,
  assert as check,
  constantFrom,
  double,
  integer,
  oneof,
  property,
  string,
  tuple,
} from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ValueType } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { canonical, type Writing } from './canonical.ts'

const now = new Date('2024-05-15T22:30:00Z')
const GB: Writing = { locale: 'en-GB', timeZone: 'Europe/London', now }
const writings = ['en-GB', 'en-US', 'en', 'de-DE', 'fr-FR', 'en-IN', 'de-CH', 'ja-JP'].map((locale, i) => ({
  locale,
  timeZone: ['Europe/London', 'America/New_York', 'Asia/Kolkata', 'Pacific/Auckland'][i % 4] as string,
  now,
}))
const types: readonly ValueType[] = [
  'id',
  'email',
  'phone',
  'iban',
  'url',
  'money',
  'number',
  'date',
  'time',
  'name',
  'text',
]
const plausible = [
  '1,234.50',
  '1.234,5',
  '1 234',
  '£1,050',
  '12 EUR',
  '$5',
  '26 May 2024',
  'May 26th',
  '05/06/2024',
  'tomorrow',
  '2024-05-30T10:20:00+02:00',
  '2024-05-30 10:20:30',
  '6pm',
  '10:20',
  'noon',
  'Bob@X.com',
  'ü@exämple.de',
  '+44 (0)20 7946 0958',
  'GB29 NWBK 6016 1331 9268 19',
  'https://Exämple.com/a?b#c',
  'www.x.com',
  'mailto:a@b.c',
  'İstanbul’s',
  'Team  Sync',
  '0.1',
  '12345',
]

describe('canonical forms', () => {
  it('are their own canonical forms', () => {
    const value = oneof(
      constantFrom(...plausible),
      string(),
      string({ unit: 'grapheme' }),
      double(),
      integer(),
    )
    check(
      property(constantFrom(...types), value, constantFrom(...writings), (type, leaf, writing) => {
        const once = canonical(type, leaf as JsonScalar, writing)
        expect(once === undefined ? undefined : canonical(type, once.spelling, writing)).toEqual(once)
      }),
      { numRuns: 3000 },
    )
  })

  it('do not exist for booleans, null and choices', () => {
    for (const type of types)
      for (const value of [true, false, null]) expect(canonical(type, value, GB)).toBeUndefined()
    expect(canonical('choice', 'r', GB)).toBeUndefined()
  })

  it('keep numbers as people and programs write them apart from codes', () => {
    const key = (value: JsonScalar, locale = 'en-US'): string | undefined =>
      canonical('number', value, { ...GB, locale })?.key
    expect([
      key('1,234'),
      key('1,23'),
      key('1.234', 'de-DE'),
      key('1,23,456', 'en-IN'),
      key('1 234,5', 'fr-FR'),
    ]).toEqual(['1234', undefined, '1234', '123456', '1234.5'])
    expect([key(1e21), key(1.5e-7), key(-0), key('007'), key('1e3'), key(''), key('٣')]).toEqual([
      '1000000000000000000000',
      '0.00000015',
      '0',
      undefined,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('turn an instant into the user’s own date and time', () => {
    expect(canonical('date', '2024-05-30T23:30:00Z', { ...GB, timeZone: 'Asia/Kolkata' })?.key).toBe(
      '2024-05-31 05:00',
    )
    expect(canonical('date', 'today', { ...GB, timeZone: 'Asia/Kolkata' })?.key).toBe('2024-05-16')
    expect(canonical('date', '2024-02-30', GB)).toBeUndefined()
  })

  it.each([
    'https://x.com\\@evil.com',
    'https://x.com@evil.com',
    'https://x.com/a b',
    'javascript:alert(1)',
    'https://x.com/\t',
    'https://ｘ.com',
    'https://x%2ecom',
    '//x.com',
  ])('refuse the URL %s', (url) => {
    expect(canonical('url', url, GB)).toBeUndefined()
  })

  // A quadratic one takes longer than the limit.
  it.each([
    'a\u0301'.repeat(500_000),
    `a${'\u0301\u0316'.repeat(500_000)}`,
    ' '.repeat(1_000_000),
    'a, '.repeat(300_000),
    '9'.repeat(1_000_000),
    '-'.repeat(1_000_000),
    'www.'.repeat(250_000),
    '@'.repeat(1_000_000),
  ])('of a value of a megabyte take linear time (%#)', { timeout: 10_000 }, (value) => {
    expect(() => types.map((type) => canonical(type, value, GB))).not.toThrow()
  })

  it('leave no two spellings of a word apart that look the same, nor take one for another', () => {
    const mixed = tuple(
      constantFrom('paypal', 'Bob', 'invoice'),
      constantFrom('\u200b', '\u202e', '\u{e0041}', '\u00ad', '\u2060', '\ufe0f', '\u0430'),
      integer({ min: 1, max: 2 }),
    )
    check(
      property(mixed, array(constantFrom(...types)), ([word, trick, at], some) => {
        const tricked = word.slice(0, at) + trick + word.slice(at)
        for (const type of some) expect(canonical(type, tricked, GB)).toBeUndefined()
      }),
    )
  })
})
