import type { ValueType } from '../contract/argument.ts'
import { readEmail } from './canonical/email.ts'
import { isVisible } from './canonical/plain-text.ts'
import { readUrl } from './canonical/url.ts'
import type { Writing } from './canonical/writing.ts'
import { calendarTokens, isCalendarWord } from './typed-tokens/calendar.ts'
import { numberTokens } from './typed-tokens/numbers.ts'
import { isSpace, newWord, nextWord, withoutPunctuation, type Word } from './tokens.ts'

/** Types whose values are tokens of their own, found by what they look like. */
export type TokenType = Exclude<ValueType, 'id' | 'name' | 'text' | 'choice'> | 'percent'

/** Takes a typed token: the key of its canonical form, and how it was written. */
export type Emit = (type: TokenType, key: string, written: string) => void

/** A word with its neighbours, as the readers of typed tokens see it. */
export interface Around {
  readonly text: string
  readonly writing: Writing
  /** A word from here on (0 is the word itself, -1 the one before), without outer punctuation; '' past the ends. */
  word(offset: number): string
  /** True if nothing but one space stands between that word and the next, no punctuation either. */
  joined(offset: number): boolean
  /** The word with the punctuation around it. */
  raw(offset: number): string
  /** True if an earlier token has taken the word before this one. */
  beforeTaken(): boolean
}

/** Punctuation that parts a word from the next one, at its end and at the start of that one. */
const PARTS_BEHIND = ',;:!?"\'.'
const PARTS_BEFORE = '"\''
/** Words that may follow: the longest token, an IBAN in groups of four, has nine. */
const AHEAD = 10
/** No typed token is longer; a longer word is none. */
const LONGEST = 8192

/**
 * Reads the typed tokens of a text, shown its words in order: maximal ones, so that `5,000` holds no 5 and
 * `bob@x.com.evil.com` no `bob@x.com`.
 *
 * Linear: each word is looked at with at most ten words after it, and only if it holds a digit or is an address
 * or a word of the calendar.
 */
export function typedTokens(text: string, writing: Writing, emit: Emit): (word: Word) => void {
  let takenUntil = 0
  return (word) => {
    if (word.rawStart < takenUntil || !mayBeTyped(text, word)) return
    if (!isVisible(text.slice(word.rawStart, word.rawEnd))) return
    takenUntil = Math.max(takenUntil, read(around(text, writing, word, takenUntil), word.address, emit))
  }
}

function mayBeTyped(text: string, word: Word): boolean {
  const length = word.end - word.start
  if (length === 0 || word.rawEnd - word.rawStart > LONGEST) return false
  if (word.digits) return true
  if (word.address)
    for (let i = word.start + 1; i < word.end; i += 1) {
      const c = text.charCodeAt(i)
      if (c === 0x40 || c === 0x3a || c === 0x2e) return true
    }
  return length >= 4 && length <= 9 && isCalendarWord(text, word.start, length)
}

/** Reads the tokens that begin at a word; returns the offset up to which words are taken. */
function read(here: Around & { end(offset: number): number }, mayBeAddress: boolean, emit: Emit): number {
  if (mayBeAddress && addresses(here.word(0), emit)) return 0
  const taken = calendarTokens(here, emit) ?? numberTokens(here, emit) ?? 0
  return taken === 0 ? 0 : here.end(taken - 1)
}

function addresses(whole: string, emit: Emit): boolean {
  // [text](https://…) and Name<bob@x.com>, written without a space.
  const link = whole.lastIndexOf('](')
  const angle = whole.lastIndexOf('<')
  const inner = link >= 0 ? whole.slice(link + 2) : angle >= 0 ? whole.slice(angle + 1) : whole
  const address = inner === whole ? whole : withoutPunctuation(inner).replace(/[)>]+$/, '')
  const url = readUrl(address)
  if (url !== undefined) {
    emit('url', url.key, address)
    return true
  }
  if (!address.includes('@')) return false
  const emails = address.split(/[,;]/).map((part) => [part, readEmail(part)] as const)
  if (emails.every(([, key]) => key !== undefined))
    for (const [part, key] of emails) emit('email', key as string, part)
  return true
}

type Bounds = Readonly<Pick<Word, 'rawStart' | 'rawEnd'>>

function around(
  text: string,
  writing: Writing,
  word: Word,
  takenUntil: number,
): Around & { end(offset: number): number } {
  const words: Word[] = [{ ...word }]
  const { rawStart } = word
  // Looked for once it is asked about; null until then.
  let before: Bounds | undefined | null = null
  const bounds = (offset: number): Bounds | undefined => {
    if (offset === -1) return before === null ? (before = wordBefore(text, rawStart)) : before
    while (words.length <= offset && words.length <= AHEAD) {
      const next = newWord()
      if (nextWord(text, (words[words.length - 1] as Word).rawEnd, next) < 0) return undefined
      words.push(next)
    }
    return words[offset]
  }
  const raw = (offset: number): string => {
    const found = bounds(offset)
    return found === undefined || found.rawEnd - found.rawStart > LONGEST
      ? ''
      : text.slice(found.rawStart, found.rawEnd)
  }
  // By the offset plus one: the word before comes first.
  const inner: string[] = []
  return {
    text,
    writing,
    beforeTaken: () => takenUntil > 0 && (bounds(-1)?.rawStart ?? takenUntil) < takenUntil,
    raw,
    word(offset) {
      return (inner[offset + 1] ??= withoutPunctuation(raw(offset)))
    },
    joined(offset) {
      const left = bounds(offset)
      const right = left && bounds(offset + 1)
      if (left === undefined || right === undefined || right.rawStart - left.rawEnd !== 1) return false
      const between = text.charCodeAt(left.rawEnd)
      if (between !== 0x20 && between !== 0xa0 && between !== 0x202f) return false
      return (
        !PARTS_BEHIND.includes(text.charAt(left.rawEnd - 1)) &&
        !PARTS_BEFORE.includes(text.charAt(right.rawStart))
      )
    },
    end: (offset) => bounds(offset)?.rawEnd ?? text.length,
  }
}

/** The word before; longer gaps and words than any token has are not looked through. */
function wordBefore(text: string, from: number): Bounds | undefined {
  const limit = Math.max(0, from - 256)
  let end = from
  while (end > limit && isSpace(text.charCodeAt(end - 1))) end -= 1
  let start = end
  while (start > limit && !isSpace(text.charCodeAt(start - 1))) start -= 1
  return start === end || (start === limit && limit > 0) ? undefined : { rawStart: start, rawEnd: end }
}
