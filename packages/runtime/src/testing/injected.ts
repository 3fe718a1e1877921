import { type Instruction, instruct } from './instruction.ts'
import { asInvisible } from './invisible.ts'

/** Where in a document an attacker writes. */
export type Place =
  | 'body'
  | 'start'
  | 'html-comment'
  | 'attribute'
  | 'invisible-unicode'
  | 'quoted-reply'
  | 'link-title'

/** Every place, for a test of each. */
export const PLACES: readonly Place[] = [
  'body',
  'start',
  'html-comment',
  'attribute',
  'invisible-unicode',
  'quoted-reply',
  'link-title',
]

/**
 * A document with an injected instruction in it: prose, or a call to make, in the syntax of `instruct`.
 *
 * In HTML it goes inside the body, so that the document stays one.
 */
export function injected(document: string, where: Place, instruction: string | Instruction): string {
  const text = typeof instruction === 'string' ? instruction : instruct(instruction)
  return where === 'start' ? `${text}\n\n${document}` : append(document, planted(where, text))
}

function planted(where: Exclude<Place, 'start'>, text: string): string {
  switch (where) {
    case 'body':
      return text
    case 'html-comment':
      return `<!-- ${text} -->`
    case 'attribute':
      return `<img src="cid:logo" alt="${escaped(text)}">`
    case 'invisible-unicode':
      return asInvisible(text)
    case 'quoted-reply':
      return `On Mon, 3 Feb 2025 at 09:12, Support wrote:\n${text
        .split('\n')
        .map((line) => `> ${line}`)
        .join('\n')}`
    case 'link-title':
      return `[Terms](https://shop.example/terms '${text}')`
    default:
      return where satisfies never
  }
}

function append(document: string, planted_: string): string {
  const end = document.search(/<\/body\s*>/i)
  return end < 0
    ? `${document}\n\n${planted_}`
    : `${document.slice(0, end)}\n${planted_}\n${document.slice(end)}`
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('"', '&quot;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
}
