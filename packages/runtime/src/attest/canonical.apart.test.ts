import { expect, test } from 'vitest'
import type { ValueType } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { canonical, sameValue, type Writing } from './canonical.ts'

// A Wednesday.
const GB: Writing = { locale: 'en-GB', timeZone: 'Europe/London', now: new Date('2024-05-15T10:00:00Z') }

const keyOf = (type: ValueType, value: JsonScalar, locale = 'en-GB'): string | undefined =>
  canonical(type, value, { ...GB, locale })?.key

test.each<[type: ValueType, value: JsonScalar, locale?: string]>([
  ['id', '13'],
  ['id', 13],
  ['id', '12-34'],
  ['id', '1234'],
  ['money', 'XYZ 50'],
  ['money', '50 credits'],
  ['number', '1,23'],
  ['number', '0050'],
  ['date', '05/06/2024', 'en'],
  ['date', '05/05/24', 'en'],
  ['date', '05/05/24', 'ja-JP'],
  ['date', '31 June 2024'],
  ['date', 'Wednesday'],
  ['time', '24:00'],
  ['time', '12:60'],
  ['time', '10:20:60'],
  ['time', '13 pm'],
  ['iban', '2024-05-30'],
  ['iban', '30-05-2024'],
  ['email', 'b\u043eb@x.example'],
  ['email', 'bob@\u0440aypal.example'],
  ['email', '\uff42ob@x.example'],
  ['email', 'bob@\ufb01rm.example'],
])('a %s written %j (%s) could be two things, or is none, so it has no form', (type, value, locale) => {
  expect(keyOf(type, value, locale)).toBeUndefined()
})

test.each<[type: ValueType, value: JsonScalar, key: string, locale?: string]>([
  ['id', '12345', '12345'],
  ['id', 'a-1', 'a-1'],
  ['money', '-\u00a350', 'GBP|-50'],
  ['number', '-5', '-5'],
  ['number', '\u22125', '-5'],
  ['date', '05/05/24', '2024-05-05'],
  ['date', '05/06/2024', '2024-05-06', 'en-US'],
  ['date', '05/06/2024', '2024-06-05'],
  ['date', 'Thursday', '2024-05-16'],
  ['time', '1:05 pm', '13:05'],
  ['phone', '+44 (0)20 7946 0000', '+442079460000'],
  ['phone', '020 7946 0000', '+442079460000'],
  ['phone', '44 20 7946 0000', '442079460000'],
  ['iban', '20240530', '20240530'],
  ['email', 'Bob@X.example', 'bob@x.example'],
])('a %s written %j is %j (%s)', (type, value, key, locale) => {
  expect(keyOf(type, value, locale)).toBe(key)
})

test.each<[said: JsonScalar, held: JsonScalar, same: boolean]>([
  ['$50', '\u20ac50', false],
  ['EUR 50', 'USD 50', false],
  ['USD 50', 50, false],
  [50, 'USD 50', true],
  ['USD 50', 'USD 50.00', true],
  [50, 'USD 51', false],
])('an amount of %j is that of %j: %j', (said, held, same) => {
  expect(sameValue('money', said, held, GB)).toBe(same)
})
