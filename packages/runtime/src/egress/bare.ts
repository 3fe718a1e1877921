import { linkifyit } from 'linkify-it'
import { GENERIC_DOMAINS, UNDELEGATED } from './tlds.ts'

/** A URL standing in plain text, as a linkifying renderer would find it. */
export interface Bare {
  readonly start: number
  readonly end: number
  /** As written, with the scheme that a renderer would add. */
  readonly href: string
  /** `host`: a name with nothing after it. `guess`: known for a link by its path only. */
  readonly kind: 'url' | 'host' | 'guess'
}

// The library's own protocol-relative rule takes quadratic time on repeated `//`, so `//` is found below.
const linkify = linkifyit({ fuzzyLink: true, fuzzyEmail: true })
  .add('//', null)
  .tlds([...GENERIC_DOMAINS], true)

// Schemes that act with no `//` after them.
const OPAQUE =
  /(?<![a-z0-9])(?:(?:javascript|vbscript|livescript|blob|file|magnet|skype|sms|intent|cid|jar|view-source):(?=[^\s:])|data:(?=[a-z]+\/|[,;][^\s])|mailto:(?=[^\s<>?]{0,1000}\?))/gi
const WWW = /(?<![a-z0-9])www\.(?=[^\s.])/gi
// Windows clients open `\\host\share` and send the user's credentials along.
const UNC = /(?<![\\\w])\\\\(?=[\w-]+(?:\.[\w-]+)+\\)/g
const NAMES = /[\p{L}\p{N}_-]+(?:\.[\p{L}\p{N}_-]+)+/gu
const IPV4 = /^\d{1,3}(?:\.\d{1,3}){3}$/
const INNER = /(?:[a-z][a-z0-9+.-]{0,31}:\/\/|www\.)/iy

/** Every URL that stands bare in a text, in order and without overlap. Linear in the length of the text. */
export function bareUrls(text: string): Bare[] {
  const starts = new Map<number, Bare['kind']>()
  if (text.includes('://')) schemes(text, starts)
  if (text.includes(':')) for (const match of text.matchAll(OPAQUE)) starts.set(match.index, 'url')
  for (const match of text.matchAll(WWW)) starts.set(match.index, 'url')
  if (text.includes('\\\\')) for (const match of text.matchAll(UNC)) starts.set(match.index, 'url')
  if (text.includes('.')) names(text, starts)
  const out: Bare[] = []
  let done = 0
  for (const [start, kind] of [...starts].toSorted((a, b) => a[0] - b[0])) {
    if (start < done) continue
    const end = runEnd(text, start)
    if (end <= start) continue
    const href = hrefOf(text.slice(start, end))
    out.push({
      start,
      end,
      href,
      kind: kind === 'host' && /[/?#:@%\\]/.test(text.slice(start, end)) ? 'url' : kind,
    })
    done = end
  }
  return out
}

function schemes(text: string, starts: Map<number, Bare['kind']>): void {
  for (let at = text.indexOf('://'); at >= 0; at = text.indexOf('://', at + 3)) {
    let start = at
    while (start > 0 && at - start < 32 && /[a-z0-9+.-]/i.test(text[start - 1] as string)) start -= 1
    while (start < at && !/[a-z]/i.test(text[start] as string)) start += 1
    if (start < at && /\S/.test(text[at + 3] ?? ' ')) starts.set(start, 'url')
  }
}

function names(text: string, starts: Map<number, Bare['kind']>): void {
  for (const match of linkify.match(text) ?? []) {
    if (match.schema === '' && !UNDELEGATED.has(lastLabel(hostOf(match.raw)))) starts.set(match.index, 'host')
  }
  for (const match of text.matchAll(NAMES)) {
    const [name] = match
    const start = match.index
    const before = text[start - 1] ?? ' '
    const last = lastLabel(name)
    const real = IPV4.test(name) || (/^(?:\p{L}{2,}|xn--[a-z0-9-]+)$/iu.test(last) && !UNDELEGATED.has(last))
    if (!real) continue
    if (before === '/' && text[start - 2] === '/' && text[start - 3] !== ':') starts.set(start - 2, 'url')
    else if (!/[@/\\.]/.test(before) && followed(text, start + name.length) && !starts.has(start))
      starts.set(start, 'guess')
  }
}

// A path, query or port after a name; not the end of a sentence, nor `a.b?.c` of a program.
function followed(text: string, at: number): boolean {
  const port = /:\d{1,5}(?=[/?#])/y
  port.lastIndex = at
  const from = port.test(text) ? port.lastIndex : at
  const next = text[from + 1] ?? ' '
  return /[/?#]/.test(text[from] ?? ' ') && /[^\s.,;:!?)\]}'"]/.test(next)
}

// As far as the greediest renderer goes. A shorter reading has the same scheme and host.
function runEnd(text: string, start: number): number {
  let at = start
  let open = 0
  let close = 0
  for (; at < text.length; at += 1) {
    const char = text[at] as string
    if (/[\s<>"`]/.test(char) || char < ' ') break
    if (char === ']' && /[[(:]/.test(text[at + 1] ?? ' ')) break
    if (char === '(') open += 1
    if (char === ')') close += 1
    if (at > start && /[,;|'()[\]{}*!~]/.test(char)) {
      INNER.lastIndex = at + 1
      if (INNER.test(text)) break
    }
  }
  while (at > start) {
    const char = text[at - 1] as string
    if (char === ')' ? close <= open : !/[.,;:!?'"([\]{}*_~|…。，、；：！？）】》」』’”]/.test(char)) break
    if (char === ')') close -= 1
    if (char === '(') open -= 1
    at -= 1
  }
  return at
}

function hrefOf(written: string): string {
  if (/^(?:[a-z][a-z0-9+.-]*:\/\/|\/\/)/i.test(written)) return written
  if (
    /^(?:javascript|vbscript|livescript|blob|file|magnet|skype|sms|intent|cid|jar|view-source|data|mailto):/i.test(
      written,
    )
  )
    return written
  return written.startsWith('\\\\') ? `file:${written.replaceAll('\\', '/')}` : `http://${written}`
}

function hostOf(written: string): string {
  return written.split(/[/?#:]/, 1)[0] as string
}

function lastLabel(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1).toLowerCase()
}
