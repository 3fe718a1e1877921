import { ConfigError } from '../errors.ts'
import type { PolicyRequest } from './request.ts'
import type { Condition } from './rules.ts'

export type Weekday = 'mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun'

/** A window on the clock on the wall: from `from` (`09:00`) up to, not including, `to` (`17:30`, at most `24:00`). */
export interface Hours {
  readonly from: string
  /** Earlier than `from` for a window that ends on the next day. */
  readonly to: string
  /** The days on which a window starts; every day where left out. */
  readonly days?: readonly Weekday[]
}

const DAYS: readonly Weekday[] = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']
const DAY = 24 * 60

/**
 * Whether the time of the request is within these hours, in the user's zone or in `zone` (an IANA name).
 *
 * Goes by the wall clock: an hour that daylight saving repeats counts twice, one that it skips never comes. A
 * request with a zone or time that does not parse makes the condition throw, and so the call a deny.
 *
 * @throws {ConfigError} If a time, a day or the zone is not usable.
 */
export function withinHours(hours: Hours, zone?: string): Condition {
  const from = minuteOfDay('withinHours.from', hours.from)
  const to = minuteOfDay('withinHours.to', hours.to)
  if (from === to || from === DAY)
    throw new ConfigError('withinHours', hours, 'a window that is not empty, from a time before 24:00')
  const days = new Set((hours.days ?? DAYS).map((day, i) => dayNumber(`withinHours.days[${i}]`, day)))
  if (days.size === 0) throw new ConfigError('withinHours.days', hours.days, 'at least one day')
  if (zone !== undefined) wallClock(zone, 'withinHours zone')
  return (request: PolicyRequest) => {
    const { day, minute } = wallClock(zone ?? request.timeZone, 'timeZone')(request.time)
    if (from < to) return days.has(day) && minute >= from && minute < to
    return (minute >= from && days.has(day)) || (minute < to && days.has((day + 6) % 7))
  }
}

/**
 * Whether the time of the request is at or after `start` and before `end`.
 *
 * @throws {ConfigError} If either is no date, or nothing lies between them.
 */
export function between(start: Date, end: Date): Condition {
  const [first, last] = [instant('between start', start), instant('between end', end)]
  if (first >= last) throw new ConfigError('between', [start, end], 'a start that is before the end')
  return ({ time }: PolicyRequest) => {
    const now = instant('time', time)
    return now >= first && now < last
  }
}

type WallClock = (time: Date) => { readonly day: number; readonly minute: number }

const clocks = new Map<string, WallClock>()
// About as many as there are zones and aliases; a zone comes from the application, but is not ours to trust.
const MOST_CLOCKS = 1000
const WHOLE_MINUTES_SINCE = Date.UTC(1973, 0)

function wallClock(zone: string, key: string): WallClock {
  const known = clocks.get(zone)
  if (known) return known
  const made = newClock(zone, key)
  if (clocks.size >= MOST_CLOCKS) clocks.clear()
  clocks.set(zone, made)
  return made
}

function newClock(zone: string, key: string): WallClock {
  const format = formatOf(zone, key)
  const read = (time: Date): ReturnType<WallClock> => {
    const parts = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, value]))
    const day = dayNumber(key, String(parts['weekday']).toLowerCase())
    return { day, minute: Number(parts['hour']) * 60 + Number(parts['minute']) }
  }
  // Formatting takes microseconds, and the rules of one decision all ask about one minute. Offsets are whole
  // minutes since 1973 (Liberia was the last), so within a minute the answer does not change.
  let minute = Number.NaN
  let last: ReturnType<WallClock> = { day: 0, minute: 0 }
  return (time) => {
    const now = instant(key, time)
    if (now < WHOLE_MINUTES_SINCE) return read(time)
    const asked = Math.floor(now / 60_000)
    if (asked !== minute) {
      last = read(time)
      minute = asked
    }
    return last
  }
}

function formatOf(zone: string, key: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      weekday: 'short',
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
  } catch {
    throw new ConfigError(key, zone, 'an IANA time zone, such as Europe/London')
  }
}

function minuteOfDay(key: string, text: unknown): number {
  const match = typeof text === 'string' ? /^(\d{2}):(\d{2})$/.exec(text) : null
  const minute = match ? Number(match[1]) * 60 + Number(match[2]) : Number.NaN
  if (!match || Number(match[2]) > 59 || minute > DAY)
    throw new ConfigError(key, text, 'a time of day, from 00:00 to 24:00')
  return minute
}

function dayNumber(key: string, text: unknown): number {
  const day = DAYS.indexOf(text as Weekday)
  if (day < 0) throw new ConfigError(key, text, DAYS.join(', '))
  return day
}

function instant(key: string, time: Date): number {
  const now = time instanceof Date ? time.getTime() : Number.NaN
  if (Number.isNaN(now)) throw new ConfigError(key, String(time), 'a valid date')
  return now
}
