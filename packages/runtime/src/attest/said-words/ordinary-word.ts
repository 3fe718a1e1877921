/** Words that a sentence holds by chance single out no record: `INV` in capitals is as ordinary as `inv`. */
export function isNoOrdinaryWord(word: string): boolean {
  if (/^\p{Nd}{1,4}$/u.test(word)) return false
  if (/\p{Nd}/u.test(word) || /[\p{L}\p{N}][-._@/]+[\p{L}\p{N}]/u.test(word)) return true
  return /[\p{L}\p{M}]\p{Lu}/u.test(word) && /\p{Ll}/u.test(word)
}
