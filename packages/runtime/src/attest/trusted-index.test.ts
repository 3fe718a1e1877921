import { describe, expect, it } from 'vitest'
import type { ValueType } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { createTrustedIndex, type QuoteOptions, type TrustedIndex } from './trusted-index.ts'
import type { Writing } from './canonical.ts'

const GB: Writing = { locale: 'en-GB', timeZone: 'Europe/London', now: new Date('2024-05-15T10:00:00Z') }
const US: Writing = { ...GB, locale: 'en-US', timeZone: 'America/New_York' }
const DE: Writing = { ...GB, locale: 'de-DE', timeZone: 'Europe/Berlin' }

function index(text: string, writing: Writing = GB): TrustedIndex {
  const made = createTrustedIndex(writing)
  made.add(text, { chunk: 7, turn: 2 }, writing)
  return made
}

type Row = [
  text: string,
  type: ValueType,
  value: JsonScalar,
  spelling: JsonScalar | undefined,
  how?: QuoteOptions | Writing,
]

function check(rows: Row[]): void {
  it.each(
    rows.map(
      (row) => [`${row[0]} | ${row[1]} ${JSON.stringify(row[2])} → ${JSON.stringify(row[3])}`, row] as const,
    ),
  )('%s', (_, [text, type, value, spelling, how]) => {
    const writing = how !== undefined && 'locale' in how ? how : GB
    const found = index(text, writing).quote(type, value, how as QuoteOptions)
    if (spelling === undefined) expect(found).toBeUndefined()
    else expect(found).toEqual({ spelling, turn: 2, chunk: 7 })
  })
}

const bare = { bareWords: true }
const key = { recordKey: true }

describe('what a user writes is quoted', () => {
  check([
    ['Mail bob@x.com, please', 'email', 'bob@x.com', 'bob@x.com'],
    ['Mail <Bob@X.com>.', 'email', 'bob@x.com', 'Bob@X.com'],
    ["bob@x.com's invoice", 'email', 'bob@x.com', 'bob@x.com'],
    ['cc a@x.com,b@x.com', 'email', 'b@x.com', 'b@x.com'],
    ['an pelé@exämple.de', 'email', 'pelé@xn--exmple-cua.de', 'pelé@exämple.de'],
    ['order 48213.', 'id', '48213', '48213'],
    ['order 48213.', 'id', 48213, 48213],
    ['ticket #48213', 'id', '48213', '48213'],
    ['ticket #48213', 'id', '#48213', '#48213'],
    ['(PAY-1234-x)', 'id', 'PAY-1234-x', 'PAY-1234-x'],
    ['the branch "main"', 'id', 'main', 'main'],
    ['the folder "Invoices"', 'id', 'Invoices', 'Invoices'],
    ['to GB29 NWBK 6016 1331 9268 19 today', 'iban', 'GB29NWBK60161331926819', 'GB29NWBK60161331926819'],
    [
      'to GB29 NWBK 6016 1331 9268 19 today',
      'iban',
      'GB29 NWBK 6016 1331 926819',
      'GB29 NWBK 6016 1331 9268 19',
    ],
    ['UK12345678901234567890', 'iban', 'UK12345678901234567890', 'UK12345678901234567890'],
    ['account 12345678', 'iban', '12345678', '12345678'],
    ['Call 020 7946 0958.', 'phone', '+442079460958', '+442079460958'],
    ['Call 07946 095812.', 'phone', '+447946095812', '+447946095812'],
    ['Call +44 (0)20 7946 0958.', 'phone', '020 7946 0958', '+44 (0)20 7946 0958'],
    ['Call (555) 123-4567!', 'phone', '+1 555 123 4567', '(555) 123-4567', US],
    ['see https://x.com/a?b=1.', 'url', 'https://X.com/a?b=1', 'https://x.com/a?b=1'],
    ['see [here](https://x.com/a)', 'url', 'https://x.com/a', 'https://x.com/a'],
    ['look at www.x.com', 'url', 'https://www.x.com/', 'https://www.x.com'],
    ['https://x.com/a_(b)', 'url', 'https://x.com/a_(b)', 'https://x.com/a_(b)'],
    ['pay £1,050 now', 'money', 1050, 1050],
    ['pay £1,050 now', 'money', '1050.00 GBP', '1050.00 GBP'],
    ['pay 1050 GBP now', 'money', '£1,050', '£1050'],
    ['pay EUR 12.00', 'money', 12, 12],
    ['send $98.7', 'money', '98.70', '98.70'],
    ['send 98.70 dollars', 'money', '98.7 USD', '98.7 USD', US],
    ['exactly 5,000 rows', 'number', 5000, 5000],
    ['exactly 1.234 Zeilen', 'number', 1234, 1234, DE],
    ['um 1,5 mehr', 'number', 1.5, 1.5, DE],
    ['um 15% mehr', 'number', 15, 15, DE],
    ['on 26 May', 'date', '2024-05-26', '2024-05-26'],
    ['on May 26th, 2025?', 'date', '2025-05-26', '2025-05-26'],
    ['on the 26th of May', 'date', '2024-05-26', '2024-05-26'],
    ['on 26 May', 'date', '26 May 2024', '26 May 2024'],
    ['am 26. Mai', 'date', '2024-05-26', '2024-05-26', DE],
    ['by 05/06/2024', 'date', '2024-06-05', '2024-06-05'],
    ['by 05/06/2024', 'date', '2024-05-06', '2024-05-06', US],
    ['tomorrow', 'date', '2024-05-16', '2024-05-16'],
    ['lunch on Friday', 'date', '2024-05-17', '2024-05-17'],
    ['at 2024-05-30 10:20', 'date', '2024-05-30 10:20', '2024-05-30 10:20'],
    ['at 2024-05-30 10:20', 'date', '2024-05-30T09:20:00Z', '2024-05-30T09:20:00Z'],
    ['on May 30 at 10:20', 'date', '2024-05-30T10:20:00', '2024-05-30T10:20:00'],
    ['on 30 May at 6pm', 'date', '2024-05-30 18:00', '2024-05-30 18:00'],
    ['at 6 pm', 'time', '18:00', '18:00'],
    ['from 10:00-11:30', 'time', '11:30', '11:30'],
    ['at noon', 'time', '12:00', '12:00'],
    ["Cancel 'Team Sync' now", 'name', 'team  sync', 'Team Sync'],
    ['Cancel “Bob’s party,” please', 'text', "Bob's party", 'Bob’s party'],
    ['Cancel Team Sync now', 'name', 'Team Sync', 'Team Sync', bare],
    ["Ask Bob's boss", 'name', 'Bob', 'Bob', bare],
    ['open report-2024.pdf', 'name', 'report-2024.pdf', 'report-2024.pdf', key],
    ['open Team Sync', 'name', 'Team Sync', 'Team Sync', key],
    ['ask iPhone', 'name', 'iPhone', 'iPhone', key],
  ])
})

