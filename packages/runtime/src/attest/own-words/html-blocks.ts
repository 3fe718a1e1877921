import type { Range } from '../own-words.ts'

const NAMES: ReadonlySet<string> = new Set(
  (
    'html head body title style script noscript template iframe object svg math form button select textarea label ' +
    'div p span a b i u s em strong small big font center table thead tbody tfoot tr td th ul ol li dl dt dd ' +
    'h1 h2 h3 h4 h5 h6 pre code blockquote section article header footer main nav aside details summary figure ' +
    'figcaption video audio picture br hr img meta link input base source wbr area col embed'
  ).split(' '),
)
const VOID: ReadonlySet<string> = new Set(
  'br hr img meta link input base source wbr area col embed'.split(' '),
)
const NAME = /[a-z][a-z0-9]*/iy

/** Comments and elements of HTML outside the given ranges; one that is not closed lasts to the end. Linear. */
export function htmlBlocks(text: string, outside: readonly Range[]): Range[] {
  const found: Range[] = []
  let skip = 0
  let open: { readonly name: string; readonly start: number; depth: number } | undefined
  for (let at = text.indexOf('<'); at >= 0; at = text.indexOf('<', at)) {
    while (skip < outside.length && (outside[skip] as Range)[1] <= at) skip += 1
    const hidden = outside[skip]
    if (hidden !== undefined && at >= hidden[0]) {
      at = hidden[1]
      continue
    }
    if (text.startsWith('<!--', at)) {
      const close = text.indexOf('-->', at + 4)
      const end = close < 0 ? text.length : close + 3
      if (open === undefined) found.push([at, end])
      at = end
      continue
    }
    const closing = text[at + 1] === '/'
    NAME.lastIndex = at + (closing ? 2 : 1)
    const name = NAME.exec(text)?.[0].toLowerCase()
    if (name === undefined || !NAMES.has(name) || !/[\s>/]/.test(text[NAME.lastIndex] ?? '')) {
      at += 1
      continue
    }
    const close = text.indexOf('>', NAME.lastIndex)
    if (close < 0) break
    const end = close + 1
    if (open === undefined) {
      if (closing || VOID.has(name) || text[close - 1] === '/') found.push([at, end])
      else open = { name, start: at, depth: 1 }
    } else if (open.name === name) {
      open.depth += closing ? -1 : text[close - 1] === '/' ? 0 : 1
      if (open.depth === 0) {
        found.push([open.start, end])
        open = undefined
      }
    }
    at = end
  }
  if (open !== undefined) found.push([open.start, text.length])
  return found
}
