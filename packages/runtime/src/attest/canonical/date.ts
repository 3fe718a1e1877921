import { readTime } from './time.ts'
import { localeFacts, localTime, type Writing } from './writing.ts'

export interface DateRead {
  /** `2024-05-30`, in the user's zone. */
  readonly date: string
  /** `10:20`, where the date came with a time. */
  readonly time: string | undefined
}

const WEEKDAYS: readonly string[] = [
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
]
const RELATIVE: Readonly<Record<string, number>> = { today: 0, tomorrow: 1, yesterday: -1 }
const ORDINAL = /^(\d{1,2})(?:st|nd|rd|th|er|\.)?$/i

/**
 * A date as people and programs write it, in the user's zone: ISO, `26 May 2024`, `May 26th` (of the current
 * year), numeric dates by the locale's order, `today`, `tomorrow`, `yesterday`, and a bare weekday, which is the
 * coming one and undefined on that very day. Undefined for what can be read in two ways.
 */
export function readDate(text: string, writing: Writing): DateRead | undefined {
  // A bare number is the most common word with a digit in it, and no date.
  if (text.length > 64 || /^\d*$/.test(text)) return undefined
  const iso = readIso(text, writing)
  if (iso !== undefined) return iso
  const date = readNumeric(text, writing) ?? readWords(text, writing) ?? readRelative(text, writing)
  if (date !== undefined) return { date, time: undefined }
  // A date and a time, however each is written.
  const parts = /^(.+?)(?:,? at |, | )(\S+(?: [AaPp]\.?[Mm]\.?)?)$/.exec(text)
  const time = parts === null ? undefined : readTime(parts[2] ?? '')
  if (parts === null || time === undefined) return undefined
  const day = readDate(parts[1] ?? '', writing)
  return day === undefined || day.time !== undefined ? undefined : { date: day.date, time }
}

/** True for a form that no reader takes otherwise, so that it may stay as the tool's schema wants it. */
export function isPlainDate(text: string): boolean {
  return (
    /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:?\d{2})?)?$/.test(text) ||
    /^(?:\d{1,2} [A-Za-z]{3,9}|[A-Za-z]{3,9} \d{1,2},?) \d{4}$/.test(text)
  )
}

/** The month that a word names, in the user's language or in English. */
export function monthOf(word: string, writing: Writing): number | undefined {
  if (word.length > 20) return undefined
  return localeFacts(writing.locale).months.get(word.normalize('NFC').toLowerCase().replace(/\.$/, ''))
}

/** A day of a month, or undefined; with no year, of the year in which it was written. */
export function dayOf(
  day: string,
  month: number,
  year: string | undefined,
  writing: Writing,
): string | undefined {
  const number = ORDINAL.exec(day)?.[1]
  return number === undefined ? undefined : valid(year ?? thisYear(writing), month, Number(number))
}

function readIso(text: string, writing: Writing): DateRead | undefined {
  const parts =
    /^(\d{4})[-/](\d{2})[-/](\d{2})(?:[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|z|[+-]\d{2}:?\d{2})?)?$/.exec(
      text,
    )
  if (parts === null) return undefined
  const [, year = '', month, day, clock, offset] = parts
  const date = valid(year, Number(month), Number(day))
  if (date === undefined) return undefined
  if (clock === undefined) return { date, time: undefined }
  const time = readTime(clock)
  if (time === undefined) return undefined
  if (offset === undefined) return { date, time }
  const zone = /^z$/i.test(offset)
    ? 'Z'
    : offset.includes(':')
      ? offset
      : `${offset.slice(0, 3)}:${offset.slice(3)}`
  const instant = new Date(`${date}T${time}${zone}`)
  return Number.isNaN(instant.getTime()) ? undefined : localTime(instant, writing.timeZone)
}

function readNumeric(text: string, writing: Writing): string | undefined {
  const parts = /^(\d{1,2})([./-])(\d{1,2})\2(\d{4}|\d{2})$/.exec(text)
  if (parts === null) return undefined
  const [, first = '', mark, second = '', written = ''] = parts
  const { order } = localeFacts(writing.locale)
  // With two digits each, any of the three may be the year.
  if (written.length === 2 && (order === undefined || order === 'ymd')) return undefined
  const year = written.length === 2 ? `20${written}` : written
  const dayFirst = valid(year, Number(second), Number(first))
  const monthFirst = mark === '.' ? undefined : valid(year, Number(first), Number(second))
  if (dayFirst === undefined || monthFirst === undefined || dayFirst === monthFirst)
    return dayFirst ?? monthFirst
  return order === 'dmy' ? dayFirst : order === 'mdy' ? monthFirst : undefined
}

function readWords(text: string, writing: Writing): string | undefined {
  const words = text.replace(/^the /i, '').replace(/ of /i, ' ').split(/,? /)
  if (words.length < 2 || words.length > 3) return undefined
  const [one = '', two = '', year] = words
  if (year !== undefined && !/^\d{4}$/.test(year)) return undefined
  const before = monthOf(one, writing)
  if (before !== undefined) return dayOf(two, before, year, writing)
  const after = monthOf(two, writing)
  return after === undefined ? undefined : dayOf(one, after, year, writing)
}

function readRelative(text: string, writing: Writing): string | undefined {
  const word = text.toLowerCase()
  const weekday = WEEKDAYS.indexOf(word)
  if (!Object.hasOwn(RELATIVE, word) && weekday < 0) return undefined
  const today = new Date(`${localTime(writing.now, writing.timeZone).date}T00:00:00Z`)
  let days = RELATIVE[word] ?? 0
  if (weekday >= 0) {
    days = (weekday - today.getUTCDay() + 7) % 7
    if (days === 0) return undefined
  }
  return new Date(today.getTime() + days * 86_400_000).toISOString().slice(0, 10)
}

function valid(year: string, month: number, day: number): string | undefined {
  const date = `${year}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
  const instant = new Date(`${date}T00:00:00Z`)
  return Number.isNaN(instant.getTime()) || instant.toISOString().slice(0, 10) !== date ? undefined : date
}

function thisYear(writing: Writing): string {
  return localTime(writing.now, writing.timeZone).date.slice(0, 4)
}
