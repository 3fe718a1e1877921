import { folded } from '../canonical/plain-text.ts'
import type { Tokens } from './run-chains.ts'

/** One added text with its tokens and quoted spans. */
export interface Segment extends Tokens {
  readonly text: string
  readonly turn: number
  readonly chunk: number
  readonly spanBase: number
  /** Four a span, in order: where it starts and ends, and where its first word starts and its last ends. */
  readonly spans: Int32Array
}

/** The segment that holds a token or, with `spanBase`, a span, by its position among all. */
export function segmentAt(segments: readonly Segment[], position: number, by: 'base' | 'spanBase'): Segment {
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((segments[middle] as Segment)[by] <= position) low = middle
    else high = middle - 1
  }
  return segments[low] as Segment
}

/** What stands inside a segment's span. */
export function spanText({ text, spans, spanBase }: Segment, position: number): string {
  const at = 4 * (position - spanBase)
  return text.slice(spans[at], spans[at + 1])
}

/** The folded forms that a visible span is quoted by. */
export function spanForms(inner: string): readonly string[] {
  const whole = folded(inner)
  // “Q3 report,” he wrote: the comma may be the sentence's.
  return /[.,;]$/.test(whole) && whole.length > 1 ? [whole, whole.slice(0, -1)] : whole === '' ? [] : [whole]
}

/** True if what stands there leaves out words of a span that it touches. */
export function partOfSpan({ spans }: Segment, start: number, end: number): boolean {
  let low = 0
  let high = spans.length / 4
  while (low < high) {
    const middle = (low + high) >> 1
    if ((spans[4 * middle + 1] as number) <= start) low = middle + 1
    else high = middle
  }
  for (let i = 4 * low; i < spans.length && (spans[i] as number) < end; i += 4)
    if (start > (spans[i + 2] as number) || end < (spans[i + 3] as number)) return true
  return false
}
