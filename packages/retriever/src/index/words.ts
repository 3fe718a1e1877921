const WORDS = /[\p{L}\p{N}\p{M}]+/gu
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}]/u
const LONGEST_WORD = 64
/** PostgreSQL keeps no position above this, and at most 256 of one word. */
const LAST_POSITION = 16_383
const MOST_POSITIONS = 256

/** The words of a text in order, in lower case and compatibility form; one vocabulary for all engines. */
export function wordsOf(text: string): string[] {
  const folded = text.normalize('NFKC').toLowerCase()
  return [...folded.matchAll(WORDS)].flatMap(([run]) =>
    UNSPACED.test(run) ? segmented(run) : [shortened(run)],
  )
}

let segmenter: Intl.Segmenter | undefined

function segmented(run: string): string[] {
  segmenter ??= new Intl.Segmenter('und', { granularity: 'word' })
  return [...segmenter.segment(run)].map(({ segment }) => shortened(segment))
}

function shortened(word: string): string {
  return word.length > LONGEST_WORD ? word.slice(0, LONGEST_WORD).toWellFormed() : word
}

/** A text as PostgreSQL's `tsvector`. Words hold letters and digits alone, so that nothing in them is to be escaped. */
export function tsvectorOf(text: string): string {
  const positions = new Map<string, number[]>()
  wordsOf(text).forEach((word, at) => {
    const known = positions.get(word)
    if (known === undefined) positions.set(word, [Math.min(at + 1, LAST_POSITION)])
    else if (known.length < MOST_POSITIONS) known.push(Math.min(at + 1, LAST_POSITION))
  })
  return [...positions].map(([word, at]) => `'${word}':${at.join(',')}`).join(' ')
}

/** A query as PostgreSQL's `tsquery`: any of its words. Undefined where it has none. */
export function tsqueryOf(text: string): string | undefined {
  const words = [...new Set(wordsOf(text))].slice(0, MOST_POSITIONS)
  return words.length === 0 ? undefined : words.map((word) => `'${word}'`).join(' | ')
}
