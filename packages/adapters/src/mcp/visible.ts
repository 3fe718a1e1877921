/** Text in which nothing is hidden: what a screen would not show, or would show otherwise, stands as an escape. */
export function visible(text: string): string {
  return text.replaceAll(HIDDEN, (one) => `\\u{${(one.codePointAt(0) as number).toString(16)}}`)
}

// Controls, formats (zero width, tags, bidirectional), private use, unassigned and surrogates; spaces that are none of
// the usual; letters and marks that draw nothing.
const HIDDEN = new RegExp(
  String.raw`(?![\n ])(?:\p{C}|\p{Z}|\p{Default_Ignorable_Code_Point}|\u2800|\p{Variation_Selector})`,
  'gu',
)
