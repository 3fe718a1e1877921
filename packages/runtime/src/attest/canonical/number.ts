import { localeFacts, type Writing } from './writing.ts'

/** Longest number that is read; beyond it nobody means a number. */
const LONGEST = 64

/**
 * A decimal number as people write it, as plain digits without superfluous zeros (`1,050.0` → `1050`).
 *
 * The locale decides what separates; a number it does not account for (`1,23` in en-US, `1.5` in de-DE) is
 * undefined, as are exponents, and zeros in front, which belong to codes.
 */
export function readNumber(text: string, writing: Writing): string | undefined {
  if (text.length === 0 || text.length > LONGEST) return undefined
  if (/^(?:0|[1-9]\d*)$/.test(text)) return text
  const { groups, decimal, lakh } = localeFacts(writing.locale)
  const sign = /^[-\u2212]/u.test(text) ? '-' : ''
  const body = /^[-+\u2212]/u.test(text) ? text.slice(1) : text
  const at = body.indexOf(decimal)
  const whole = at < 0 ? body : body.slice(0, at)
  const fraction = at < 0 ? '' : body.slice(at + decimal.length)
  if (at >= 0 && !/^\d+$/.test(fraction)) return undefined
  const digits = /^\d+$/.test(whole) ? whole : ungrouped(whole, groups, lakh)
  if (digits === undefined || /^0\d/.test(digits)) return undefined
  return plainDecimal(sign, digits, fraction)
}

/** A JSON number as plain digits, exponents written out. */
export function plainNumber(value: number): string {
  const text = String(Math.abs(value))
  const sign = value < 0 ? '-' : ''
  const [mantissa = '', exponent] = text.split('e')
  const [whole = '', fraction = ''] = mantissa.split('.')
  if (exponent === undefined) return plainDecimal(sign, whole, fraction)
  const shift = Number(exponent)
  return shift > 0
    ? plainDecimal(sign, whole + fraction.padEnd(shift, '0').slice(0, shift), fraction.slice(shift))
    : plainDecimal(sign, '0', '0'.repeat(-shift - 1) + whole + fraction)
}

/** The plain number with at least as many places as `like` shows after `decimal`. */
export function inStyleOf(plain: string, like: string, decimal: string): string {
  const at = like.indexOf(decimal)
  const places = at < 0 ? 0 : (/^\d*/.exec(like.slice(at + decimal.length))?.[0].length ?? 0)
  const [whole = '', fraction = ''] = plain.split('.')
  return places > fraction.length ? `${whole}.${fraction.padEnd(places, '0')}` : plain
}

function ungrouped(whole: string, groups: string, lakh: boolean): string | undefined {
  const separator = [...groups].find((mark) => whole.includes(mark))
  if (separator === undefined) return undefined
  const [first = '', ...rest] = whole.split(separator)
  const last = rest.pop()
  const inner = lakh ? 2 : 3
  if (!/^\d{1,3}$/.test(first) || first.length > inner) return undefined
  if (last === undefined || !/^\d{3}$/.test(last)) return undefined
  if (!rest.every((group) => group.length === inner && /^\d+$/.test(group))) return undefined
  return first + rest.join('') + last
}

function plainDecimal(sign: string, whole: string, fraction: string): string {
  const significant = fraction.replace(/0+$/, '')
  const trimmed = whole.replace(/^0+(?=\d)/, '') || '0'
  if (trimmed === '0' && significant === '') return '0'
  return significant === '' ? sign + trimmed : `${sign}${trimmed}.${significant}`
}
