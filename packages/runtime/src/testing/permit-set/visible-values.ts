import type { Json, JsonScalar } from '../../json/plain.ts'

const LONGEST_VALUE = 512
const LONGEST_TEXT = 100_000
/** A name, a date in words, or an account number in groups has no more words than this. */
const MOST_WORDS = 9

/**
 * Every value that somebody who read these contents could try as an argument, the earlier contents first: whole
 * leaves and keys, words, runs of words, quoted spans, what is encoded in them, and small variations.
 *
 * `complete` is false where more than `most` were found, and the rest left out.
 */
export function visibleValues(
  contents: Iterable<Json>,
  most: number,
): { readonly values: readonly JsonScalar[]; readonly complete: boolean } {
  const found = new Set<JsonScalar>()
  const late: string[] = []
  let complete = true
  const add = (value: JsonScalar): void => {
    if (typeof value === 'string' && (value === '' || value.length > LONGEST_VALUE)) return
    if (found.size < most) found.add(value)
    else if (!found.has(value)) complete = false
  }
  for (const content of contents) {
    let before = ''
    for (const leaf of scalars(content)) {
      if (typeof leaf !== 'string') {
        add(leaf)
        continue
      }
      for (const value of valuesOf(leaf)) add(value)
      // What was split across two fields.
      if (before !== '' && before.length + leaf.length <= 64) late.push(before + leaf)
      before = leaf
    }
  }
  // Variations of what was found, not of each other.
  const plain = [...found]
  for (const value of plain) for (const varied of variations(value)) add(varied)
  for (const value of late) add(value)
  return { values: [...found], complete }
}

function* scalars(content: Json): Iterable<JsonScalar> {
  if (typeof content === 'string') {
    yield content
    const nested = parsed(content)
    if (nested !== undefined) yield* scalars(nested)
  } else if (Array.isArray(content)) {
    for (const item of content as readonly Json[]) yield* scalars(item)
  } else if (typeof content === 'object' && content !== null) {
    for (const [key, value] of Object.entries(content)) {
      yield key
      yield* scalars(value as Json)
    }
  } else yield content as JsonScalar
}

function* valuesOf(given: string): Iterable<string> {
  const text = given.slice(0, LONGEST_TEXT)
  yield text.trim()
  for (const [, span = ''] of text.matchAll(/["“”„«»'‘’`]([^"“”„«»`\n]{1,200})["“”„«»'‘’`]/gu))
    yield span.trim()
  const words = text.split(/\s+/u).filter((word) => word !== '')
  for (const [index, word] of words.entries()) {
    yield word
    yield bare(word)
    for (const piece of word.split(/[,;:="'()<>[\]{}|`]+/u)) yield piece
    yield* decoded(bare(word))
    for (let length = 2; length <= MOST_WORDS && index + length <= words.length; length += 1) {
      const run = words.slice(index, index + length)
      // Longer runs are worth trying as numbers only.
      if (length > 4 && !/\d/.test(run.at(-1) ?? '')) break
      yield bare(run.join(' '))
    }
  }
}

function* variations(value: JsonScalar): Iterable<JsonScalar> {
  if (typeof value === 'number') {
    yield String(value)
    yield value + 1
    yield -value
  }
  if (typeof value !== 'string') return
  const plain = value.normalize('NFKC').replaceAll(/\p{Default_Ignorable_Code_Point}/gu, '')
  if (plain !== value) yield plain
  if (/\d/.test(value)) {
    yield plain.replaceAll(/[\s-]/gu, '')
    yield plain.toUpperCase()
    const number = Number(plain.replaceAll(/[^\d.]/g, '') || Number.NaN)
    if (Number.isFinite(number) && plain.length < 20) yield number
  }
  if (/@|^https?:/i.test(value)) yield value.toLowerCase()
}

function* decoded(word: string): Iterable<string> {
  if (/%[0-9a-f]{2}/i.test(word)) {
    try {
      yield decodeURIComponent(word)
    } catch {}
  }
  if (word.length < 8 || !/^[A-Za-z0-9+/_-]+={0,2}$/.test(word)) return
  const text = Buffer.from(word, 'base64').toString('utf8')
  if (/^[\x20-\x7e]+$/.test(text)) yield text
}

function bare(text: string): string {
  return text.replaceAll(/^[^\p{L}\p{N}+$€£#@]+|[^\p{L}\p{N}%)/]+$/gu, '')
}

function parsed(text: string): Json | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}
