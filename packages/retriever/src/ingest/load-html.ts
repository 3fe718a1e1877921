import { Parser } from 'htmlparser2'
import { decode } from './decode.ts'
import type { Load, Loaded } from './loader.ts'

const SILENT = new Set(['script', 'style', 'template', 'noscript', 'iframe', 'object'])
const BLOCKS = new Set(
  (
    'address article aside blockquote br dd details dialog div dl dt fieldset figcaption figure footer form ' +
    'h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul'
  ).split(' '),
)
const CELLS = new Set(['td', 'th'])
const UNSEEN = /(?:^|;)\s*(?:display\s*:\s*none|visibility\s*:\s*hidden)/i
// Browsers stop at 512. The time that the parser takes grows with the square of the depth.
const DEEPEST = 2000
const CHARSET = /<meta[^>]{0,200}charset\s*=\s*["']?\s*([\w-]{1,40})/i

/** HTML: what a reader sees of it. Comments and hidden elements are left out and counted; their styles are not computed. */
export const loadHtml: Load = (bytes) => {
  const head = Buffer.from(bytes.subarray(0, 1024)).toString('latin1')
  const { text, unreadable } = decode(bytes, CHARSET.exec(head)?.[1])
  return { ...htmlText(text), unreadable }
}

/**
 * The text of some HTML.
 *
 * @throws {RangeError} If it is nested deeper than 2,000.
 */
export function htmlText(html: string): Loaded {
  const out: string[] = []
  let title = ''
  let hidden = 0
  // How deep inside elements that nobody sees, and which of the open ones are such.
  const open: boolean[] = []
  let unseen = 0
  let inTitle = false
  let inPre = 0
  const parser = new Parser({
    onopentag(name, attributes) {
      const isUnseen = SILENT.has(name) || 'hidden' in attributes || UNSEEN.test(attributes['style'] ?? '')
      open.push(isUnseen)
      if (open.length > DEEPEST) throw new RangeError(`The HTML is nested deeper than ${DEEPEST}.`)
      if (isUnseen) unseen += 1
      if (name === 'title') inTitle = true
      if (name === 'pre') inPre += 1
      if (BLOCKS.has(name)) out.push('\n')
      if (unseen === 0 && name === 'img' && attributes['alt'] !== undefined) out.push(attributes['alt'])
    },
    onclosetag(name) {
      if (open.pop() === true) unseen -= 1
      if (name === 'title') inTitle = false
      if (name === 'pre') inPre -= 1
      if (BLOCKS.has(name)) out.push('\n')
      else if (CELLS.has(name)) out.push('\t')
    },
    ontext(text) {
      if (inTitle) title += text
      else if (unseen > 0) hidden += text.trim().length
      else out.push(inPre > 0 ? text : text.replaceAll(/\s+/g, ' '))
    },
    oncomment(text) {
      hidden += text.trim().length
    },
  })
  parser.end(html)
  const lines = out.join('').split('\n')
  const text = lines
    // One space is what is left between two tags; more are the indentation of preformatted text.
    .map((line) => (/^ ?\S/.test(line) ? line.trim() : line.trimEnd()))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trim()
  return { text, hidden, ...(title.trim() === '' ? {} : { title }) }
}
