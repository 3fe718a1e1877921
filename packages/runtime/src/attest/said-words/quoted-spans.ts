const MARK = /["'`\u00ab\u00bb\u2018\u2019\u201a\u201c\u201d\u201e\u300c\u300d\u300e\u300f]|\n[ \t\r]*\n/gu
const WORD = /[\p{L}\p{M}\p{N}_]/u
const CLOSES: Readonly<Record<string, string>> = {
  '\u00ab': '\u00bb',
  '\u2018': '\u2019',
  '\u201a': '\u2018',
  '\u201c': '\u201d',
  '\u201e': '\u201c',
  '\u300c': '\u300d',
  '\u300e': '\u300f',
}

/**
 * The outermost spans between quotation marks: start and end of what stands inside, in pairs.
 *
 * Apostrophes inside and after words are no marks. A mark that the same paragraph does not close is none, and what
 * is quoted within a quotation is part of it.
 */
export function quotedSpans(text: string): number[] {
  const spans: number[] = []
  const open: { readonly close: string; readonly start: number }[] = []
  const waiting = new Map<string, number>()
  // Closed spans so far within the paragraph; one that holds earlier ones takes their place.
  const close = (at: number, mark: string): void => {
    let top = open.pop()
    while (top !== undefined) {
      waiting.set(top.close, (waiting.get(top.close) ?? 1) - 1)
      if (top.close === mark) break
      top = open.pop()
    }
    if (top === undefined) return
    while (spans.length > 0 && (spans[spans.length - 2] as number) >= top.start) spans.length -= 2
    if (at > top.start) spans.push(top.start, at)
  }
  MARK.lastIndex = 0
  for (let found = MARK.exec(text); found !== null; found = MARK.exec(text)) {
    const mark = found[0]
    const at = found.index
    if (mark.length > 1 || mark === '\n') {
      open.length = 0
      waiting.clear()
      continue
    }
    const before = isWordAt(text, at - 1)
    const after = isWordAt(text, at + 1)
    // Within a word, or a fence of code.
    if ((mark === "'" || mark === '\u2019') && before && after) continue
    if (mark === '`' && (text[at - 1] === '`' || text[at + 1] === '`')) continue
    if ((waiting.get(mark) ?? 0) > 0 && closable(text, at, mark, before, after)) {
      close(at, mark)
      continue
    }
    const closing = CLOSES[mark] ?? (openable(text, at, mark, before) ? mark : undefined)
    if (closing === undefined) continue
    open.push({ close: closing, start: at + 1 })
    waiting.set(closing, (waiting.get(closing) ?? 0) + 1)
  }
  return spans
}

function closable(text: string, at: number, mark: string, before: boolean, after: boolean): boolean {
  if (mark === '\u00bb' || mark === '\u201d' || mark === '\u300d' || mark === '\u300f') return true
  // `say "` with a space before it opens; anything that touches what it ends closes.
  return !after && (before || !/\s/.test(text[at - 1] ?? ' '))
}

function openable(text: string, at: number, mark: string, before: boolean): boolean {
  return (mark === '"' || mark === "'" || mark === '`') && !before && !/\s/.test(text[at + 1] ?? ' ')
}

function isWordAt(text: string, at: number): boolean {
  const c = text.charCodeAt(at)
  if (c >= 0xd800 && c <= 0xdfff)
    return WORD.test(String.fromCodePoint(text.codePointAt(c >= 0xdc00 ? at - 1 : at) ?? 32))
  return c === c && WORD.test(text[at] as string)
}
