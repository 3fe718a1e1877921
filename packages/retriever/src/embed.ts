import { ConfigError } from '@gatewright/runtime'

/** Turns texts into vectors. Documents and queries must come from the same one: its name is kept with the index. */
export interface Embedder {
  /** Of the model and its version; an index made with another one is refused. */
  readonly name: string
  readonly dimensions: number
  /** One vector a text, in order. */
  embed(
    texts: readonly string[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly (readonly number[])[]>
}

/** The part of an AI SDK embedding model (`EmbeddingModelV4`, or an older one of this shape) that is used. */
export interface EmbeddingModelLike {
  readonly provider: string
  readonly modelId: string
  readonly maxEmbeddingsPerCall: PromiseLike<number | undefined> | number | undefined
  doEmbed(options: {
    values: string[]
    abortSignal?: AbortSignal
  }): PromiseLike<{ embeddings: readonly (readonly number[])[] }>
}

/**
 * Embed with a model of the AI SDK, in batches of as many texts as it takes at once.
 *
 * @throws {ConfigError} If the model gives another number of vectors, or vectors of another length.
 */
export function fromEmbeddingModel(
  model: EmbeddingModelLike,
  { dimensions }: { readonly dimensions: number },
): Embedder {
  checkDimensions('dimensions', dimensions)
  const name = `${model.provider}/${model.modelId}`
  return {
    name,
    dimensions,
    async embed(texts, { signal }) {
      const most = (await model.maxEmbeddingsPerCall) ?? texts.length
      const vectors: (readonly number[])[] = []
      for (let at = 0; at < texts.length; at += most) {
        signal.throwIfAborted()
        const values = texts.slice(at, at + most)
        const { embeddings } = await model.doEmbed({ values, abortSignal: signal })
        if (embeddings.length !== values.length)
          throw new ConfigError(
            'embed',
            `${embeddings.length} vectors for ${values.length} texts`,
            'one vector a text',
          )
        for (const vector of embeddings) {
          checkVector(vector, dimensions)
          vectors.push(vector)
        }
      }
      return vectors
    },
  }
}

/**
 * Vectors from hashed n-grams of letters: the same text gives the same vector anywhere, with no model and no network.
 *
 * It knows spelling and no meaning: for tests and demonstrations, not for answers. After the hashing trick of
 * Weinberger et al. (2009).
 */
export function hashedNgrams({ dimensions = 256 }: { readonly dimensions?: number } = {}): Embedder {
  checkDimensions('dimensions', dimensions)
  return {
    name: `hashed-ngrams-1/${dimensions}`,
    dimensions,
    async embed(texts, { signal }) {
      signal.throwIfAborted()
      return texts.map((text) => hashed(text, dimensions))
    },
  }
}

/** @throws {ConfigError} Unless it is a vector of finite numbers, of this length, that points somewhere. */
export function checkVector(vector: readonly number[], dimensions: number): void {
  if (vector.length !== dimensions)
    throw new ConfigError(
      'embedding',
      `a vector of ${vector.length} dimensions`,
      `a vector of ${dimensions} dimensions`,
    )
  if (!vector.every((one) => Number.isFinite(one)))
    throw new ConfigError('embedding', 'a vector with a number that is not finite', 'finite numbers')
}

function checkDimensions(key: string, dimensions: number): void {
  // pgvector cannot index more (HNSW of the type `vector`).
  if (!Number.isInteger(dimensions) || dimensions < 1 || dimensions > 2000)
    throw new ConfigError(key, dimensions, 'a whole number from 1 to 2,000')
}

const WORDS = /[\p{L}\p{N}]+/gu

function hashed(text: string, dimensions: number): number[] {
  const vector = Array.from<number>({ length: dimensions }).fill(0)
  for (const [word] of text.normalize('NFKC').toLowerCase().matchAll(WORDS)) {
    add(vector, `=${word}`, 2)
    const padded = `<${word}>`
    for (let at = 0; at + 3 <= padded.length; at += 1) add(vector, padded.slice(at, at + 3), 1)
  }
  const length = Math.hypot(...vector)
  // Nothing to go by is the same direction for all such texts, since a vector of zeros has none.
  if (length === 0) vector[0] = 1
  return length === 0 ? vector : vector.map((one) => one / length)
}

function add(vector: number[], gram: string, weight: number): void {
  const hash = fnv1a(gram)
  const at = hash % vector.length
  vector[at] = (vector[at] ?? 0) + ((hash & 0x8000_0000) === 0 ? weight : -weight)
}

/** FNV-1a, 32 bits, over UTF-16 units. */
function fnv1a(text: string): number {
  let hash = 0x811c_9dc5
  for (let at = 0; at < text.length; at += 1) {
    hash ^= text.charCodeAt(at)
    hash = Math.imul(hash, 0x0100_0193)
  }
  return hash >>> 0
}
