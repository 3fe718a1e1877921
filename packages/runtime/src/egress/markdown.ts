import type { Edit, Region, Scanned } from './construct.ts'
import { readings } from './href.ts'

// CommonMark 0.31 §4.7: a link label has at most 999 characters.
const LONGEST_LABEL = 1000
const BLANK_LINE = /\n[ \t>]*\r?\n/

/**
 * Links that Markdown makes: inline links and images, reference definitions, and `url(…)` of style sheets.
 *
 * Code spans and fences are not honoured, since renderers disagree on where they end. Whatever follows `](` is a
 * destination, closed or not. Linear: a destination and its title end at the next `](`.
 */
export function markdown(text: string, midLine = false): Scanned {
  const out: Scanned = { constructs: [], regions: [] }
  const openers: number[] = []
  let label: Label | undefined
  for (const match of text.matchAll(/[[\]]|(?<![\w-])url\(/gi)) {
    const at = match.index
    const [found] = match
    if (found === '[') {
      openers.push(at)
      if (startsLine(text, at, midLine)) label = { at, closed: false }
    } else if (found === ']') {
      const opener = openers.pop()
      const defines = label !== undefined && spans(text, label, at)
      if (text[at + 1] === '(') inline(text, opener, at, out)
      else if (text[at + 1] === ':' && label !== undefined && defines) definition(text, label.at, at, out)
      else if (at + 1 >= text.length)
        out.regions.push({
          start: Math.min(opener ?? at, defines && label ? label.at : at),
          end: text.length,
          open: true,
        })
      if (label !== undefined && text[at - 1] !== '\\') label.closed = true
    } else style(text, at, out)
  }
  if (label !== undefined && spans(text, label, text.length))
    out.regions.push({ start: label.at, end: text.length, open: true })
  unfinished(text, openers, out.regions)
  return out
}

/** A bracket at the start of a line, which may begin the label of a definition. */
interface Label {
  readonly at: number
  /** A bracket that no backslash escapes has closed it. */
  closed: boolean
}

// Whether a label may still end here: within its line some renderers take the last bracket, over lines the first.
function spans(text: string, label: Label, end: number): boolean {
  if (end - label.at > LONGEST_LABEL) return false
  const inside = text.slice(label.at, end)
  return label.closed ? !inside.includes('\n') : !BLANK_LINE.test(inside)
}

function startsLine(text: string, at: number, midLine: boolean): boolean {
  let before = at - 1
  while (before >= 0 && /[ \t>*+\-\d.)]/.test(text[before] as string)) before -= 1
  if (before < 0) return !midLine
  return text[before] === '\n' || text[before] === '\r'
}

function inline(text: string, opener: number | undefined, at: number, out: Scanned): void {
  const found = tail(text, at + 2)
  const image = opener !== undefined && text[opener - 1] === '!'
  const start = opener === undefined ? at : image ? opener - 1 : opener
  const snap: Edit = { start: at + 1, end: at + 1, text: ' ' }
  out.regions.push({ start, end: found.end, open: found.open, snap })
  for (const href of readings(text.slice(found.dest.start, found.dest.end), { markdown: true })) {
    const whole = found.closed && opener !== undefined
    out.constructs.push({
      href,
      start,
      end: found.end,
      image,
      form: 'markdown',
      dest: found.dest,
      ...(whole ? { lead: { start, end: opener + 1 }, tail: { start: at, end: found.end } } : {}),
      snap,
    })
  }
}

interface Tail {
  readonly dest: { readonly start: number; readonly end: number }
  readonly end: number
  /** It ended with its parenthesis, as it should. */
  readonly closed: boolean
  /** The text ended first. */
  readonly open: boolean
}

