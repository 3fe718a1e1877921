import type { Region } from './construct.ts'
import { flat } from './flat.ts'
import { structure } from './links.ts'
import { visible } from './shadow.ts'

/** Text filtered as it comes. */
export interface TextStream {
  /** Takes the next piece; returns what can be shown by now. */
  push(delta: string): string
  /** Returns the rest. */
  end(): string
}

const MOST_ROUNDS = 6
const DEFINES = /\](?=[\p{Default_Ignorable_Code_Point}\p{Cf}\p{Cc}]*:)/gu

/** Most characters that are held back before they are let go as plain text. */
export const LONGEST_HELD = 8192

/**
 * Runs a filter over text that comes in pieces, cut where no link crosses, nor anything that `held` wants whole.
 *
 * `first` sees each piece once, before the filter, which may see it again.
 *
 * A piece ends after white space, outside all markup, so that filtering the pieces is as safe as filtering the
 * whole. The output is closed the same way: what the filter leaves open at the end of a piece is broken.
 */
export function answerStream(
  filter: (text: string) => string,
  {
    first = (text) => text,
    held = (text) => text.length,
  }: { first?: (text: string) => string; held?: (text: string) => number } = {},
): TextStream {
  let buffer = ''
  let ended = false
  let line: Line = 'start'
  let look = 0
  return {
    push(delta) {
      if (ended) throw new TypeError('The stream has ended.')
      let out = ''
      // A long delta is taken in parts, so that what is looked at again stays short.
      for (let at = 0; at < delta.length; at += LONGEST_HELD) {
        buffer += delta.slice(at, at + LONGEST_HELD)
        out += release()
      }
      return out
    },
    end() {
      ended = true
      const rest = buffer
      buffer = ''
      return joined(filter(first(rest)))
    },
  }

  function release(): string {
    if (buffer.length < look || (!/\s/.test(buffer) && buffer.length <= LONGEST_HELD)) return ''
    look = 0
    const ready = settled(buffer, held, line === 'words')
    if (ready > 0) return take(ready, '')
    if (buffer.length > LONGEST_HELD) return take(buffer.length, ' ')
    // Looked at again when it has grown by an eighth, so that a long wait costs no more than its length.
    look = Math.min(buffer.length + (buffer.length >> 3), LONGEST_HELD + 1)
    return ''
  }

  function take(length: number, after: string): string {
    const text = buffer.slice(0, length)
    buffer = buffer.slice(length)
    return joined(closed(first(text)) + after)
  }

  function closed(text: string): string {
    let out = filter(text)
    // Breaking what is open may make a link of what stands before it.
    for (let round = 0; round < MOST_ROUNDS; round += 1) {
      const open = structure(out).regions.filter(breakable)
      if (open.length === 0) return out
      for (const { snap } of open.toSorted((a, b) => b.snap.start - a.snap.start))
        out = out.slice(0, snap.start) + snap.text + out.slice(snap.end)
      out = filter(out)
    }
    return filter(flat(out))
  }

  // A filter may have put a bracket where a line begins; what comes later must not make a definition of it.
  function joined(text: string): string {
    const firstLine = text.search(/\n|$/)
    const out =
      line === 'label' ? text.slice(0, firstLine).replaceAll(DEFINES, '] ') + text.slice(firstLine) : text
    const last = out.lastIndexOf('\n')
    line = begun(out.slice(last + 1), last < 0 ? line : 'start')
    return out
  }
}

/** What the line begins with that was shown last: only what may stand before a label, a bracket, or words. */
type Line = 'start' | 'label' | 'words'

function begun(text: string, line: Line): Line {
  if (line !== 'start') return line
  const first = /[^ \t>*+\-\d.)]/.exec(visible(text).text)?.[0]
  return first === undefined ? 'start' : first === '[' ? 'label' : 'words'
}

// How much of a text nothing that follows can change: up to white space outside all markup.
function settled(text: string, held: (text: string) => number, midLine: boolean): number {
  const regions = structure(text, { midLine }).regions.toSorted((a, b) => b.start - a.start)
  let end = text.length
  for (;;) {
    let next = afterSpace(text, end)
    for (const region of regions) {
      if (region.start < next && (region.open || next < region.end)) next = afterSpace(text, region.start)
    }
    next = Math.min(next, held(text.slice(0, next)))
    if (next === end) return end
    end = next
  }
}

function afterSpace(text: string, end: number): number {
  let at = end
  while (at > 0 && !/\s/.test(text[at - 1] as string)) at -= 1
  return at
}

function breakable(region: Region): region is Region & { snap: NonNullable<Region['snap']> } {
  return region.open && region.snap !== undefined
}
