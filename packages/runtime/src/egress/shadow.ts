import { Tokenizer } from 'htmlparser2'
import { DEAF } from './deaf.ts'

/** Another reading of a text, with the way back to where each of its characters stands in the original. */
export interface Shadow {
  readonly text: string
  /** Offset in the original of an offset in `text`; its length maps to the original's length. */
  readonly at: (offset: number) => number
}

const INVISIBLE = /(?![\t\n\f\r])[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]/u
const INVISIBLE_RUNS = /(?:(?![\t\n\f\r])[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}])+/gu
const NOT_ASCII = /\P{ASCII}/u
const ALL_NOT_ASCII = /\P{ASCII}/gu

/** The text without zero-width, bidi and control characters, which many applications drop before they render. */
export function visible(text: string): Shadow {
  return INVISIBLE.test(text) ? substitute(text, INVISIBLE_RUNS, () => '') : same(text)
}

/**
 * The text as the most obliging renderer would read it: entities and percent-encoded URL punctuation decoded,
 * Markdown escapes removed, full-width and mathematical letters folded to ASCII, invisible characters gone.
 */
export function decoded(text: string): Shadow {
  let shadow = visible(text)
  if (shadow.text.includes('&')) shadow = then(shadow, entities(shadow.text))
  if (shadow.text.includes('%')) shadow = then(shadow, substitute(shadow.text, /%[2-7][0-9a-f]/gi, percent))
  if (shadow.text.includes('\\'))
    shadow = then(
      shadow,
      substitute(shadow.text, /\\(?=[!-/:-@[-`{-~])/g, () => ''),
    )
  if (NOT_ASCII.test(shadow.text)) shadow = then(shadow, substitute(shadow.text, ALL_NOT_ASCII, fold))
  // An entity may have stood for an invisible character.
  return INVISIBLE.test(shadow.text) ? then(shadow, visible(shadow.text)) : shadow
}

/** HTML entities decoded; a named one needs its semicolon, as in Markdown and in attribute values. */
export function withoutEntities(text: string): string {
  return text.includes('&') ? entities(text).text : text
}

function same(text: string): Shadow {
  return { text, at: (offset) => offset }
}

function then(first: Shadow, second: Shadow): Shadow {
  return { text: second.text, at: (offset) => first.at(second.at(offset)) }
}

function substitute(text: string, pattern: RegExp, by: (found: string) => string): Shadow {
  const made = builder(text)
  let done = 0
  for (const match of text.matchAll(pattern)) {
    const [found] = match
    const put = by(found)
    if (put === found) continue
    made.keep(done, match.index)
    made.put(put, match.index)
    done = match.index + found.length
  }
  made.keep(done, text.length)
  return made.end()
}

function entities(text: string): Shadow {
  const made = builder(text)
  let done = 0
  const tokenizer = new Tokenizer(
    { decodeEntities: true },
    {
      ...DEAF,
      ontext(start, end) {
        made.keep(start, end)
        done = end
      },
      ontextentity(codePoint, end) {
        const known = text[end - 1] === ';' || text[done + 1] === '#'
        if (known) made.put(String.fromCodePoint(codePoint), done)
        else made.keep(done, end)
        // An entity of two code points is told twice, with one end.
        done = end
      },
    },
  )
  // Without a tag in sight the tokeniser stays in its text state, where it is an entity decoder with positions.
  const tagless = text.replaceAll('<', '\u0001')
  tokenizer.write(tagless)
  tokenizer.end()
  return made.end()
}

function percent(found: string): string {
  const char = String.fromCharCode(Number.parseInt(found.slice(1), 16))
  return /[a-z0-9:/.?@\\-]/i.test(char) ? char : found
}

const folds = new Map<string, string>()

function fold(char: string): string {
  const known = folds.get(char)
  if (known !== undefined) return known
  const plain = char === '。' ? '.' : char === '∕' || char === '⁄' ? '/' : char.normalize('NFKC')
  const ascii = /^[\u0020-\u007e]+$/.test(plain) ? plain : char
  if (folds.size < 10_000) folds.set(char, ascii)
  return ascii
}

interface Builder {
  keep(start: number, end: number): void
  put(text: string, at: number): void
  end(): Shadow
}

function builder(original: string): Builder {
  const parts: string[] = []
  const offsets: number[] = []
  return {
    keep(start, end) {
      if (end <= start) return
      parts.push(original.slice(start, end))
      for (let i = start; i < end; i += 1) offsets.push(i)
    },
    put(text, at) {
      parts.push(text)
      for (let i = 0; i < text.length; i += 1) offsets.push(at)
    },
    end() {
      return { text: parts.join(''), at: (offset) => offsets[offset] ?? original.length }
    },
  }
}
