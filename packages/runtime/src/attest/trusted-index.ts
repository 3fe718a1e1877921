import type { ValueType } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { canonical, type Canonical, type Writing } from './canonical.ts'
import { createSaidWords, type Said } from './said-words.ts'
import { typedTokens } from './typed-tokens.ts'

/** A value's place in the trusted text. */
export interface Quote {
  /** What to put in the leaf's place before the call is decided. */
  readonly spelling: JsonScalar
  /** The latest turn in which it was said; -1 for a developer's constant that the user has not said. */
  readonly turn: number
  readonly chunk: number
}

export interface QuoteOptions {
  /** `text` and `name` without quotation marks: any run of whole tokens, no strict part of a quoted span. */
  readonly bareWords?: boolean
  /** A declared record key: as `bareWords`, but a single ordinary word needs its quotation marks. */
  readonly recordKey?: boolean
}

/** Everything that the user and the developer said, to be asked whether they said a value. */
export interface TrustedIndex {
  /** Indexes a text. Earlier text is not touched, and nothing that was quoted stops being so. */
  add(text: string, source: { readonly chunk: number; readonly turn: number }, writing: Writing): void
  /**
   * Where the trusted text holds this value, as one whole token, run of tokens or quoted span of its type;
   * undefined where it does not, or where the value is ambiguous. Costs the length of the value, save that a run
   * of words also costs the occurrences of the rarest two of its words side by side.
   *
   * The spelling is the user's for addresses, identifiers, names and text; of account and telephone numbers too,
   * unless the leaf is written compactly, then compact. Numbers and amounts stay JSON numbers, or become plain
   * digits in a string. A date or time stays as the leaf has it if it is in a plain form that a tool's schema may
   * want (ISO 8601, `26 May 2024`, `6:30 PM`), and is ISO-like otherwise.
   */
  quote(type: ValueType, value: JsonScalar, how?: QuoteOptions): Quote | undefined
  /** Adds a value that the developer lists: it is quoted as a whole leaf, in any type that it has. */
  addConstant(value: string, source: { readonly chunk: number }): void
}

const TYPES: readonly ValueType[] = [
  'id',
  'email',
  'phone',
  'iban',
  'url',
  'money',
  'number',
  'date',
  'time',
  'name',
  'text',
]

/** Creates an empty index. Leaves are read as the latest added text was written; `writing` holds before there is one. */
export function createTrustedIndex(writing: Writing): TrustedIndex {
  const words = createSaidWords()
  const typed = new Map<string, Said>()
  const constants = new Map<string, Said>()
  let latest = writing

  function said(type: ValueType, form: Canonical, how: QuoteOptions): Said | undefined {
    switch (type) {
      case 'id':
        return words.exact(form.key)
      case 'name':
      case 'text': {
        const span = words.span(form.key)
        const bare = how.bareWords === true || how.recordKey === true ? bareRun(form.key, how) : undefined
        return span !== undefined && bare !== undefined
          ? bare.turn > span.turn
            ? bare
            : span
          : (span ?? bare)
      }
      case 'date':
        return later(typed.get(`date ${form.key}`), dateAndTime(form.key))
      // A plain number is an amount without a currency, and a share is a number, but no amount.
      case 'number':
        return later(typed.get(`number ${form.key}`), typed.get(`percent ${form.key}`))
      case 'money':
        return typed.get(form.key.startsWith('|') ? `number ${form.key.slice(1)}` : `money ${form.key}`)
      default:
        return typed.get(`${type} ${form.key}`)
    }
  }

  function dateAndTime(key: string): Said | undefined {
    const [date, time] = key.split(' ')
    if (time === undefined) return undefined
    const [day, clock] = [typed.get(`date ${date}`), typed.get(`time ${time}`)]
    if (day === undefined || clock === undefined) return undefined
    // Said in full only once both parts were.
    return day.turn <= clock.turn ? day : clock
  }

  function bareRun(form: string, how: QuoteOptions): Said | undefined {
    return words.run(form) ?? (how.bareWords === true ? words.single(form) : words.singleKey(form))
  }

  return {
    add(text, source, written) {
      latest = written
      const typedToken = typedTokens(text, written, (type, key, spelled) => {
        const place = `${type} ${key}`
        const known = typed.get(place)
        if (known === undefined || known.turn <= source.turn)
          typed.set(place, { text: spelled, turn: source.turn, chunk: source.chunk })
      })
      words.add(text, source, typedToken)
    },
    quote(type, value, how = {}) {
      const form = canonical(type, value, latest)
      if (form === undefined) return undefined
      if (how.recordKey === true && /^\p{Nd}{1,4}$/u.test(form.key)) return undefined
      const found = said(type, form, how) ?? constants.get(`${type} ${form.key}`)
      return found && { spelling: spelling(type, value, form, found), turn: found.turn, chunk: found.chunk }
    },
    addConstant(value, { chunk }) {
      for (const type of TYPES) {
        const form = canonical(type, value, latest)
        if (form === undefined) continue
        const listed = { text: value, turn: -1, chunk }
        constants.set(`${type} ${form.key}`, listed)
        if (type === 'money') constants.set(`${type} ${form.key.replace(/^.*\|/, '|')}`, listed)
      }
    },
  }
}

function spelling(type: ValueType, value: JsonScalar, form: Canonical, { text }: Said): JsonScalar {
  if (typeof value === 'number') return value
  switch (type) {
    case 'number':
    case 'money':
    case 'date':
    case 'time':
      return form.spelling
    case 'iban':
    case 'phone':
      return value === form.key ? form.key : text
    case 'url':
      return /^https:\/\//i.test(String(value)) && !/^[a-z]+:/i.test(text) ? `https://${text}` : text
    default:
      return text
  }
}

function later(one: Said | undefined, other: Said | undefined): Said | undefined {
  return one === undefined || (other !== undefined && other.turn > one.turn) ? other : one
}
