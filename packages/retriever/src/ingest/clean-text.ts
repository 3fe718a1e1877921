/** A text without what no reader sees and no index keeps, and how many characters were replaced in it. */
export interface CleanText {
  readonly text: string
  readonly replaced: number
}

const MARK = '\uFFFD'
const BREAKS = /\r\n?|[\v\f\u0085\u2028\u2029]/g
const LONE = /\p{Surrogate}/gu
const CONTROLS = /[^\P{Cc}\t\n]/gu
// Tag characters spell the region of a flag, and are nothing but hidden ASCII anywhere else.
const FLAGS_AND_TAGS = /\u{1F3F4}[\u{E0030}-\u{E007A}]{2,8}\u{E007F}|[\u{E0000}-\u{E007F}]/gu
// A character takes one variation selector; a run of them is bytes in disguise.
const SELECTORS = /(?<=[\uFE00-\uFE0F\u{E0100}-\u{E01EF}])[\uFE00-\uFE0F\u{E0100}-\u{E01EF}]/gu
const ZERO_WIDTH = /[\u200B-\u200D\u2060-\u2064\uFEFF]{3,}/gu

/**
 * Make a text fit to be kept, embedded and shown: NUL and other control characters, halves of surrogate pairs and
 * hidden ASCII become U+FFFD, one for one, and are counted. Line ends become line feeds.
 *
 * What is left may still say anything: whether it is trusted is for its authors to decide, not for its characters.
 */
export function cleanText(given: string): CleanText {
  let replaced = 0
  const mark = (found: string): string => {
    const characters = [...found].length
    replaced += characters
    return MARK.repeat(characters)
  }
  const text = given
    .replace(/^\uFEFF/, '')
    .replaceAll(BREAKS, '\n')
    .replaceAll(LONE, mark)
    .replaceAll(CONTROLS, mark)
    .replaceAll(FLAGS_AND_TAGS, (found) => (found.length > 2 ? found : mark(found)))
    .replaceAll(SELECTORS, mark)
    .replaceAll(ZERO_WIDTH, mark)
  return { text, replaced }
}