function tail(text: string, from: number): Tail {
  const begin = space(text, from)
  const angled = text[begin] === '<'
  const stop = angled ? angleEnd(text, begin + 1) : rawEnd(text, begin)
  const dest = { start: angled ? begin + 1 : begin, end: stop }
  let at = angled && text[stop] === '>' ? stop + 1 : stop
  const result = (end: number, closed: boolean): Tail => ({
    dest,
    end,
    closed,
    open: end >= text.length && !closed,
  })
  if (at >= text.length) return result(at, false)
  at = space(text, at)
  if (/["'(]/.test(text[at] ?? ' ')) at = space(text, titleEnd(text, at))
  return text[at] === ')' ? result(at + 1, true) : result(at >= text.length ? at : stop, false)
}

// White space, and the marks of a block quotation that the next line begins with.
function space(text: string, from: number): number {
  let at = from
  let line = false
  for (; at < text.length; at += 1) {
    const char = text[at] as string
    if (char === '\n') line = true
    else if (!/\s/.test(char) && !(line && char === '>')) break
  }
  return at
}

function angleEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && !/[<>\n]/.test(text[at] as string) && !nextLink(text, at)) at += 1
  return at
}

function rawEnd(text: string, from: number): number {
  let depth = 0
  let at = from
  for (; at < text.length; at += 1) {
    const char = text[at] as string
    if (/\s/.test(char) || nextLink(text, at)) break
    if (char === '\\' && /[()]/.test(text[at + 1] ?? ' ')) at += 1
    else if (char === '(') depth += 1
    else if (char === ')') {
      if (depth === 0) break
      depth -= 1
    }
  }
  return Math.min(at, text.length)
}

function titleEnd(text: string, from: number): number {
  const close = text[from] === '(' ? ')' : (text[from] as string)
  let at = from + 1
  for (; at < text.length; at += 1) {
    if (text[at] === close) return at + 1
    if (nextLink(text, at) || (text[at] === '\n' && text[at + 1] === '\n')) return at
  }
  return at
}

function nextLink(text: string, at: number): boolean {
  return text[at] === ']' && text[at + 1] === '('
}

function definition(text: string, label: number, at: number, out: Scanned): void {
  const begin = space(text, at + 2)
  const angled = text[begin] === '<'
  let stop = begin
  while (stop < text.length && !(angled ? /[>\n]/ : /\s/).test(text[stop] as string)) {
    if (text[stop] === ']' && text[stop + 1] === ':') break
    stop += 1
  }
  const end = angled && text[stop] === '>' ? stop + 1 : stop
  let after = end
  while (/[ \t]/.test(text[after] ?? '\n')) after += 1
  const snap: Edit = { start: at + 1, end: at + 1, text: ' ' }
  out.regions.push({ start: label, end: after, open: after >= text.length, snap })
  // More words on the line make it a sentence, unless they are a title.
  if (!/[\n\r"'(]/.test(text[after] ?? '\n')) return
  const dest = { start: angled ? begin + 1 : begin, end: stop }
  const whole = { start: label, end }
  for (const href of readings(text.slice(dest.start, dest.end), { markdown: true }))
    out.constructs.push({ href, ...whole, image: false, form: 'reference', dest, tail: whole, snap })
}

function style(text: string, at: number, out: Scanned): void {
  const pattern = /[\s'"]*([^'"()\s]*)/y
  pattern.lastIndex = at + 4
  const written = pattern.exec(text)?.[1] ?? ''
  const end = pattern.lastIndex
  const snap: Edit = { start: at + 3, end: at + 3, text: ' ' }
  out.regions.push({ start: at, end, open: end >= text.length, snap })
  if (written === '' || written.startsWith('#')) return
  const dest = { start: end - written.length, end }
  for (const href of readings(written, { markdown: false }))
    out.constructs.push({ href, start: at, end, image: true, form: 'html', dest, snap })
}

// Brackets that may still become a link: the first one that no blank line and not too much text follows.
function unfinished(text: string, openers: readonly number[], regions: Region[]): void {
  const recent = text.slice(-LONGEST_LABEL - 1)
  const base = text.length - recent.length
  let from = base
  for (const match of recent.matchAll(new RegExp(BLANK_LINE, 'g')))
    from = base + match.index + match[0].length - 1
  const first = openers.find((opener) => opener >= from)
  if (first !== undefined) {
    const start = text[first - 1] === '!' ? first - 1 : first
    regions.push({ start, end: text.length, open: true })
  }
}
