// Characters that a screen obeys or hides instead of showing: controls and escapes, bidirectional overrides,
// zero-width and tag characters, variation selectors, private use, unassigned, and spaces that are not a space.
const HIDDEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu
const WORD = /[\p{L}\p{M}]+/gu
const LOOKALIKES = /[\p{Script=Cyrillic}\p{Script=Greek}\p{Script=Armenian}\p{Script=Cherokee}]/u
const LATIN = /\p{Script=Latin}/u
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\\': '\\\\' }

const LONGEST = 400
const HEAD = 300
const TAIL = 80

/**
 * A text as a person can safely look at it.
 *
 * Every character that would be hidden, or would move or colour what stands around it, is written as an escape
 * (Unicode TR36, TR39); words that mix scripts are noted; a long text is cut in the middle with a note, so that
 * neither its beginning nor its end can hide.
 */
export function visible(text: string): string {
  const points = text.length > LONGEST ? [...text] : undefined
  const long = points !== undefined && points.length > LONGEST
  const shown = long
    ? `${escaped(points.slice(0, HEAD))} …[${points.length - HEAD - TAIL} more characters]… ${escaped(points.slice(-TAIL))}`
    : escaped(text)
  return mixesScripts(text) ? `${shown} [mixed scripts]` : shown
}

function escaped(text: string | readonly string[]): string {
  const whole = typeof text === 'string' ? text : text.join('')
  return whole.replace(HIDDEN, (c) => NAMED[c] ?? `\\u{${(c.codePointAt(0) ?? 0).toString(16)}}`)
}

function mixesScripts(text: string): boolean {
  if (!LOOKALIKES.test(text)) return false
  for (const [word] of text.matchAll(WORD)) if (LATIN.test(word) && LOOKALIKES.test(word)) return true
  return false
}
