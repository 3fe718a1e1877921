/**
 * A table from 64-bit hashes to positions: what a `Map` of strings holds in a hundred bytes an entry, in about
 * twenty. Two keys could share a hash, so whoever looks up compares what it finds.
 */
export interface HashTable {
  set(a: number, b: number, position: number): void
  /** The position last set, or -1. */
  get(a: number, b: number): number
}

const FIRST_MASK = 31
const NOTHING = new Int32Array(3)

export function createHashTable(): HashTable {
  let mask = 0
  let size = 0
  // Position plus one (zero is empty), and both halves of the hash. No room until something is kept: most runs quote
  // nothing, and an array for each takes longer to clear away than to make.
  let cells = NOTHING
  const find = (a: number, b: number): number => {
    let at = spread(a ^ b) & mask
    while (cells[3 * at] !== 0 && (cells[3 * at + 1] !== a || cells[3 * at + 2] !== b)) at = (at + 1) & mask
    return 3 * at
  }
  const grow = (): void => {
    const old = cells
    mask = mask === 0 ? FIRST_MASK : mask * 2 + 1
    cells = new Int32Array(3 * (mask + 1))
    for (let i = 0; i < old.length; i += 3) {
      if (old[i] === 0) continue
      const at = find(old[i + 1] as number, old[i + 2] as number)
      cells[at] = old[i] as number
      cells[at + 1] = old[i + 1] as number
      cells[at + 2] = old[i + 2] as number
    }
  }
  return {
    set(a, b, position) {
      let at = find(a | 0, b | 0)
      if (cells[at] === 0) {
        if (mask === 0 || size * 5 > mask * 4) {
          grow()
          at = find(a | 0, b | 0)
        }
        size += 1
        cells[at + 1] = a
        cells[at + 2] = b
      }
      cells[at] = position + 1
    },
    get: (a, b) => (cells[find(a | 0, b | 0)] as number) - 1,
  }
}

/** Mixes the bits of a hash, so that its low ones can choose a slot. */
export function spread(hash: number): number {
  let h = hash ^ (hash >>> 15)
  h = Math.imul(h, 0x2c1b3c6d)
  h ^= h >>> 12
  h = Math.imul(h, 0x297a2d39)
  return h ^ (h >>> 15)
}

/** Both halves of a string's hash; `salt` keeps apart what is compared in different forms. */
export function hashOf(text: string, salt: number): readonly [a: number, b: number] {
  let a = salt
  let b = salt
  for (let i = 0; i < text.length; i += 1) {
    const c = text.charCodeAt(i)
    a = Math.imul(a ^ c, HASH_A)
    b = Math.imul(b + c, HASH_B)
  }
  return [a, b]
}

export const HASH_A = 0x01000193
export const HASH_B: number = 0x9e3779b1 | 0
