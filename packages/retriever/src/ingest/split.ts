import { ConfigError } from '@gatewright/runtime'

export interface SplitOptions {
  /** Most UTF-16 units of a passage. Default 1,200, some 300 tokens of English. */
  readonly maxLength?: number
  /** About how much of the end of a passage the next one repeats, so that a sentence on the seam is whole in one. Default 150. */
  readonly overlap?: number
}

// Best first: a paragraph, a line, a sentence, a word.
const SEAMS = [/\n\s*\n/g, /\n/g, /[.!?。！？]["'”’)\]]?(?:\s|(?<=[。！？]))/g, /\s/g]

/**
 * Cut a text into passages, at the end of a paragraph where there is one in the second half of a passage, else of a
 * line, a sentence or a word. Nothing but white space at the edges is left out, and no character is cut in two.
 */
export function splitText(text: string, { maxLength = 1200, overlap = 150 }: SplitOptions = {}): string[] {
  if (!Number.isInteger(maxLength) || maxLength < 20)
    throw new ConfigError('split.maxLength', maxLength, 'a whole number from 20')
  if (!Number.isInteger(overlap) || overlap < 0 || overlap * 2 > maxLength)
    throw new ConfigError('split.overlap', overlap, 'a whole number from 0 to half of maxLength')
  const passages: string[] = []
  for (let start = 0; start < text.length;) {
    const end = endOf(text, start, maxLength)
    const passage = text.slice(start, end).trim()
    if (passage !== '') passages.push(passage)
    if (end === text.length) break
    start = startAfter(text, start, end, overlap)
  }
  return passages
}

function endOf(text: string, start: number, maxLength: number): number {
  if (text.length - start <= maxLength) return text.length
  const half = start + Math.floor(maxLength / 2)
  const window = text.slice(half, start + maxLength)
  for (const seam of SEAMS) {
    const last = [...window.matchAll(seam)].at(-1)
    if (last !== undefined) return half + last.index + last[0].length
  }
  return whole(text, start + maxLength)
}

/** Somewhat before the end of the passage before, at the beginning of a word; always after its start. */
function startAfter(text: string, start: number, end: number, overlap: number): number {
  const from = end - overlap
  const space = text.slice(from, end).search(/\s\S/)
  const next = space === -1 ? whole(text, from) : from + space + 1
  return next > start ? next : end
}

/** The same place, or the one before where it lies inside a surrogate pair. */
function whole(text: string, at: number): number {
  return /^[\uD800-\uDBFF][\uDC00-\uDFFF]$/.test(text.slice(at - 1, at + 1)) ? at - 1 : at
}
