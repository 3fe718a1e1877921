import { inStyleOf, readNumber } from './number.ts'
import { localeFacts, type Writing } from './writing.ts'

export interface Money {
  /** ISO 4217, a symbol that several currencies share, or empty. */
  readonly currency: string
  readonly amount: string
  /** The same with its number written plainly. */
  readonly plain: string
}

const SYMBOLS: ReadonlyMap<string, string> = new Map(
  Object.entries({
    '£': 'GBP',
    '€': 'EUR',
    '₹': 'INR',
    '₩': 'KRW',
    '₽': 'RUB',
    '₺': 'TRY',
    '₪': 'ILS',
    '₴': 'UAH',
    '₫': 'VND',
    zł: 'PLN',
    us$: 'USD',
    ca$: 'CAD',
    c$: 'CAD',
    au$: 'AUD',
    a$: 'AUD',
    nz$: 'NZD',
    hk$: 'HKD',
    s$: 'SGD',
    r$: 'BRL',
    euro: 'EUR',
    euros: 'EUR',
    pound: '£',
    pounds: '£',
    dollar: '$',
    dollars: '$',
  }),
)
const DOLLARS: Readonly<Record<string, string>> = {
  US: 'USD',
  CA: 'CAD',
  AU: 'AUD',
  NZ: 'NZD',
  SG: 'SGD',
  HK: 'HKD',
}
const CODES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency'))

/** ISO code of a currency's code, symbol or English name; the symbol where the locale does not tell whose it is. */
export function readCurrency(text: string, writing: Writing): string | undefined {
  if (text.length === 0 || text.length > 7) return undefined
  const word = SYMBOLS.get(text.toLowerCase()) ?? text
  const { region } = localeFacts(writing.locale)
  if (word === '$') return DOLLARS[region ?? ''] ?? '$'
  if (word === '£') return 'GBP'
  if (word === '¥') return region === 'JP' ? 'JPY' : region === 'CN' ? 'CNY' : '¥'
  return CODES.has(word) ? word : undefined
}

/** An amount with its currency before, after or left out. */
export function readMoney(text: string, writing: Writing): Money | undefined {
  if (text.length > 80) return undefined
  if (/^\d+$/.test(text)) {
    const amount = readNumber(text, writing)
    return amount === undefined ? undefined : { currency: '', amount, plain: amount }
  }
  const parts = /^([-\u2212]?)([^\d\s+\u2212-]{0,7})(\s?)([-\u2212]?)(\d(?:.*\d)?)(\s?)(\D{0,7})$/u.exec(text)
  if (parts === null) return undefined
  const [, outer = '', before = '', , inner = '', digits = '', , after = ''] = parts
  if ((before !== '' && after !== '') || (outer !== '' && inner !== '')) return undefined
  const written = before + after
  const currency = written === '' ? '' : readCurrency(written, writing)
  const sign = outer + inner === '' ? '' : '-'
  const amount = readNumber(sign + digits, writing)
  if (currency === undefined || amount === undefined) return undefined
  const shown = inStyleOf(amount, digits, localeFacts(writing.locale).decimal)
  return {
    currency,
    amount,
    plain: before !== '' ? `${before}${parts[3]}${shown}` : `${shown}${parts[6]}${after}`,
  }
}

/** `GBP|1050`: equal keys are equal amounts of one currency. */
export function moneyKey(currency: string, amount: string): string {
  return `${currency}|${amount}`
}
