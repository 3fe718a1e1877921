/** Farther from one than rounding takes it. */
const NEARLY_ONE = 1e-6

/**
 * A vector as pgvector reads it, with the length one: of such the inner product is the cosine, and takes a third of the
 * work. One of no length stays as it is, like nothing and unlike nothing.
 */
export function vectorText(vector: readonly number[]): string {
  // By the largest first, so that no square is too large or too small to be told.
  const largest = vector.reduce((most, one) => Math.max(most, Math.abs(one)), 0)
  if (largest === 0) return `[${vector.join(',')}]`
  const ratio = Math.sqrt(vector.reduce((sum, one) => sum + (one / largest) ** 2, 0))
  const isUnit = Math.abs(largest * ratio - 1) < NEARLY_ONE
  return `[${(isUnit ? vector : vector.map((one) => one / largest / ratio)).join(',')}]`
}
