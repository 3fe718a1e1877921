import type { CleanText } from './clean-text.ts'
import { cleanText } from './clean-text.ts'

/** What a loader makes of the bytes of a document. */
export interface Loaded {
  readonly text: string
  /** Taken where the source of record has none. */
  readonly title?: string
  /** Characters that could not be read, and stand as U+FFFD in the text. */
  readonly unreadable?: number
  /** Characters that a reader does not see, and that were left out: comments, hidden elements. */
  readonly hidden?: number
  /** Parts that were left out since they are no text. */
  readonly attachments?: number
}

/**
 * Read a document of some media type.
 *
 * It gives text and a title, and nothing else: authors and readers come from the source of record, and whatever a
 * document says of itself is its text.
 */
export type Load = (
  bytes: Uint8Array,
  options: { readonly signal: AbortSignal; readonly source: string; readonly mediaType: string },
) => Loaded | Promise<Loaded>

const LONGEST_TITLE = 200

/** One line of clean text; undefined where nothing is left. */
export function titleOf(given: string | undefined): string | undefined {
  if (given === undefined) return undefined
  const { text }: CleanText = cleanText(given.slice(0, LONGEST_TITLE * 4))
  const line = [...text.replaceAll(/\s+/g, ' ').trim()].slice(0, LONGEST_TITLE).join('')
  return line === '' ? undefined : line
}
