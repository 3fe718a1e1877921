import type { ValueType } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { readAccount } from './canonical/account.ts'
import { isPlainDate, readDate } from './canonical/date.ts'
import { readEmail } from './canonical/email.ts'
import { moneyKey, readMoney } from './canonical/money.ts'
import { inStyleOf, plainNumber, readNumber } from './canonical/number.ts'
import { readPhone } from './canonical/phone.ts'
import { foldedWords, isVisible, mixesScripts } from './canonical/plain-text.ts'
import { isPlainTime, readTime } from './canonical/time.ts'
import { readUrl } from './canonical/url.ts'
import { localeFacts, type Writing } from './canonical/writing.ts'

export type { Writing } from './canonical/writing.ts'

export interface Canonical {
  /** Equal keys are equal values of the type. */
  readonly key: string
  /** The value without tricks of representation; its own canonical form has the same key and spelling. */
  readonly spelling: JsonScalar
}

/**
 * The canonical form of a whole leaf, as the type reads it.
 *
 * Undefined for a leaf that is not of the type, that can be read in two ways in the user's locale, or that holds
 * invisible or confusable characters: it fails closed. Numbers written as JSON numbers are never ambiguous.
 */
export function canonical(type: ValueType, value: JsonScalar, writing: Writing): Canonical | undefined {
  if (typeof value === 'number') return canonicalNumber(type, value, writing)
  if (typeof value !== 'string' || !value.isWellFormed()) return undefined
  switch (type) {
    case 'id':
      return canonicalId(value)
    case 'email':
      return sameKey(readEmail(value))
    case 'phone':
      return sameKey(readPhone(value, writing))
    case 'iban':
      return sameKey(readAccount(value))
    case 'url': {
      const url = readUrl(value)
      return url && { key: url.key, spelling: value.normalize('NFC') }
    }
    case 'number': {
      const number = readNumber(value, writing)
      return number === undefined
        ? undefined
        : {
            key: number,
            spelling: localized(inStyleOf(number, value, localeFacts(writing.locale).decimal), writing),
          }
    }
    case 'money': {
      const money = readMoney(value, writing)
      return (
        money && { key: moneyKey(money.currency, money.amount), spelling: localized(money.plain, writing) }
      )
    }
    case 'date': {
      const read = readDate(value, writing)
      if (read === undefined) return undefined
      const key = read.time === undefined ? read.date : `${read.date} ${read.time}`
      return { key, spelling: isPlainDate(value) ? value : key }
    }
    case 'time': {
      const time = readTime(value)
      return time === undefined ? undefined : { key: time, spelling: isPlainTime(value) ? value : time }
    }
    case 'name':
    case 'text': {
      const key = foldedWords(value)
      return key === undefined
        ? undefined
        : { key, spelling: value.normalize('NFC').replace(/\s+/gu, ' ').trim() }
    }
    case 'choice':
      return undefined
    default:
      return type satisfies never
  }
}

function canonicalNumber(type: ValueType, value: number, writing: Writing): Canonical | undefined {
  if (!Number.isFinite(value)) return undefined
  const plain = plainNumber(value)
  if (type === 'number') return { key: plain, spelling: value }
  if (type === 'money') return { key: moneyKey('', plain), spelling: value }
  if (type === 'date' || type === 'time' || !Number.isSafeInteger(value) || value < 0) return undefined
  const form = canonical(type, plain, writing)
  return form && { key: form.key, spelling: value }
}

function canonicalId(value: string): Canonical | undefined {
  if (value.length > 512 || !isVisible(value)) return undefined
  const key = value.normalize('NFC')
  if (key === '' || key.trim() !== key) return undefined
  // "June 13" is not file 13: so short a number must be bound to a record.
  if (/^[^\p{L}]*$/u.test(key) && key.replace(/[^\p{N}]/gu, '').length <= 4) return undefined
  return key.split(/[^\p{L}\p{M}\p{N}]+/u).some(mixesScripts) ? undefined : { key, spelling: key }
}

function sameKey(key: string | undefined): Canonical | undefined {
  return key === undefined ? undefined : { key, spelling: key }
}

// Ungrouped, with the locale's own decimal separator: read again, "1.234" in de-DE would be a thousand times more.
function localized(plain: string, writing: Writing): string {
  return plain.replace('.', localeFacts(writing.locale).decimal)
}

/**
 * Whether what was said is the value that is held. An amount that names no currency is the amount in whichever
 * currency it is held; one that names another is not.
 */
export function sameValue(type: ValueType, said: JsonScalar, held: JsonScalar, writing: Writing): boolean {
  const a = canonical(type, said, writing)?.key
  const b = canonical(type, held, writing)?.key
  if (a === undefined || b === undefined) return false
  return a === b || (type === 'money' && a.startsWith('|') && b.slice(b.indexOf('|')) === a)
}
