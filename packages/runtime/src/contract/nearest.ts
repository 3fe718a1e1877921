import { type JsonSchema, schemaLeaves } from './json-schema.ts'

/** The path of a schema that is spelt most like this one, where one is near enough to be what was meant. */
export function nearestPath(schema: JsonSchema, path: string): string | undefined {
  const paths = schemaLeaves(schema).map((leaf) => leaf.path)
  return nearest(path, paths) ?? paths.find((one) => lastOf(one).toLowerCase() === lastOf(path).toLowerCase())
}

const lastOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1)

/** The candidate within a third of the word's length in edits; undefined where none is. */
export function nearest(word: string, candidates: readonly string[]): string | undefined {
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: edits(word.toLowerCase(), candidate.toLowerCase()) }))
    .filter(
      ({ candidate, edits: count }) =>
        count <= Math.max(2, Math.ceil(Math.max(word.length, candidate.length) / 3)),
    )
  return ranked.toSorted((a, b) => a.edits - b.edits)[0]?.candidate
}

/** Levenshtein distance. */
function edits(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const swap = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(swap, (row[j] as number) + 1, (next[j - 1] as number) + 1))
    }
    row = next
  }
  return row[b.length] as number
}
