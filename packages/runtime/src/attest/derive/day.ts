const DATE = /^(\d{4})-(\d{2})-(\d{2})$/
const TIMESTAMP = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?)(Z|z|[+-]\d{2}:?\d{2})?$/
const DAY = 86_400_000

/** Days since 1970-01-01, a calendar date with no zone. */
export type Day = number

/**
 * The calendar day that an ISO 8601 date or timestamp names, or undefined where it names none.
 *
 * A timestamp with an offset is an instant and falls on the day it has in `timeZone`; one without is taken
 * at its word.
 */
export function dayOf(text: string, timeZone: string): Day | undefined {
  const stamp = TIMESTAMP.exec(text)
  if (stamp === null) return calendarDay(text)
  if (calendarDay(stamp[1] ?? '') === undefined) return undefined
  const instant = instantOf(text)
  return stamp[3] === undefined
    ? calendarDay(stamp[1] ?? '')
    : instant === undefined
      ? undefined
      : dayAt(instant, timeZone)
}

/** Minutes since 1970-01-01 00:00 by the clock on the wall, of a date and time with no offset and no seconds. */
export type Moment = number

/** The moment that a date with a time of day names; undefined for one with an offset, seconds or no time. */
export function momentOf(text: string): Moment | undefined {
  const [, date = '', hour = '', minute = ''] =
    /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}):(\d{2})(?::00(?:\.0{1,9})?)?$/.exec(text) ?? []
  const day = calendarDay(date)
  if (day === undefined || Number(hour) > 23 || Number(minute) > 59) return undefined
  return day * 1440 + Number(hour) * 60 + Number(minute)
}

/** `2024-05-19T13:00`, or undefined outside the years 1 to 9999. */
export function isoMomentOf(moment: Moment): string | undefined {
  const day = Math.floor(moment / 1440)
  const date = isoOf(day)
  const minutes = moment - day * 1440
  const two = (part: number): string => String(part).padStart(2, '0')
  return date && `${date}T${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`
}

/** Milliseconds since the epoch of a timestamp with an offset; undefined for anything else. */
export function instantOf(text: string): number | undefined {
  const [, date, time, offset] = TIMESTAMP.exec(text) ?? []
  if (offset === undefined) return undefined
  const colon = offset.length === 5 ? `${offset.slice(0, 3)}:${offset.slice(3)}` : offset.toUpperCase()
  const instant = Date.parse(`${date}T${time}${colon}`)
  return Number.isNaN(instant) ? undefined : instant
}

/** The date as ISO 8601 writes it, or undefined outside the years 1 to 9999. */
export function isoOf(day: Day): string | undefined {
  const date = new Date(day * DAY)
  if (Number.isNaN(date.getTime())) return undefined
  const iso = date.toISOString()
  return iso.length === 24 && !iso.startsWith('0000') ? iso.slice(0, 10) : undefined
}

function calendarDay(text: string): Day | undefined {
  if (!DATE.test(text)) return undefined
  const start = Date.parse(`${text}T00:00:00Z`)
  // The round trip refuses 30 February, which some engines roll over.
  return Number.isNaN(start) || isoOf(start / DAY) !== text ? undefined : start / DAY
}

function dayAt(instant: number, timeZone: string): Day | undefined {
  const parts = calendar(timeZone)?.formatToParts(instant) ?? []
  const part = (type: string): string => parts.find((one) => one.type === type)?.value ?? ''
  return calendarDay(`${part('year').padStart(4, '0')}-${part('month')}-${part('day')}`)
}

let last: { readonly timeZone: string; readonly format: Intl.DateTimeFormat | undefined } | undefined

// Making a formatter takes far longer than using it, and one expression stays in one zone.
function calendar(timeZone: string): Intl.DateTimeFormat | undefined {
  if (last?.timeZone !== timeZone) last = { timeZone, format: formatter(timeZone) }
  return last.format
}

function formatter(timeZone: string): Intl.DateTimeFormat | undefined {
  try {
    return new Intl.DateTimeFormat('en-u-ca-iso8601', {
      timeZone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
    })
  } catch {
    return undefined
  }
}
