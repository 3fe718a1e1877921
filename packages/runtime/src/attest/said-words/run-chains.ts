import { spread } from './hash-table.ts'

/** Base of the polynomial hash of a run of words, modulo 2^32; odd, so that no word is lost. */
export const BASE = 0x2f0b4c47

/** The tokens of one added text, three cells a token: where it starts, the chain's next position, the running hash. */
export interface Tokens {
  /** Position of its first token among all tokens. */
  readonly base: number
  readonly count: number
  readonly cells: Int32Array
}

/**
 * Chains through all places where two words stand side by side, newest first, like those of a Lempel–Ziv matcher.
 *
 * A bucket may hold several pairs; the running hashes tell in constant time whether a whole run fits.
 */
export interface RunChains {
  add(tokens: Tokens): void
  /** Places where a run of these words (two or more, by hash) stands, newest first, until `accept` returns true. */
  find(words: Int32Array, accept: (tokens: Tokens, index: number) => boolean): void
}

export function createRunChains(owner: (position: number) => Tokens): RunChains {
  // Arrays of at most 64 bytes live on the heap; larger ones take longer to make and to clear away.
  let mask = 15
  let heads = new Int32Array(mask + 1)
  let counts = new Uint16Array(mask + 1)
  let pairs = 0
  const all: Tokens[] = []

  const link = (tokens: Tokens): void => {
    const { base, count, cells } = tokens
    let word = count > 0 ? (cells[2] as number) : 0
    for (let i = 1; i < count; i += 1) {
      const next = ((cells[3 * i + 2] as number) - Math.imul(cells[3 * i - 1] as number, BASE)) | 0
      const bucket = spread((Math.imul(word, BASE) + next) | 0) & mask
      cells[3 * i - 2] = heads[bucket] as number
      heads[bucket] = base + i
      const counted = counts[bucket] as number
      if (counted < 0xffff) counts[bucket] = counted + 1
      word = next
    }
  }

  return {
    add(tokens) {
      all.push(tokens)
      pairs += Math.max(0, tokens.count - 1)
      // Four pairs a bucket on average at most: a false one costs a comparison of two numbers.
      if (pairs > 4 * (mask + 1)) {
        while (pairs > 2 * (mask + 1)) mask = mask * 2 + 1
        heads = new Int32Array(mask + 1)
        counts = new Uint16Array(mask + 1)
        for (const each of all) link(each)
      } else link(tokens)
    },
    find(words, accept) {
      const length = words.length
      let best = -1
      let rarest = Infinity
      let bucketOfBest = 0
      let hash = words[0] as number
      let power = BASE
      for (let i = 1; i < length; i += 1) {
        const bucket = spread((Math.imul(words[i - 1] as number, BASE) + (words[i] as number)) | 0) & mask
        const count = counts[bucket] as number
        if (count === 0) return
        if (count < rarest) {
          rarest = count
          best = i - 1
          bucketOfBest = bucket
        }
        hash = (Math.imul(hash, BASE) + (words[i] as number)) | 0
        power = Math.imul(power, BASE)
      }
      for (let next = heads[bucketOfBest] as number; next !== 0;) {
        const position = next - 1
        const tokens = owner(position)
        const { base, count, cells } = tokens
        const index = position - base
        next = cells[3 * index + 1] as number
        const first = index - best
        if (first < 0 || first + length > count) continue
        const before = first === 0 ? 0 : (cells[3 * first - 1] as number)
        const after = cells[3 * (first + length) - 1] as number
        if (((after - Math.imul(before, power)) | 0) === hash && accept(tokens, first)) return
      }
    },
  }
}
