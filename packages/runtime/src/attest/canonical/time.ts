/**
 * A time of day as `HH:MM`, with seconds only where they are not zero.
 *
 * Twenty-four hours, or twelve with am or pm; `noon` and `midnight`. Without am or pm `6:30` is half past six
 * in the morning. A time with a zone is undefined: alone it is no time of the user's day.
 */
export function readTime(text: string): string | undefined {
  if (text.length > 14) return undefined
  const word = text.toLowerCase()
  if (word === 'noon') return '12:00'
  if (word === 'midnight') return '00:00'
  const parts = /^(\d{1,2})(?::(\d{2})(?::(\d{2})(?:\.0{1,3})?)?)?(?:\s?([ap])\.?m\.?)?$/.exec(word)
  if (parts === null) return undefined
  const [, hour = '', minute, second = '00', half] = parts
  if (minute === undefined && half === undefined) return undefined
  let h = Number(hour)
  if (half !== undefined) {
    if (h < 1 || h > 12) return undefined
    h = (h % 12) + (half === 'p' ? 12 : 0)
  }
  if (h > 23 || Number(minute ?? '0') > 59 || Number(second) > 59) return undefined
  const short = `${String(h).padStart(2, '0')}:${minute ?? '00'}`
  return second === '00' ? short : `${short}:${second}`
}

/** True for a form that no reader takes otherwise, so that it may stay as the tool's schema wants it. */
export function isPlainTime(text: string): boolean {
  return /^(?:\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?|\d{1,2}(?::\d{2})? ?[AaPp][Mm])$/.test(text)
}
