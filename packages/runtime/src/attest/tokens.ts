/** A word of a text: what stands between white space, and within it the core without outer punctuation. */
export interface Word {
  /** Bounds of everything between white space. */
  rawStart: number
  rawEnd: number
  /** Bounds without outer punctuation and possessive; equal where nothing is left. */
  start: number
  end: number
  /** Something other than ASCII letters and what separates them. */
  digits: boolean
  upper: boolean
  ascii: boolean
  /** An `@`, `:`, `/`, or a dot inside, so that it may be an address. */
  address: boolean
}

// 1 lower, 2 upper, 3 digit or underscore, 4 white space, 5 part of addresses, 0 other.
const CLASS: Uint8Array = new Uint8Array(128)
for (let c = 0; c < 128; c += 1) {
  const s = String.fromCharCode(c)
  CLASS[c] = /[a-z]/.test(s)
    ? 1
    : /[A-Z]/.test(s)
      ? 2
      : /[0-9_]/.test(s)
        ? 3
        : /\s/.test(s)
          ? 4
          : /[@:/.]/.test(s)
            ? 5
            : 0
}
const WORD_CHARACTER = /[\p{L}\p{M}\p{N}]/u
const OPENING = '([{<"\'`\u00ab\u201c\u2018\u201e\u201a\u300c\u300e\u00bf\u00a1*,;:!?|>~=\u2022'
const CLOSING = ')]}>"\'`\u00bb\u201d\u2019\u201c\u2018\u300d\u300f,.;:!?*|~\u3002\uff0c'

export function newWord(): Word {
  return {
    rawStart: 0,
    rawEnd: 0,
    start: 0,
    end: 0,
    digits: false,
    upper: false,
    ascii: true,
    address: false,
  }
}

/**
 * Reads the next word from `from` on into `word`, and returns where to go on, or -1 at the end.
 *
 * Em dashes and ellipses separate like white space. One pass, so that a text is tokenised in linear time.
 */
export function nextWord(text: string, from: number, word: Word): number {
  const length = text.length
  let i = from
  while (i < length && isSpace(text.charCodeAt(i))) i += 1
  if (i >= length) return -1
  word.rawStart = i
  let digits = false
  let upper = false
  let ascii = true
  let address = false
  for (; i < length; i += 1) {
    const c = text.charCodeAt(i)
    if (c < 128) {
      const kind = CLASS[c] as number
      if (kind === 4) break
      if (kind === 2) upper = true
      else if (kind === 3) digits = true
      else if (kind === 5) address = true
    } else {
      if (isSpace(c)) break
      ascii = false
    }
  }
  word.rawEnd = i
  word.digits = digits
  word.upper = upper
  word.ascii = ascii
  word.address = address
  trim(text, word)
  return i
}

/** The end of the core that starts at `start`, as {@link nextWord} found it. */
export function coreEnd(text: string, start: number): number {
  const word = newWord()
  let end = start
  while (end < text.length && !isSpace(text.charCodeAt(end))) end += 1
  word.rawStart = start
  word.rawEnd = end
  trim(text, word)
  return word.end
}

/** A word without typographic punctuation around it; signs such as `#`, `@`, `+`, `$`, `/` stay. */
export function withoutPunctuation(raw: string): string {
  let start = 0
  let end = raw.length
  while (start < end && OPENING.includes(raw.charAt(start))) start += 1
  // Brackets that a URL opened belong to it.
  let opened = -1
  while (end > start && CLOSING.includes(raw.charAt(end - 1))) {
    if (raw[end - 1] === ')') {
      if (opened < 0) opened = bracketsOpened(raw, start, end)
      if (opened > 0) break
    }
    end -= 1
  }
  return raw.slice(start, end).replace(/['\u2019][sS]$/, '')
}

/** True if only typographic punctuation stands around the core of a word. */
export function onlyPunctuated(text: string, { rawStart, start, end, rawEnd }: Word): boolean {
  for (let i = rawStart; i < start; i += 1) if (!OPENING.includes(text.charAt(i))) return false
  for (let i = end; i < rawEnd; i += 1) if (!CLOSING.includes(text.charAt(i))) return false
  return true
}

export function isSpace(c: number): boolean {
  if (c < 128) return CLASS[c] === 4
  return (
    c === 0xa0 ||
    (c >= 0x2000 && c <= 0x200a) ||
    (c >= 0x2014 && c <= 0x2015) ||
    c === 0x2026 ||
    c === 0x2028 ||
    c === 0x2029 ||
    c === 0x202f ||
    c === 0x205f ||
    c === 0x3000 ||
    c === 0x1680 ||
    c === 0x85
  )
}

function trim(text: string, word: Word): void {
  let start = word.rawStart
  let end = word.rawEnd
  while (start < end && !isWord(text, start)) start += 1
  while (end > start && !isWord(text, end - 1)) end -= 1
  const last = text.charCodeAt(end - 1)
  if (end - start > 2 && (last === 0x73 || last === 0x53)) {
    const mark = text.charCodeAt(end - 2)
    if (mark === 0x27 || mark === 0x2019) end -= 2
  }
  word.start = start
  word.end = end
}

function isWord(text: string, at: number): boolean {
  const c = text.charCodeAt(at)
  if (c < 128) {
    const kind = CLASS[c] as number
    return kind >= 1 && kind <= 3
  }
  if (c >= 0xdc00 && c <= 0xdfff && at > 0)
    return WORD_CHARACTER.test(String.fromCodePoint(text.codePointAt(at - 1) as number))
  return WORD_CHARACTER.test(String.fromCodePoint(text.codePointAt(at) as number))
}

/** Opening brackets inside, if the closing ones are no more than these; else none that counts. */
function bracketsOpened(raw: string, start: number, end: number): number {
  let opened = 0
  let closed = 0
  for (let i = start; i < end; i += 1) {
    if (raw[i] === '(') opened += 1
    else if (raw[i] === ')') closed += 1
  }
  return closed <= opened ? opened : 0
}
