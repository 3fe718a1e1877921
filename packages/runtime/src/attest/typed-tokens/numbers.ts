import { readAccount } from '../canonical/account.ts'
import { moneyKey, readCurrency, readMoney } from '../canonical/money.ts'
import { readNumber } from '../canonical/number.ts'
import { readPhone } from '../canonical/phone.ts'
import { localeFacts } from '../canonical/writing.ts'
import type { Around, Emit } from '../typed-tokens.ts'

// "$5 million" holds no 5.
const MULTIPLIER =
  /^(?:k|m|bn|mn|mio|mrd|hundreds?|thousands?|millions?|billions?|trillions?|dozens?|lakhs?|crores?|tausend|millionen|milliarden|mille|mil|percent|per|%|‰)$/i
const MOST_GROUPS = 9
/** Punctuation around it included; what is longer is no number, and would be slow to take apart. */
const LONGEST = 128

/** Account and telephone numbers, amounts and plain numbers that begin here, and how many words they take. */
export function numberTokens(here: Around, emit: Emit): number | undefined {
  if (here.raw(0).length > LONGEST) return undefined
  const grouped = groupedIban(here, emit)
  if (grouped !== undefined) return grouped
  const word = here.word(0)
  const account = readAccount(word)
  if (account !== undefined) emit('iban', account, word)
  return digitGroups(here, emit) ?? amount(here, emit)
}

function groupedIban(here: Around, emit: Emit): number | undefined {
  if (!/^[A-Z]{2}\d{2}$/.test(here.word(0))) return undefined
  let written = here.word(0)
  let length = 1
  for (; length <= MOST_GROUPS && here.joined(length - 1); length += 1) {
    const group = here.word(length)
    if (!/^[A-Z0-9]{1,4}$/.test(group)) break
    written += ` ${group}`
    if (group.length < 4) {
      length += 1
      break
    }
  }
  const key = length > 1 ? readAccount(written) : undefined
  if (key === undefined) return undefined
  emit('iban', key, written)
  return length
}

/** Telephone and account numbers in groups. All of a run of short groups is one number, and none of it another. */
function digitGroups(here: Around, emit: Emit): number | undefined {
  const first = opening(here.raw(0))
  if (!/^\+?\(?\d[\d()./-]*$/.test(first)) return undefined
  // A run that began earlier was read there, as a whole or not at all.
  const inside = !here.beforeTaken() && here.joined(-1) && /^[+(]*\d[\d()./-]*$/.test(closing(here.raw(-1)))
  const groups = [first]
  for (let i = 1; i <= MOST_GROUPS && here.joined(i - 1); i += 1) {
    const group = closing(here.raw(i))
    if (!/^\(?\d[\d()./-]*$/.test(group)) break
    groups.push(group)
  }
  const whole = groups.join(' ')
  const { groups: separators } = localeFacts(here.writing.locale)
  if (
    groups.length > 1 &&
    !inside &&
    groups.length <= MOST_GROUPS &&
    whole.split(/\D+/).every((part) => part.length <= 6)
  ) {
    const phone = readPhone(whole, here.writing)
    if (phone !== undefined) emit('phone', phone, whole)
    const account = groups.every((group) => /^\d{1,4}$/.test(group)) ? readAccount(whole) : undefined
    if (account !== undefined) emit('iban', account, whole)
    // What is clearly one number in groups holds no amounts; two plain groups may be two of them.
    const clear =
      (phone !== undefined || account !== undefined) && (groups.length > 2 || /^[+(0]/.test(first))
    return clear && !separators.includes(' ') ? groups.length : undefined
  }
  const alone = closing(first)
  const phone = readPhone(alone, here.writing)
  if (phone !== undefined) emit('phone', phone, alone)
  return phone !== undefined && alone.startsWith('+') ? 1 : undefined
}

function amount(here: Around, emit: Emit): number | undefined {
  const { writing } = here
  const { spaced } = localeFacts(writing.locale)
  let written = here.word(0)
  let length = 1
  if (/^\D{0,3}\d{1,3}$/u.test(written) && here.joined(0) && /^\d{3}(?!\d)/.test(here.word(1))) {
    while (length <= MOST_GROUPS && here.joined(length - 1) && /^\d{3}(?!\d)/.test(here.word(length))) {
      written += ` ${here.word(length)}`
      length += 1
    }
    // Where spaces do not group digits, "5 300" is one number or two.
    if (!spaced) return length
  }
  if (MULTIPLIER.test(here.word(length)) && here.joined(length - 1)) return length + 1
  const percent = /^(.+)%$/.exec(written)?.[1]
  const number = readNumber(percent ?? written, writing)
  if (number !== undefined) emit(percent === undefined ? 'number' : 'percent', number, written)
  if (percent !== undefined) return length
  const money = readMoney(written, writing)
  if (money === undefined) return undefined
  if (number === undefined) emit('number', money.amount, written)
  const before =
    money.currency === '' && !here.beforeTaken() ? (readCurrency(here.word(-1), writing) ?? '') : ''
  const after =
    money.currency === '' && here.joined(length - 1) ? (readCurrency(here.word(length), writing) ?? '') : ''
  const currency = money.currency + (before === '' || after === '' ? before + after : '')
  if (currency !== '') emit('money', moneyKey(currency, money.amount), written)
  return length
}

function opening(raw: string): string {
  if (isDigitAt(raw, 0)) return closing(raw)
  const plain = raw.replace(/^["'<*:;,[]+/, '')
  const open =
    plain.startsWith('(') && !plain.includes(')') && !/^\(\d{2,5}$/.test(plain) ? plain.slice(1) : plain
  return closing(open)
}

function closing(raw: string): string {
  // Nothing to take off, as with most numbers.
  if (raw.length <= LONGEST && isDigitAt(raw, raw.length - 1)) return raw
  const plain = raw.slice(0, LONGEST).replace(/[,.;:!?"'>*\]]+$/, '')
  return plain.endsWith(')') && !plain.includes('(') ? plain.slice(0, -1) : plain
}

function isDigitAt(raw: string, at: number): boolean {
  const c = raw.charCodeAt(at)
  return c >= 0x30 && c <= 0x39
}
