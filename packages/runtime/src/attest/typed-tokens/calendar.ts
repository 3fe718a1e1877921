import { dayOf, monthOf, readDate } from '../canonical/date.ts'
import { readTime } from '../canonical/time.ts'
import type { Around, Emit } from '../typed-tokens.ts'

const RELATIVE: ReadonlySet<string> = new Set([
  'today',
  'tomorrow',
  'yesterday',
  'sunday',
  'monday',
  'tuesday',
  'wednesday',
  'thursday',
  'friday',
  'saturday',
])
const CLOCK: ReadonlySet<string> = new Set(['noon', 'midnight'])
// "The day after tomorrow", "next Friday", "every Monday": another day, or one that people do not agree on.
const SHIFTS = /^(?:after|before|next|last|previous|past|every|each|following|since|until)$/i
const ZONE = /^(?:utc|gmt|z|[ecmp][sd]t|ces?t|bst|ist|jst|ees?t|wes?t|ae[sd]t)(?:[+-]\d.*)?$/i
const HALF = /^[ap]\.?m\.?$/i
const PLAIN = /^\d+$/
const DAY = /^\d{1,2}(?:st|nd|rd|th|er)?$/i

/** Cheap test for the few words without digits that are dates or times. */
export function isCalendarWord(text: string, start: number, length: number): boolean {
  const first = text.charCodeAt(start) | 0x20
  // t y s m w f n
  if (
    first !== 0x74 &&
    first !== 0x79 &&
    first !== 0x73 &&
    first !== 0x6d &&
    first !== 0x77 &&
    first !== 0x66 &&
    first !== 0x6e
  )
    return false
  const last = text.charCodeAt(start + length - 1) | 0x20
  // …y, …w, …t, …n
  if (last !== 0x79 && last !== 0x77 && last !== 0x74 && last !== 0x6e) return false
  const word = text.slice(start, start + length).toLowerCase()
  return RELATIVE.has(word) || CLOCK.has(word)
}

/**
 * Dates and times that begin here: how many words they take, or undefined where there are none.
 *
 * A time with a zone behind it is none, since it is not of the user's day.
 */
export function calendarTokens(here: Around, emit: Emit): number | undefined {
  const word = here.word(0)
  const lower = word.toLowerCase()
  if (RELATIVE.has(lower)) return relative(here, lower, emit)
  if (CLOCK.has(lower)) {
    emit('time', readTime(lower) as string, word)
    return 1
  }
  return dayAndMonth(here, emit) ?? wholeDate(here, emit) ?? clock(here, emit)
}

function relative(here: Around, word: string, emit: Emit): number {
  const shifted = SHIFTS.test(here.word(-1)) || /^(?:week|fortnight)$/i.test(here.word(1))
  // "Friday 26 May" says its own date.
  const dated = /\d/.test(here.word(1)) && !readsAsTime(here, 1)
  const date =
    shifted || dated || monthOf(here.word(1), here.writing) !== undefined
      ? undefined
      : readDate(word, here.writing)
  if (date !== undefined) emit('date', date.date, word)
  return 1
}

function dayAndMonth(here: Around, emit: Emit): number | undefined {
  const day = here.word(0)
  const numbered = DAY.test(day) ? day : undefined
  if (numbered === undefined) return undefined
  const { writing } = here
  const monthBefore = here.beforeTaken() ? undefined : monthOf(here.word(-1), writing)
  const of = here.word(1).toLowerCase() === 'of' ? 2 : 1
  const monthAfter = monthOf(here.word(of), writing)
  const month = monthAfter ?? monthBefore
  if (month === undefined) return undefined
  const length = monthAfter === undefined ? 1 : of + 1
  const next = here.word(length)
  const year = /^\d{4}$/.test(next) ? next : undefined
  const date = dayOf(numbered, month, year, writing)
  if (date !== undefined) emit('date', date, `${numbered} ${month}`)
  return date === undefined ? undefined : length + (year === undefined ? 0 : 1)
}

function wholeDate(here: Around, emit: Emit): number | undefined {
  const word = here.word(0)
  const read = readDate(word, here.writing)
  if (read === undefined) return undefined
  emit('date', read.time === undefined ? read.date : `${read.date} ${read.time}`, word)
  return 1
}

function clock(here: Around, emit: Emit): number | undefined {
  const word = here.word(0)
  if (!/^\d/.test(word) || word.length > 24) return undefined
  const halved = HALF.test(here.word(1)) && here.joined(0)
  // A plain number, the most common word with a digit in it, is no time without am or pm.
  if (!halved && PLAIN.test(word)) return undefined
  const written = halved ? `${word} ${here.word(1)}` : word
  const length = halved ? 2 : 1
  const range = /^(\d{1,2}:\d{2})[-\u2013](\d{1,2}:\d{2})$/.exec(word)
  const times = range === null ? [written] : halved ? [] : range.slice(1)
  const keys = times.map(readTime)
  if (keys.length === 0 || keys.includes(undefined)) return /^\d{1,2}:\d{2}/.test(word) ? 1 : undefined
  if (!ZONE.test(here.word(length))) times.forEach((time, i) => emit('time', keys[i] as string, time))
  return length
}

function readsAsTime(here: Around, offset: number): boolean {
  const word = here.word(offset)
  return readTime(word) !== undefined || HALF.test(here.word(offset + 1))
}
