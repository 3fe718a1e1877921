import { htmlBlocks } from './own-words/html-blocks.ts'
import { pastedMail } from './own-words/pasted-mail.ts'

/** A part of a message, and whether it is the sender's own words or pasted. */
export interface Words {
  readonly text: string
  readonly own: boolean
}

/** Start and end, in UTF-16 units. */
export type Range = readonly [start: number, end: number]

// A variation selector or joiner that makes an emoji is seen, so it is no hidden text.
const HIDDEN =
  /(?:(?!(?<=[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f])(?:\ufe0f|\u200d(?=\p{Extended_Pictographic})))(?:\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]))+/gu
const FENCE = /^ {0,3}(`{3,}|~{3,})/
// oxlint-disable-next-line no-control-regex -- the range is what "ASCII" means
const ASCII = /^[\x00-\x7f]*$/
const BLANK = /\s/u

/**
 * Splits a message of the user's into their own words and what they pasted: mail headers and the mail after them,
 * forwarded and replied-to mail, reply quotes, HTML, and invisible characters.
 *
 * The parts, joined, are the message. Fenced code counts as own words, and so does prose pasted with no sign of it:
 * nothing in it tells. A word that a pasted part runs into is pasted as a whole.
 */
export function ownWords(text: string): readonly Words[] {
  const lines = splitLines(text)
  const fences = fencedBlocks(text, lines)
  const cut = wordCutter(text)
  const pasted = [
    ...pastedMail(text, withoutFences(lines, fences)),
    ...htmlBlocks(text, fences).map((range) => cut(range)),
    ...hidden(text).map((range) => (cutsBoth(text, range) ? cut(range) : range)),
  ].toSorted((one, other) => one[0] - other[0])
  const parts: Words[] = []
  let done = 0
  for (const [start, end] of pasted) {
    if (end <= done) continue
    if (start > done) parts.push({ text: text.slice(done, start), own: true })
    const from = Math.max(start, done)
    const last = parts.at(-1)
    if (last !== undefined && !last.own)
      parts[parts.length - 1] = { text: last.text + text.slice(from, end), own: false }
    else parts.push({ text: text.slice(from, end), own: false })
    done = end
  }
  if (done < text.length) parts.push({ text: text.slice(done), own: true })
  return parts
}

function splitLines(text: string): Range[] {
  const lines: Range[] = []
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline + 1
    lines.push([start, end])
    start = end
  }
  return lines
}

/** Closed fences only: an open one would make everything after it the user's own. */
function fencedBlocks(text: string, lines: readonly Range[]): Range[] {
  const blocks: Range[] = []
  let open: { readonly mark: string; readonly start: number } | undefined
  for (const [start, end] of lines) {
    const mark = FENCE.exec(text.slice(start, Math.min(end, start + 200)))?.[1]
    if (mark === undefined) continue
    if (open === undefined) open = { mark, start }
    else if (mark.startsWith(open.mark)) {
      blocks.push([open.start, end])
      open = undefined
    }
  }
  return blocks
}

/** Lines of fenced code emptied, so that nobody reads them. */
function withoutFences(lines: readonly Range[], fences: readonly Range[]): readonly Range[] {
  let next = 0
  return lines.map((line) => {
    while (next < fences.length && (fences[next] as Range)[1] <= line[0]) next += 1
    const fence = fences[next]
    return fence !== undefined && line[0] >= fence[0] ? [line[0], line[0]] : line
  })
}

function hidden(text: string): Range[] {
  // None of ASCII is hidden, and looking at each character takes its time.
  if (ASCII.test(text)) return []
  return Array.from(text.matchAll(HIDDEN), ({ 0: run, index }) => [index, index + run.length])
}

/** Whether characters stand within a word: at its edge they cut nothing. */
function cutsBoth(text: string, [start, end]: Range): boolean {
  return (
    start > 0 &&
    end < text.length &&
    !BLANK.test(text[start - 1] as string) &&
    !BLANK.test(text[end] as string)
  )
}

/**
 * Widens ranges by the words that they cut. Half a word is a token that nobody wrote: `12345` of `12345<ZWSP>678`.
 * Remembers the last bounds found, or a long word cut a thousand times would be read a thousand times.
 */
function wordCutter(text: string): (range: Range) => Range {
  let known: Range = [0, 0]
  return ([start, end]) => {
    if (start >= known[0] && end <= known[1]) return known
    let from = start
    let to = end
    while (from > 0 && !BLANK.test(text[from - 1] as string)) from = from === known[1] ? known[0] : from - 1
    while (to < text.length && !BLANK.test(text[to] as string)) to += 1
    known = [from, to]
    return known
  }
}
