import { folded, isVisible } from './canonical/plain-text.ts'
import { createHashTable, HASH_A, HASH_B, hashOf } from './said-words/hash-table.ts'
import { isNoOrdinaryWord } from './said-words/ordinary-word.ts'
import { quotedSpans } from './said-words/quoted-spans.ts'
import { BASE, createRunChains } from './said-words/run-chains.ts'
import { partOfSpan, type Segment, segmentAt, spanForms, spanText } from './said-words/segment.ts'
import {
  coreEnd,
  isSpace,
  newWord,
  nextWord,
  onlyPunctuated,
  type Word,
  withoutPunctuation,
} from './tokens.ts'

/** A place in the trusted text where something was said. */
export interface Said {
  readonly text: string
  readonly turn: number
  readonly chunk: number
}

/** The words of everything that was said: single words, runs of words, and spans between quotation marks. */
export interface SaidWords {
  /** Adds a text, and shows each of its words in passing. The word is reused: keep none. */
  add(
    text: string,
    source: { readonly turn: number; readonly chunk: number },
    each: (word: Word) => void,
  ): void
  /** A whole quoted span, by its folded form. */
  span(form: string): Said | undefined
  /** One whole token, by its folded form, that is no strict part of a quoted span. */
  single(form: string): Said | undefined
  /** The same, written so that it is no ordinary word. */
  singleKey(form: string): Said | undefined
  /** A run of two or more whole tokens, by its folded form, that is no strict part of a quoted span. */
  run(form: string): Said | undefined
  /** A quoted span, or a whole token that is no ordinary word, by its exact text in NFC. */
  exact(text: string): Said | undefined
}

// What is hashed in different forms is kept apart by its salt.
const FOLDED = 0x811c9dc5 | 0
const EXACT = 0x1b873593 | 0
const LOWER = 0x5be0cd19 | 0
const KEY = 0x3c6ef372 | 0
const SPAN = 0x2545f491 | 0
const EXACT_SPAN = 0x6c62272e | 0
const PARAGRAPHS = /\n[ \t\r]*\n/
/** The shortest identifier that counts outside quotation marks. */
const SHORTEST_ID = 5
/** Cells that are kept for the next text, of whichever index: a text is added in one go. */
const SCRATCH = 1 << 18
let scratch = new Int32Array(192)
const NO_SPANS = new Int32Array(0)

