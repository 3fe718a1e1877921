/** A share of the documents, and whose they are. */
export interface Share {
  readonly name: string
  /** Who may read exactly these. */
  readonly group: string
  readonly queries: readonly Float32Array[]
}

/** Documents of one passage each, as vectors, and who may read each. */
export interface Corpus {
  readonly dimensions: number
  readonly vectors: readonly Float32Array[]
  readonly readers: readonly (readonly string[])[]
  readonly shares: readonly Share[]
}

/**
 * `low-rank`: clusters in 32 dimensions of all, with a little noise in the others; embeddings of texts are rather so.
 * `noisy`: clusters, and noise as long as what tells them apart in every dimension, which is harder for a graph.
 */
export type Family = 'low-rank' | 'noisy'
export const FAMILIES: readonly Family[] = ['low-rank', 'noisy']

const CLUSTERS = 200
const INTRINSIC = 32
const SPREAD = 0.9
const NOISE = 0.1
/** A share of its own, each document of which names some of these groups, for a user who is in a great many. */
const OF_TEAMS = 0.01
const TEAMS = 5000
/** Name of that share: no two of its documents have the same access list. */
export const LIST_EACH = '1%, a list each'
const TEAMS_OF_ONE = 5
const PORTIONS = [
  ['100%', 1],
  ['10%', 0.1],
  ['1%', 0.01],
  ['0.1%', 0.001],
] as const

/**
 * Vectors in clusters of many sizes, as those of texts are, and portions of them that some group may read: at random,
 * and once the hundredth that is farthest from what is asked.
 */
export function corpusOf(
  documents: number,
  dimensions: number,
  queries: number,
  family: Family = 'low-rank',
  seed = 1,
): Corpus {
  const random = randomFrom(seed)
  const axes = Array.from({ length: INTRINSIC }, () => direction(random, dimensions))
  const everywhere = (length: number): Float32Array =>
    Float32Array.from({ length: dimensions }, () => length * gaussian(random) * dimensions ** -0.5)
  const within = (length: number): Float32Array => {
    if (family === 'noisy') return everywhere(length)
    const made = new Float32Array(dimensions)
    for (const axis of axes) {
      const along = (length * gaussian(random)) / Math.sqrt(INTRINSIC)
      for (let at = 0; at < dimensions; at += 1)
        made[at] = (made[at] as number) + along * (axis[at] as number)
    }
    return made
  }
  const centres = Array.from({ length: CLUSTERS }, () => unit(within(1)))
  const near = (): Float32Array => {
    // Squared, so that some clusters are large and some are small.
    const centre = centres[Math.floor(random() ** 2 * CLUSTERS)] as Float32Array
    const off = within(SPREAD)
    const noise = everywhere(family === 'noisy' ? 0 : NOISE)
    return unit(centre.map((one, at) => one + (off[at] as number) + (noise[at] as number)))
  }
  const vectors = Array.from({ length: documents }, near)
  const readers = vectors.map(() =>
    PORTIONS.filter(([, part]) => random() < part).map(([name]) => groupOf(name)),
  )
  // Another hundredth: each of its documents by five teams of five thousand, and all of them by five others.
  readers.forEach((of, at) => {
    if (random() >= OF_TEAMS) return
    of.push(groupOf(LIST_EACH), few[at % few.length] as string)
    for (let nth = 0; nth < TEAMS_OF_ONE; nth += 1) of.push(teams[Math.floor(random() * TEAMS)] as string)
  })
  const asked = Array.from({ length: queries }, near)

  const towards = near()
  const byDistance = [...vectors.keys()].toSorted(
    (a, b) => dot(vectors[a] as Float32Array, towards) - dot(vectors[b] as Float32Array, towards),
  )
  for (const at of byDistance.slice(0, Math.ceil(documents / 100))) readers[at]?.push(groupOf('far'))
  const askedThere = Array.from({ length: queries }, () => {
    const off = within(0.3)
    return unit(towards.map((one, at) => one + (off[at] as number)))
  })
  return {
    dimensions,
    vectors,
    readers,
    shares: [
      ...PORTIONS.map(([name]) => ({ name, group: groupOf(name), queries: asked })),
      { name: LIST_EACH, group: groupOf(LIST_EACH), queries: asked },
      { name: '1% far from the query', group: groupOf('far'), queries: askedThere },
    ],
  }
}

/** The places of the `k` nearest among those that a group may read: what every answer is measured against. */
export function nearest(corpus: Corpus, group: string, query: Float32Array, k: number): number[] {
  const found: { at: number; score: number }[] = []
  corpus.vectors.forEach((vector, at) => {
    if (!corpus.readers[at]?.includes(group)) return
    const score = dot(vector, query)
    const last = found[k - 1]
    if (last !== undefined && score <= last.score) return
    const place = found.findIndex((one) => one.score < score)
    found.splice(place < 0 ? found.length : place, 0, { at, score })
    found.length = Math.min(found.length, k)
  })
  return found.map(({ at }) => at)
}

export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b_79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Groups that between them may read exactly the hundredth: five, or five thousand. */
export const few: readonly string[] = Array.from({ length: 5 }, (_, at) => `group:one of five ${at}`)
export const teams: readonly string[] = Array.from({ length: TEAMS }, (_, at) => `group:team ${at}`)

function groupOf(name: string): string {
  return `group:share ${name}`
}

function gaussian(random: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
}

function direction(random: () => number, dimensions: number): Float32Array {
  return unit(Float32Array.from({ length: dimensions }, () => gaussian(random)))
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(dot(vector, vector))
  return vector.map((one) => one / length)
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let at = 0; at < a.length; at += 1) sum += (a[at] as number) * (b[at] as number)
  return sum
}
