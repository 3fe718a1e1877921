/** How and when trusted text was written; a leaf of the model's is read the same way. */
export interface Writing {
  /** BCP 47. Decides separators of numbers and the order of day and month. */
  readonly locale: string
  /** IANA zone of the user. Decides what "today" is, and where an instant falls. */
  readonly timeZone: string
  readonly now: Date
}

/** What a locale says about numbers and dates. */
export interface LocaleFacts {
  readonly region: string | undefined
  readonly language: string
  /** Characters that may group digits, the decimal separator, and whether groups are 3 then 2 (lakh, crore). */
  readonly groups: string
  readonly decimal: string
  readonly lakh: boolean
  /** True where digits are grouped by spaces. */
  readonly spaced: boolean
  /** Order of a numeric date, or undefined where the locale does not decide (plain `en`). */
  readonly order: 'dmy' | 'mdy' | 'ymd' | undefined
  /** Folded month names to 1–12, of the locale and of English. */
  readonly months: ReadonlyMap<string, number>
}

const facts = new Map<string, LocaleFacts>()
const zones = new Map<string, Intl.DateTimeFormat>()

export function localeFacts(locale: string): LocaleFacts {
  let known = facts.get(locale)
  if (known === undefined) {
    known = readLocale(locale)
    if (facts.size > 100) facts.clear()
    facts.set(locale, known)
  }
  return known
}

/** Date (`2024-05-30`) and time of day (`10:20`, with seconds where not zero) of an instant in a zone. */
export function localTime(instant: Date, timeZone: string): { readonly date: string; readonly time: string } {
  let format = zones.get(timeZone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', {
      timeZone,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
    if (zones.size > 1000) zones.clear()
    zones.set(timeZone, format)
  }
  const part: Record<string, string> = {}
  for (const { type, value } of format.formatToParts(instant)) part[type] = value
  const seconds = part['second'] === '00' ? '' : `:${part['second']}`
  return {
    date: `${part['year']?.padStart(4, '0')}-${part['month']}-${part['day']}`,
    time: `${part['hour']}:${part['minute']}${seconds}`,
  }
}

function readLocale(locale: string): LocaleFacts {
  const { language, region } = new Intl.Locale(locale)
  const number = new Intl.NumberFormat(locale, { useGrouping: true, numberingSystem: 'latn' })
  const parts = number.formatToParts(12345678.5)
  const group = parts.find(({ type }) => type === 'group')?.value ?? ''
  const spaced = /^\s$/u.test(group)
  return {
    language,
    region,
    groups: spaced ? ' \u00a0\u202f' : group === '\u2019' ? "'\u2019" : group,
    decimal: parts.find(({ type }) => type === 'decimal')?.value ?? '.',
    lakh: parts.filter(({ type }) => type === 'integer').some(({ value }, i) => i > 0 && value.length === 2),
    spaced,
    order: dateOrder(locale, language, region),
    months: monthNames(locale),
  }
}

function dateOrder(locale: string, language: string, region: string | undefined): LocaleFacts['order'] {
  // English without a region is written both ways round.
  if (language === 'en' && region === undefined) return undefined
  const order = new Intl.DateTimeFormat(locale, {
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    calendar: 'gregory',
  })
    .formatToParts(new Date(0))
    .map(({ type }) => (type === 'year' ? 'y' : type === 'month' ? 'm' : type === 'day' ? 'd' : ''))
    .join('')
  return order === 'dmy' || order === 'mdy' || order === 'ymd' ? order : undefined
}

function monthNames(locale: string): ReadonlyMap<string, number> {
  const names = new Map<string, number>()
  const both = new Set<string>()
  for (const language of [locale, 'en'])
    for (const month of ['long', 'short'] as const)
      for (const day of [undefined, 'numeric'] as const) {
        const format = new Intl.DateTimeFormat(language, {
          month,
          calendar: 'gregory',
          timeZone: 'UTC',
          ...(day === undefined ? {} : { day }),
        })
        for (let m = 0; m < 12; m += 1) {
          const value = format
            .formatToParts(new Date(Date.UTC(2024, m, 15)))
            .find(({ type }) => type === 'month')?.value
          const name = value?.normalize('NFC').toLowerCase().replace(/\.$/, '')
          if (name === undefined || !/^\p{L}/u.test(name)) continue
          if (names.has(name) && names.get(name) !== m + 1) both.add(name)
          names.set(name, m + 1)
        }
      }
  names.set('sept', 9)
  for (const name of both) names.delete(name)
  return names
}
