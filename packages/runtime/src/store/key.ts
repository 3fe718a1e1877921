const LONGEST_KEY = 1000
// The last code point bounds ranges of keys, so no key may hold it.
const REFUSED = /[\p{Cc}\u{10FFFF}]/u

/**
 * A key of the store, refused if some driver could not keep it or would take it for another one.
 *
 * @throws {RangeError} If it is empty, longer than 1,000 bytes, not well-formed or has control characters.
 */
export function storeKey(key: string): string {
  const isShort = key.length * 3 <= LONGEST_KEY || Buffer.byteLength(key) <= LONGEST_KEY
  if (key === '' || !isShort || REFUSED.test(key) || !key.isWellFormed())
    throw new RangeError('key: expected 1 to 1,000 bytes of well-formed text with no control characters.')
  return key
}

/** Keys with a prefix are those from the prefix up to, and not including, this, in the order of their UTF-8 bytes. */
export function prefixEnd(prefix: string): string {
  return `${prefix}\u{10FFFF}`
}

/**
 * A text that every driver gives back as it was.
 *
 * @throws {RangeError} If it holds a NUL or half of a surrogate pair.
 */
export function storeText(text: string): string {
  if (text.includes('\0') || !text.isWellFormed())
    throw new RangeError('value: expected well-formed text with no NUL.')
  return text
}
