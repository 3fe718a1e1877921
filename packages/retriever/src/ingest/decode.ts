/** Bytes as text, and how many characters could not be read. */
export interface Decoded {
  readonly text: string
  readonly unreadable: number
}

/**
 * Decode bytes by their byte order mark, else by the charset given, else as UTF-8. What cannot be read becomes U+FFFD.
 *
 * @throws {RangeError} On a charset that is not known: a guess would change the text.
 */
export function decode(bytes: Uint8Array, charset = 'utf-8'): Decoded {
  const marked =
    bytes[0] === 0xff && bytes[1] === 0xfe
      ? 'utf-16le'
      : bytes[0] === 0xfe && bytes[1] === 0xff
        ? 'utf-16be'
        : charset
  let decoder: InstanceType<typeof TextDecoder>
  try {
    decoder = new TextDecoder(marked, { fatal: true })
  } catch {
    throw new RangeError('The text is in a charset that is not known.')
  }
  try {
    return { text: decoder.decode(bytes), unreadable: 0 }
  } catch {
    const text = new TextDecoder(marked).decode(bytes)
    return { text, unreadable: text.split('\uFFFD').length - 1 }
  }
}
