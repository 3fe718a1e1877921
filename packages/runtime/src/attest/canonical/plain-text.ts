// What a person cannot see, or sees as something else: zero-width and bidi controls, tags, fillers, variation
// selectors, controls other than white space, private use, and the blank Braille cell.
const INVISIBLE =
  /[\p{Default_Ignorable_Code_Point}\p{Co}\p{Cn}\p{Cs}\u2800\ufff9-\ufffd]|(?![\t\n\v\f\r\u0085])\p{Cc}/u
// Beyond the 30 of stream-safe text (UAX #15 §13); longer stacks hide text and make normalisation quadratic.
const STACKED_MARKS = /\p{M}{31}/u
// oxlint-disable-next-line no-control-regex -- the range is what "ASCII" means
const ASCII = /^[\t\n\v\f\r\x20-\x7e]*$/
const SPACE = /\s+/gu
const SCRIPTS: readonly RegExp[] = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Lisu}/u,
  /\p{Script=Deseret}/u,
]

/** True for text of visible characters only, whose marks are not stacked beyond what writing uses. */
export function isVisible(text: string): boolean {
  return ASCII.test(text) || (!INVISIBLE.test(text) && !STACKED_MARKS.test(text))
}

/** True if one word mixes scripts whose letters look alike (UTS #39 §5.1, without its exceptions). */
export function mixesScripts(word: string): boolean {
  if (ASCII.test(word)) return false
  let scripts = 0
  for (const script of SCRIPTS) if (script.test(word)) scripts += 1
  return scripts > 1
}

/**
 * The form in which words are compared: NFC, white space collapsed and trimmed, lower case, and one kind of
 * apostrophe, quotation mark and hyphen. Always of visible text: ask {@link isVisible} first.
 */
export function folded(text: string): string {
  const once = fold(text)
  // Lower-casing can leave a sequence that composes (İ): a form that is not its own form would never be found.
  return ASCII.test(once) ? once : fold(once)
}

function fold(text: string): string {
  const plain = ASCII.test(text)
    ? text
    : text
        .normalize('NFC')
        .replace(/[\u2018\u2019\u02bc]/gu, "'")
        .replace(/[\u201c\u201d\u201e]/gu, '"')
        .replace(/[\u2010\u2011]/gu, '-')
  return plain.toLowerCase().normalize('NFC').replace(SPACE, ' ').trim()
}

/** Visible text with no confusable word, folded; undefined for any other. */
export function foldedWords(text: string): string | undefined {
  if (!isVisible(text)) return undefined
  const form = folded(text)
  if (form === '') return undefined
  if (!ASCII.test(text) && form.split(/[ \p{P}\p{S}]+/u).some(mixesScripts)) return undefined
  return form
}
