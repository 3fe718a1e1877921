/** Farther from one than rounding takes it. */
const NEARLY_ONE = 1e-6

/** A vector as pgvector reads it, with the length one. */
export function vectorText(vector: readonly number[]): string {
  return `[${unit(vector).join(',')}]`
}

/** The same as pgvector receives it in binary: a fifth as long, and no numbers to write out and read. */
export function vectorBytes(vector: readonly number[]): Buffer {
  const bytes = Buffer.alloc(HEAD + 4 * vector.length)
  bytes.writeUInt16BE(vector.length, 0)
  for (const [at, one] of unit(vector).entries()) bytes.writeFloatBE(one, HEAD + 4 * at)
  return bytes
}

/** How many dimensions it has, and two bytes that pgvector wants to be zero. */
const HEAD = 4

/**
 * Of such the inner product is the cosine, and takes a third of the work. One of no length stays as it is, like nothing
 * and unlike nothing.
 */
function unit(vector: readonly number[]): readonly number[] {
  // By the largest first, so that no square is too large or too small to be told.
  const largest = vector.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
  if (largest === 0) return vector
  const ratio = Math.sqrt(vector.reduce((sum, one) => sum + (one / largest) ** 2, 0))
  const isUnit = Math.abs(largest * ratio - 1) < NEARLY_ONE
  return isUnit ? vector : vector.map((one) => one / largest / ratio)
}
