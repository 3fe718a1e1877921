/** The letters, digits and white space of a text: nothing that any renderer takes for a link. */
export function flat(text: string): string {
  return text.replaceAll(/[^\p{L}\p{Nd}\s]|\p{Default_Ignorable_Code_Point}/gu, ' ')
}
