import { ConfigError } from '@gatewright/runtime'
import { checkVector } from '../embed.ts'
import { fuse } from '../fuse.ts'
import type {
  DocumentMetadata,
  Hit,
  IndexedChunk,
  IndexedDocument,
  IndexPlan,
  IndexScope,
  Passage,
  Query,
  SearchIndex,
} from '../search-index.ts'
import { checkDocument, checkKey, checkMetadata } from './check-document.ts'
import { predicateOf } from './evaluate-filter.ts'
import { wordsOf } from './words.ts'

export interface MemoryIndexOptions {
  /** Name of the embedder that the vectors come from. */
  readonly model: string
  readonly dimensions: number
}

interface Kept {
  readonly of: DocumentMetadata
  readonly chunks: readonly KeptChunk[]
}

interface KeptChunk extends IndexedChunk {
  readonly words: ReadonlyMap<string, number>
  readonly length: number
}

/**
 * An exact index in this process's memory, for tests and for small sets: each search looks at every passage.
 *
 * Nothing is shared or kept, and there is no second wall under the plan.
 */
export function memoryIndex({ model, dimensions }: MemoryIndexOptions): SearchIndex {
  const documents = new Map<string, Kept>()

  function* permitted(plan: IndexPlan, scope: IndexScope): Generator<readonly [Kept, KeptChunk]> {
    for (const kept of documentsOf(plan, scope)) for (const chunk of kept.chunks) yield [kept, chunk]
  }

  function* documentsOf(plan: IndexPlan, scope: IndexScope): Generator<Kept> {
    const permits = permitsOf(plan)
    for (const kept of documents.values())
      if (kept.of.tenant === scope.tenant && kept.of.type === scope.type && permits(kept.of)) yield kept
  }

  function ranked(
    plan: IndexPlan,
    scope: IndexScope,
    score: (chunk: KeptChunk) => number,
    most: number,
  ): Hit[] {
    const hits: Hit[] = []
    for (const [{ of }, chunk] of permitted(plan, scope)) {
      const scored = score(chunk)
      if (scored > -Infinity) hits.push(hitOf(of, chunk, scored))
    }
    return hits.toSorted(byScore).slice(0, most)
  }

  const vector = (plan: IndexPlan, scope: IndexScope, query: Query, most: number): Hit[] => {
    checkVector(query.embedding, dimensions)
    return ranked(plan, scope, ({ embedding }) => cosine(embedding, query.embedding), most)
  }
  const text = (plan: IndexPlan, scope: IndexScope, query: Query, most: number): Hit[] => {
    const wanted = new Set(wordsOf(query.text))
    return ranked(plan, scope, (chunk) => frequency(chunk, wanted), most)
  }

  return {
    name: 'memory',
    capabilities: {
      kinds: ['vector', 'text', 'fused'],
      plans: ['none', 'all', 'filter', 'ids'],
      rowLevelSecurity: false,
      approximate: false,
      shared: false,
    },
    model,
    dimensions,
    async count(plan, scope, cap, { signal }) {
      signal.throwIfAborted()
      let counted = 0
      for (const { chunks } of documentsOf(plan, scope)) {
        counted += chunks.length
        if (counted >= cap) return cap
      }
      return counted
    },
    async search(plan, scope, query, { kind, limit, offset }, { signal }) {
      signal.throwIfAborted()
      const most = offset + limit
      if (kind === 'vector') return vector(plan, scope, query, most).slice(offset)
      if (kind === 'text') return text(plan, scope, query, most).slice(offset)
      return fuse([vector(plan, scope, query, most), text(plan, scope, query, most)]).slice(offset, most)
    },
    async fetch(plan, scope, hits, { signal }) {
      signal.throwIfAborted()
      const permits = permitsOf(plan)
      const found: Passage[] = []
      for (const { document, position } of hits) {
        const kept = documents.get(keyOf({ id: document, tenant: scope.tenant }))
        if (kept === undefined || kept.of.type !== scope.type || !permits(kept.of)) continue
        const chunk = kept.chunks.find((one) => one.position === position)
        if (chunk !== undefined) found.push(passageOf(kept.of, chunk))
      }
      return found
    },
    async upsert(document, { signal }) {
      signal.throwIfAborted()
      checkDocument(document, dimensions)
      const { chunks, ...of } = structuredClone(document)
      documents.set(keyOf(of), { of, chunks: chunks.map(keptChunk) })
    },
    async relabel(document, { signal }) {
      signal.throwIfAborted()
      checkMetadata(document)
      const kept = documents.get(keyOf(document))
      if (kept === undefined || kept.of.digest !== document.digest) return false
      const { chunks: _, ...of } = structuredClone(document) as IndexedDocument
      documents.set(keyOf(of), { of, chunks: kept.chunks })
      return true
    },
    async describe(document, { signal }) {
      signal.throwIfAborted()
      const kept = documents.get(keyOf(document))
      return kept === undefined ? undefined : structuredClone(kept.of)
    },
    async remove(document, { signal }) {
      signal.throwIfAborted()
      checkKey(document)
      return documents.delete(keyOf(document))
    },
    async [Symbol.asyncDispose]() {
      documents.clear()
    },
  }
}

function keyOf({ id, tenant }: Pick<DocumentMetadata, 'id' | 'tenant'>): string {
  return JSON.stringify([tenant ?? '', id])
}

function permitsOf(plan: IndexPlan): (of: DocumentMetadata) => boolean {
  switch (plan.kind) {
    case 'none':
      return () => false
    case 'all':
      return () => true
    case 'ids': {
      const ids = new Set(plan.ids)
      return ({ id }) => ids.has(id)
    }
    case 'filter':
      return predicateOf(plan.filter)
    default:
      plan satisfies never
      throw new ConfigError('plan.kind', (plan as { kind?: unknown }).kind, 'none, all, filter or ids')
  }
}

function hitOf(of: DocumentMetadata, { position }: IndexedChunk, score: number): Hit {
  return { document: of.id, position, score, version: of.version, aclVersion: of.aclVersion }
}

function passageOf(of: DocumentMetadata, chunk: IndexedChunk): Passage {
  const { title, source, type, authors, readers, denied } = of
  return { ...hitOf(of, chunk, 0), text: chunk.text, title, source, type, authors, readers, denied }
}

function keptChunk(chunk: IndexedChunk): KeptChunk {
  const words = new Map<string, number>()
  const all = wordsOf(chunk.text)
  for (const word of all) words.set(word, (words.get(word) ?? 0) + 1)
  return { ...chunk, words, length: all.length }
}

function byScore(a: Hit, b: Hit): number {
  return b.score - a.score || (a.document < b.document ? -1 : 1) || a.position - b.position
}

function cosine(a: readonly number[], b: readonly number[]): number {
  let dot = 0
  let ofA = 0
  let ofB = 0
  for (let at = 0; at < a.length; at += 1) {
    const x = a[at] as number
    const y = b[at] as number
    dot += x * y
    ofA += x * x
    ofB += y * y
  }
  return ofA === 0 || ofB === 0 ? 0 : dot / Math.sqrt(ofA * ofB)
}

/**
 * How often the words stand in a passage, damped. There is no weight for how rare a word is among all passages: that
 * would tell what the ones that are not permitted hold.
 */
function frequency({ words, length }: KeptChunk, wanted: ReadonlySet<string>): number {
  let sum = 0
  for (const word of wanted) {
    const times = words.get(word)
    if (times !== undefined) sum += 1 + Math.log(times)
  }
  return sum === 0 ? -Infinity : sum / (1 + Math.log(1 + length))
}
