import { decode } from './decode.ts'
import type { Load } from './loader.ts'

/** Plain text: as it is. */
export const loadText: Load = (bytes) => {
  const { text, unreadable } = decode(bytes)
  return { text, unreadable }
}
