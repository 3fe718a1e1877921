import { MockEmbeddingModelV4 } from 'ai/test'
import { expect, test } from 'vitest'
import { fromEmbeddingModel, hashedNgrams } from './embed.ts'

const options = { signal: new AbortController().signal }

function modelOf(vectors: (values: readonly string[]) => number[][]) {
  const batches: number[] = []
  const model = new MockEmbeddingModelV4({
    provider: 'acme',
    modelId: 'embed-1',
    maxEmbeddingsPerCall: 2,
    doEmbed: async ({ values }) => {
      batches.push(values.length)
      return { embeddings: vectors(values), warnings: [] }
    },
  })
  return { embedder: fromEmbeddingModel(model, { dimensions: 2 }), batches }
}

test('a model of the AI SDK embeds in batches of what it takes, in order', async () => {
  const { embedder, batches } = modelOf((values) => values.map((value) => [value.length, 1]))
  expect(embedder.name).toBe('acme/embed-1')
  expect(await embedder.embed(['a', 'bb', 'ccc'], options)).toEqual([
    [1, 1],
    [2, 1],
    [3, 1],
  ])
  expect(batches).toEqual([2, 1])
  expect(await embedder.embed([], options)).toEqual([])
})

test('vectors that are too few, too long or no numbers are refused', async () => {
  for (const vectors of [[], [[1, 2, 3]], [[1, Number.NaN]]])
    await expect(modelOf(() => vectors).embedder.embed(['a'], options)).rejects.toThrow('expected')
  expect(() => hashedNgrams({ dimensions: 0 })).toThrow('from 1 to 2,000')
})

test('hashed n-grams are the same each time, and nearer for texts that are spelt alike', async () => {
  const embedder = hashedNgrams({ dimensions: 256 })
  const [one = [], again = [], alike = [], other = [], empty = []] = await embedder.embed(
    ['quarterly report', 'Quarterly  REPORT', 'the quarterly reports', 'lunch menu', ''],
    options,
  )
  const dot = (a: readonly number[], b: readonly number[]): number =>
    a.reduce((sum, x, at) => sum + x * (b[at] ?? 0), 0)
  expect(one).toEqual(again)
  expect(dot(one, one)).toBeCloseTo(1)
  expect(dot(one, alike)).toBeGreaterThan(0.5)
  expect(dot(one, other)).toBeLessThan(0.3)
  expect(dot(empty, empty)).toBe(1)
})
