import { localeFacts, type Writing } from './writing.ts'

// Country code and trunk prefix, where national numbers turn into international ones by rule (ITU-T E.123, E.164).
const REGIONS: Readonly<Record<string, readonly [code: string, trunk: string]>> = {
  US: ['1', '1'],
  CA: ['1', '1'],
  GB: ['44', '0'],
  IE: ['353', '0'],
  DE: ['49', '0'],
  AT: ['43', '0'],
  CH: ['41', '0'],
  FR: ['33', '0'],
  BE: ['32', '0'],
  NL: ['31', '0'],
  SE: ['46', '0'],
  FI: ['358', '0'],
  AU: ['61', '0'],
  NZ: ['64', '0'],
  JP: ['81', '0'],
  IN: ['91', '0'],
  ZA: ['27', '0'],
}

/** Digits of the shortest number. */
const SHORTEST = 7

/**
 * A telephone number: `+` and digits, or the digits alone where the user's region does not say which country a
 * national number is of. Seven to fifteen digits; extensions and short codes are undefined.
 */
export function readPhone(text: string, writing: Writing): string | undefined {
  if (text.length < SHORTEST || text.length > 40 || !/^\+?[\d(][\d ()./\u00a0-]*\d$/.test(text))
    return undefined
  if (/\d\.\d{1,2}$|^\d{4}-\d{2}-\d{2}$/.test(text) || !balanced(text)) return undefined
  const digits = text.replace(/\D/g, '')
  if (digits.length < SHORTEST || digits.length > 15) return undefined
  // +44 (0)20 …: the bracketed trunk prefix is not dialled from abroad.
  if (text.startsWith('+')) return `+${text.replace('(0)', '').replace(/\D/g, '')}`
  const rule = REGIONS[localeFacts(writing.locale).region ?? '']
  if (rule === undefined) return digits
  const [code, trunk] = rule
  if (code === '1')
    return digits.length === 10
      ? `+1${digits}`
      : digits.length === 11 && digits[0] === '1'
        ? `+${digits}`
        : digits
  if (digits.startsWith('00')) return `+${digits.slice(2)}`
  return digits.startsWith(trunk) ? `+${code}${digits.slice(trunk.length)}` : digits
}

function balanced(text: string): boolean {
  return /^[^()]*(?:\([^()]*\)[^()]*)?$/.test(text)
}