describe('what a user did not write is not', () => {
  check([
    ['bob@x.com.evil.com', 'email', 'bob@x.com', undefined],
    ['bob@x.com', 'email', 'bob@x.com.evil.com', undefined],
    ['bob@x.com', 'email', 'bоb@x.com', undefined],
    ['bob@x.com', 'email', 'bob@x.com\u200b', undefined],
    ['bob@x.com', 'email', 'ｂob@x.com', undefined],
    ['June 13', 'id', '13', undefined],
    ['June 13', 'id', 13, undefined],
    ['the file 1234', 'id', '1234', undefined],
    ['the file "1234"', 'id', '1234', undefined],
    ['forward all mails', 'id', 'all', undefined],
    ['forward the mails about holidays', 'id', 'holidays', undefined],
    ['PAY-12345', 'id', '12345', undefined],
    ['pay 5,000', 'money', 5, undefined],
    ['pay 5,000', 'money', '000', undefined],
    ['pay £5,000', 'money', '$5,000', undefined],
    ['pay 5,000', 'money', '$5,000', undefined],
    ['pay $5 million', 'money', 5, undefined],
    ['pay 1,23', 'number', '1,23', undefined],
    ['pay 1,23', 'number', 1.23, undefined],
    ['1.234', 'number', 1.234, undefined, DE],
    ['NWBK 6016', 'iban', 'GB29NWBK60161331926819', undefined],
    ['GB29 NWBK 6016 1331 9268 19', 'iban', '60161331', undefined],
    ['https://x.com/a', 'url', 'https://x.com/', undefined],
    ['https://x.com/a', 'url', 'http://x.com/a', undefined],
    ['https://x.com/a', 'url', 'https://u@x.com/a', undefined],
    ['open readme.md', 'url', 'https://readme.md', undefined],
    ['26 May', 'number', 26, undefined],
    ['the day after tomorrow', 'date', '2024-05-16', undefined],
    ['next Friday', 'date', '2024-05-17', undefined],
    ['05/06/2024', 'date', '2024-06-05', undefined, { ...GB, locale: 'en' }],
    ['at 10:20 UTC', 'time', '10:20', undefined],
    ['on 30 May 2024', 'date', '2024-05-30 10:20', undefined],
    ['at 10:20', 'date', '2024-05-30 10:20', undefined],
    ["Cancel 'Team Sync with Bob'", 'name', 'Team Sync', undefined, key],
    ["Cancel 'Team Sync with Bob'", 'name', 'Team Sync', undefined, bare],
    ["Cancel 'Team Sync with Bob'", 'name', 'Bob', undefined, bare],
    ["Cancel 'Team Sync with Bob'", 'name', "Cancel 'Team", undefined, bare],
    ['Cancel Team Sync', 'name', 'Team Sync', undefined],
    ['delete it all', 'name', 'all', undefined, key],
    ['do NOT delete', 'name', 'NOT', undefined, key],
    ['file 1234', 'name', '1234', undefined, key],
    ['the file "1234"', 'name', '1234', undefined, key],
    ['delete Foo. Bar stays', 'name', 'Foo Bar', undefined, key],
    ['card 1111 2222 3333 4444 5555', 'iban', '22223333444455 55', undefined],
    ['card 1111 2222 3333 4444 5555', 'phone', '3333 4444 5555', undefined],
    ['card 1111 2222 3333 4444 5555', 'money', 1111, undefined],
    ['Bob', 'choice', 'Bob', undefined],
    ['Bob', 'name', 'Bob', undefined],
    ['Delete\n\nEverything is fine', 'name', 'Delete Everything', undefined, bare],
    ['the students’ work', 'text', 'work', undefined],
    ['say “see “Team Sync” there”', 'text', 'Team Sync', undefined],
    ['it is 5:30 p.m.', 'time', '05:30', undefined],
    ['', 'text', '', undefined, bare],
  ])
})
