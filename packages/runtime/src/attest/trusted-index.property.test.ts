import { array, assert as check, boolean, constantFrom, oneof, property, string } from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ValueType } from '../contract/argument.ts'
import type { Writing } from './canonical.ts'
import { createTrustedIndex, type TrustedIndex } from './trusted-index.ts'

const GB: Writing = { locale: 'en-GB', timeZone: 'Europe/London', now: new Date('2024-05-15T10:00:00Z') }
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
const piece = oneof(
  constantFrom(
    'Bob',
    'bob',
    'BOB',
    "Bob's",
    'a',
    'b',
    '"a b"',
    "'Team",
    "Sync'",
    '“',
    '”',
    'May',
    '26',
    '26th',
    '2024',
    '1,050',
    '£5',
    'GBP',
    'bob@x.com',
    'bob@x.com.evil.com',
    'x.com',
    'https://x.com/a',
    'PAY-12345',
    '#48213',
    '48213',
    'GB29',
    'NWBK',
    '6016',
    '+44',
    '020',
    '7946',
    '10:20',
    '6',
    'pm',
    'tomorrow',
    'iPhone',
    'naïve',
    'ОК',
    '(',
    ').',
    '\n\n',
    'Ünï',
    'a.b',
  ),
  string({ maxLength: 6 }),
)
const sentence = array(piece, { maxLength: 14 }).map((words) => words.join(' '))
const hows = [{}, { bareWords: true }, { recordKey: true }]

function index(...texts: string[]): TrustedIndex {
  const made = createTrustedIndex(GB)
  texts.forEach((text, turn) => made.add(text, { chunk: turn, turn }, GB))
  return made
}

const letters = (text: string): string =>
  text
    .normalize('NFC')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]/gu, '')

describe('the trusted index', () => {
  it('quotes words only that were said, in the user’s spelling', () => {
    check(
      property(
        sentence,
        sentence,
        constantFrom<ValueType>('id', 'email', 'url', 'name', 'text'),
        constantFrom(...hows),
        (said, value, type, how) => {
          const found = index(said).quote(type, value, how)
          if (found === undefined) return
          const spelled = String(found.spelling).replace(/^https:\/\//, '')
          expect(said.replace(/\s+/gu, ' ').normalize('NFC')).toContain(spelled.normalize('NFC'))
          expect(letters(spelled)).toBe(letters(value.replace(/^https:\/\//, '')))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('finds every run of plain words again, whole words only', () => {
    check(
      property(
        array(constantFrom('a', 'b', 'c', 'dd', 'Eé'), { minLength: 2, maxLength: 40 }),
        array(constantFrom('a', 'b', 'c', 'dd', 'Eé'), { minLength: 1, maxLength: 6 }),
        (said, value) => {
          const found = index(said.join(' ')).quote('name', value.join(' '), { bareWords: true })
          expect(found !== undefined).toBe(` ${said.join(' ')} `.includes(` ${value.join(' ')} `))
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('takes no quote back when more is said', () => {
    check(
      property(
        array(sentence, { minLength: 1, maxLength: 4 }),
        array(sentence, { minLength: 1, maxLength: 4 }),
        piece,
        constantFrom(...types),
        constantFrom(...hows),
        (said, more, value, type, how) => {
          const before = index(...said).quote(type, value, how)
          const after = index(...said, ...more).quote(type, value, how)
          if (before === undefined) return
          expect(after?.turn).toBeGreaterThanOrEqual(before.turn)
        },
      ),
      { numRuns: 3000 },
    )
  })

  it('refuses a value changed by a trick, or puts the user’s own in its place', () => {
    const values = [
      ['email', 'bob@x.com'],
      ['url', 'https://x.com/a'],
      ['id', 'PAY-12345'],
      ['name', 'Team Sync'],
      ['iban', 'GB29NWBK60161331926819'],
      ['phone', '+442079460958'],
      ['money', '1050'],
      ['date', '2024-05-26'],
      ['time', '10:20'],
    ] as const
    const said = index(
      'bob@x.com https://x.com/a PAY-12345 "Team Sync" GB29NWBK60161331926819 +442079460958 £1050 2024-05-26 10:20',
    )
    const tricks = [
      (c: string) => `${c}\u200b`,
      (c: string) => `\u202e${c}`,
      (c: string) => `${c}\u{e0061}`,
      (c: string) => ({ a: 'а', o: 'о', x: 'х', c: 'с', e: 'е', T: 'Т', P: 'Р', A: 'А' })[c] ?? c,
      (c: string) => (c > ' ' && c <= '~' ? String.fromCharCode(c.charCodeAt(0) + 0xfee0) : c),
      (c: string) => c.toUpperCase(),
      (c: string) => `${c}\u0301`,
    ]
    check(
      property(
        constantFrom(...values),
        constantFrom(...tricks),
        array(boolean(), { minLength: 30, maxLength: 30 }),
        ([type, value], trick, where) => {
          const changed = Array.from(value, (c, i) => (where[i] === true ? trick(c) : c)).join('')
          const found = said.quote(type, changed)
          expect(found?.spelling ?? value).toBe(value)
        },
      ),
      { numRuns: 2000 },
    )
  })

  it('says in which turn a value was said last, and -1 for a constant that only the developer listed', () => {
    const made = index('pay bob@x.com', 'no', 'yes, BOB@x.com')
    made.addConstant('help@acme.com', { chunk: 9 })
    made.addConstant('bob@x.com', { chunk: 9 })
    expect(made.quote('email', 'bob@x.com')).toEqual({ spelling: 'BOB@x.com', turn: 2, chunk: 2 })
    expect(made.quote('email', 'help@acme.com')).toEqual({ spelling: 'help@acme.com', turn: -1, chunk: 9 })
    expect(made.quote('text', 'help@acme.com')?.turn).toBe(-1)
    expect(made.quote('name', 'acme', { bareWords: true })).toBeUndefined()
  })

  it('takes a date and a time from two turns for said in the earlier one', () => {
    const made = index('on 26 May', 'at 10:20')
    expect(made.quote('date', '2024-05-26T10:20')).toMatchObject({ turn: 0 })
    expect(made.quote('date', '2024-05-26T10:21')).toBeUndefined()
  })

  it.each([
    ['a ', 'a '],
    ['a ', 'a, '],
    ['"', '"'],
    ["'a ", "'a"],
    ['5 ', '5 '],
    ['12345 ', '12345 '],
    ['26 May ', '26 May '],
    ['1,', '1,'],
    ['(1)', '(1)'],
    ['9,,,,,', '9,,,'],
    ['GB29 ', 'GB29 '],
    ['@a.', '@a.'],
    ['www.a/', 'www.a/'],
    ['‘“«', '‘“«'],
    ['é\u0301\u0316', 'é\u0301\u0316'],
    ['a"b c"', 'b c'],
  ])(
    'indexes and looks up %j many thousand times over in linear time',
    { timeout: 10_000 },
    (said, value) => {
      const made = index(said.repeat(200_000 / said.length))
      const asked = `${value.repeat(100_000 / value.length)}b`
      expect(() => {
        for (const type of types) for (const how of hows) made.quote(type, asked, how)
      }).not.toThrow()
    },
  )
})