export function createSaidWords(): SaidWords {
  const segments: Segment[] = []
  // Latest place of each word: twice its position, and one more if it stands there in its folded form, so that
  // most words need no second entry for their exact form.
  const words = createHashTable()
  const spans = createHashTable()
  const chains = createRunChains((position) => segmentAt(segments, position, 'base'))
  let tokenCount = 0
  let spanCount = 0

  function put(text: string, salt: number, position: number): void {
    const [a, b] = hashOf(text, salt)
    words.set(a, b, 2 * position)
  }

  /** A word that is no part of a longer quotation, by the hash of its folded form. */
  function putFolded(a: number, b: number, position: number, isFolded: boolean): void {
    if (!isFolded) {
      // "Inbox" must not hide that "inbox" was said.
      const old = words.get(a, b)
      if (old >= 0 && (old & 1) === 1) words.set(a ^ LOWER, b, old)
    }
    words.set(a, b, 2 * position + (isFolded ? 1 : 0))
  }

  function putWord(text: string, position: number): void {
    const form = folded(text)
    const exact = text.normalize('NFC')
    const [a, b] = hashOf(form, FOLDED)
    putFolded(a, b, position, form === exact)
    if (form !== exact && exact.length >= SHORTEST_ID) put(exact, EXACT, position)
  }

  function putSpans(segment: Segment): void {
    for (let i = 0; i < segment.spans.length; i += 4) {
      const position = segment.spanBase + i / 4
      const inner = spanText(segment, position)
      if (!isVisible(inner)) continue
      for (const form of spanForms(inner)) {
        const [a, b] = hashOf(form, SPAN)
        spans.set(a, b, position)
      }
      const [a, b] = hashOf(inner.normalize('NFC'), EXACT_SPAN)
      spans.set(a, b, position)
    }
  }

  /** The token at a position that fits, without outer punctuation or with the signs that belong to it. */
  function wordAt(position: number, fits: (text: string) => boolean): Said | undefined {
    const segment = segmentAt(segments, position, 'base')
    const { text } = segment
    const start = segment.cells[3 * (position - segment.base)] as number
    let from = start
    while (from > 0 && !isSpace(text.charCodeAt(from - 1))) from -= 1
    const word = newWord()
    nextWord(text, from, word)
    const found = [text.slice(start, word.end), withoutPunctuation(text.slice(from, word.rawEnd))].find(
      (each) => isVisible(each) && fits(each),
    )
    return found === undefined ? undefined : said(segment, found)
  }

  function foldedWord(form: string, salt: number): Said | undefined {
    const [a, b] = hashOf(form, salt)
    const place = words.get(a, b)
    return place < 0
      ? undefined
      : wordAt(place >> 1, (text) => folded(text) === form && (salt === FOLDED || isNoOrdinaryWord(text)))
  }

  function exactWord(text: string): Said | undefined {
    if (text.length < SHORTEST_ID || !isNoOrdinaryWord(text)) return undefined
    const [a, b] = hashOf(text, EXACT)
    let place = words.get(a, b)
    if (folded(text) === text) {
      const [c, d] = hashOf(text, FOLDED)
      const latest = words.get(c, d)
      place = Math.max(place, latest >= 0 && (latest & 1) === 1 ? latest : words.get(c ^ LOWER, d))
    }
    return place < 0 ? undefined : wordAt(place >> 1, (each) => each.normalize('NFC') === text)
  }

  return {
    add(text, { turn, chunk }, each) {
      const found = quotedSpans(text)
      const quoted = found.length === 0 ? NO_SPANS : new Int32Array(found.length * 2).fill(-1)
      for (let i = 0; i < found.length; i += 2) {
        quoted[2 * i] = found[i] as number
        quoted[2 * i + 1] = found[i + 1] as number
      }
      const word = newWord()
      let count = 0
      let span = 0
      let hash = 0
      for (let at = nextWord(text, 0, word); at >= 0; at = nextWord(text, at, word)) {
        each(word)
        const { start, end } = word
        if (start === end) continue
        let a = FOLDED
        let b = FOLDED
        // Something but lower-case letters after the first character.
        let marked = word.digits || !word.ascii
        let isFolded = true
        if (word.ascii) {
          for (let i = start; i < end; i += 1) {
            let c = text.charCodeAt(i)
            if (c < 97) {
              if (i > start) marked = true
              if (c >= 65 && c <= 90) {
                c += 32
                isFolded = false
              }
            }
            a = Math.imul(a ^ c, HASH_A)
            b = Math.imul(b + c, HASH_B)
          }
        } else {
          const core = text.slice(start, end)
          ;[a, b] = hashOf(isVisible(core) ? folded(core) : core, FOLDED)
        }
        if (3 * count + 3 > scratch.length) {
          const larger = new Int32Array(scratch.length * 2)
          larger.set(scratch)
          scratch = larger
        }
        scratch[3 * count] = start
        hash = (Math.imul(hash, BASE) + a) | 0
        scratch[3 * count + 2] = hash
        const position = tokenCount + count
        count += 1
        while (span < quoted.length && (quoted[span + 1] as number) <= start) span += 4
        if (span < quoted.length && start >= (quoted[span] as number)) {
          if (quoted[span + 2] === -1) quoted[span + 2] = start
          quoted[span + 3] = Math.min(end, quoted[span + 1] as number)
          // A word alone in its quotation marks is said; a part of a longer quotation is not.
          if (quoted[span] !== start || quoted[span + 1] !== end) {
            // But for identifiers, which no sentence holds by chance.
            if (word.digits && word.ascii && end - start >= SHORTEST_ID)
              put(text.slice(start, end), EXACT, position)
            continue
          }
        }
        const core = marked || word.upper ? text.slice(start, end) : ''
        if (word.ascii) {
          putFolded(a, b, position, isFolded)
          if (word.upper && end - start >= SHORTEST_ID) put(core, EXACT, position)
        } else if (isVisible(core)) putWord(core, position)
        if (marked && isVisible(core) && isNoOrdinaryWord(core)) put(folded(core), KEY, position)
        if (!onlyPunctuated(text, word)) {
          const whole = withoutPunctuation(text.slice(word.rawStart, word.rawEnd))
          if (whole.length !== end - start && isVisible(whole)) putWord(whole, position)
        }
      }
      const segment: Segment = {
        text,
        turn,
        chunk,
        base: tokenCount,
        count,
        cells: scratch.slice(0, 3 * count),
        spanBase: spanCount,
        spans: quoted,
      }
      if (scratch.length > SCRATCH) scratch = new Int32Array(192)
      segments.push(segment)
      tokenCount += count
      spanCount += found.length / 2
      chains.add(segment)
      putSpans(segment)
    },
    span(form) {
      const [a, b] = hashOf(form, SPAN)
      const position = spans.get(a, b)
      if (position < 0) return undefined
      const segment = segmentAt(segments, position, 'spanBase')
      const inner = spanText(segment, position)
      const [whole, trimmed] = spanForms(inner)
      if (whole === form) return said(segment, inner.trim())
      return trimmed === form ? said(segment, inner.trim().slice(0, -1)) : undefined
    },
    single: (form) => foldedWord(form, FOLDED),
    singleKey: (form) => foldedWord(form, KEY),
    run(form) {
      const word = newWord()
      const hashes: number[] = []
      let first = -1
      let last = 0
      for (let at = nextWord(form, 0, word); at >= 0; at = nextWord(form, at, word)) {
        if (word.start === word.end) continue
        if (first < 0) first = word.start
        last = word.end
        hashes.push(hashOf(form.slice(word.start, word.end), FOLDED)[0])
      }
      if (hashes.length < 2) return undefined
      const lead = first
      const trail = form.length - last
      let result: Said | undefined
      // Runs that fit but for punctuation are compared in full; a value made to fit so a million times is given up.
      let budget = 16 * form.length + 65_536
      chains.find(Int32Array.from(hashes), (tokens, index) => {
        const segment = tokens as Segment
        const { text, cells } = segment
        const start = cells[3 * index] as number
        const end = coreEnd(text, cells[3 * (index + hashes.length - 1)] as number)
        budget -= end - start
        if (budget < 0) return true
        const slice = text.slice(Math.max(0, start - lead), end + trail)
        if (partOfSpan(segment, start, end) || PARAGRAPHS.test(slice)) return false
        if (!isVisible(slice) || folded(slice) !== form) return false
        result = said(segment, slice.replace(/\s+/gu, ' ').trim())
        return true
      })
      return result
    },
    exact(text) {
      const word = exactWord(text)
      const [a, b] = hashOf(text, EXACT_SPAN)
      const place = spans.get(a, b)
      if (place < 0) return word
      const segment = segmentAt(segments, place, 'spanBase')
      const inner = spanText(segment, place)
      if (inner.normalize('NFC') !== text || (word !== undefined && word.turn > segment.turn)) return word
      return said(segment, inner)
    },
  }
}

function said({ turn, chunk }: Segment, text: string): Said {
  return { text, turn, chunk }
}
