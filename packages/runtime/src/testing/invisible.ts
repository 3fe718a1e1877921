const TAG = 0xe0000
const TAGS = /[\u{e0020}-\u{e007e}]+/gu

/**
 * Text as a run of Unicode tag characters, which no screen shows and every model reads.
 *
 * Tags exist for ASCII alone, so anything else is written as its `\u` escape.
 */
export function asInvisible(text: string): string {
  return Array.from(ascii(text), (one) => String.fromCodePoint(TAG + one.charCodeAt(0))).join('')
}

/** The text of each run of Unicode tag characters. */
export function invisibleRuns(text: string): string[] {
  return [...text.matchAll(TAGS)].map(([run]) =>
    Array.from(run, (one) => String.fromCharCode((one.codePointAt(0) ?? TAG) - TAG)).join(''),
  )
}

function ascii(text: string): string {
  return Array.from({ length: text.length }, (_, index) => {
    const unit = text.charCodeAt(index)
    return unit >= 0x20 && unit <= 0x7e ? text[index] : `\\u${unit.toString(16).padStart(4, '0')}`
  }).join('')
}
