import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { ConfigError } from '@gatewright/runtime'
import type { Embedder } from '../embed.ts'
import type { DocumentKey, DocumentMetadata, IndexedChunk, SearchIndex } from '../search-index.ts'
import { oneAtATime, sideBySide } from './side-by-side.ts'
import type { Load } from './loader.ts'
import { type IngestNote, LOADERS, type ReadDocument, readDocument } from './read-document.ts'
import { bytesOf, mediaTypeOf, type RemovedDocument, type SourceDocument } from './source-document.ts'
import { splitText, type SplitOptions } from './split.ts'

export interface IngestOptions {
  readonly index: SearchIndex
  /** The embedder that the index was made for. */
  readonly embed: Embedder
  readonly signal: AbortSignal
  /** Loaders for more media types, or in the place of those for text, Markdown, HTML and mail. */
  readonly loaders?: Readonly<Record<string, Load>>
  readonly split?: SplitOptions
  /** Most bytes of one document; a longer one is refused, and the rest goes on. Default 10 MiB. */
  readonly maxBytes?: number
  /** Change it to have everything read and embedded again, after a change of your loaders. */
  readonly revision?: string
  /**
   * How many documents are worked on side by side, each held in memory. More is quicker where the embedder or the index
   * answers over a network. Default 1.
   */
  readonly concurrency?: number
  readonly onProgress?: (event: IngestEvent) => void
}

/** What became of a document. */
export type IngestOutcome = 'ingested' | 'relabelled' | 'unchanged' | 'removed' | 'absent' | 'failed'

/** How far an ingest is: documents are done in the order in which they were given, however many are worked on. */
export type IngestEvent = DocumentKey &
  (
    | { readonly kind: 'embedded'; readonly passages: number; readonly of: number }
    | {
        readonly kind: 'done'
        readonly outcome: Exclude<IngestOutcome, 'failed'>
        readonly notes: readonly IngestNote[]
      }
    | { readonly kind: 'done'; readonly outcome: 'failed'; readonly error: unknown }
  )

/** How many documents came to what. Which ones failed and why is told by `onProgress`. */
export type IngestReport = Readonly<Record<IngestOutcome, number>>

// Raise it when the same bytes would be read or split in another way.
const RECIPE = 1
const MOST_BYTES = 10 * 1024 * 1024
const EMBEDDED_AT_ONCE = 64
const MOST_FAILURES_IN_A_ROW = 10
const MOST_AT_ONCE = 100

/**
 * Bring documents into an index, one after another, or `concurrency` of them side by side.
 *
 * A document takes the place of what was there under its tenant and id, whole or not at all. One whose content is the
 * same is not embedded again: if its permissions or other metadata changed, these alone are written. So an ingest
 * that was cut off is taken up by running it again. Two at once do each other no harm; of two versions of a document
 * the one written last stays, and the recheck drops it if it is not the one that the source of record has.
 *
 * A document that cannot be read is reported, and the rest goes on. When ten in a row fail it is not the documents, and
 * the last error is thrown; so is the reason of the signal.
 */
export async function ingest(
  documents: Iterable<SourceDocument | RemovedDocument> | AsyncIterable<SourceDocument | RemovedDocument>,
  options: IngestOptions,
): Promise<IngestReport> {
  const { index, embed, signal, concurrency = 1, maxBytes = MOST_BYTES, onProgress = () => {} } = options
  if (index.dimensions !== embed.dimensions)
    throw new ConfigError('embed.dimensions', embed.dimensions, `the ${index.dimensions} of the index`)
  if (index.model !== embed.name)
    throw new ConfigError('embed.name', embed.name, `'${index.model}', which the index was made for`)
  if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > MOST_AT_ONCE)
    throw new ConfigError('concurrency', concurrency, `a whole number from 1 to ${MOST_AT_ONCE}`)
  if (!Number.isSafeInteger(maxBytes) || maxBytes < 1)
    throw new ConfigError('maxBytes', maxBytes, 'a whole number above 0')
  const report = { ingested: 0, relabelled: 0, unchanged: 0, removed: 0, absent: 0, failed: 0 }
  let failures = 0
  // What is given twice comes to what was given last.
  const inTurn = oneAtATime<Done>()
  const work = async (document: SourceDocument | RemovedDocument, stop: AbortSignal): Promise<Done> => {
    const key = { id: document.id, tenant: document.tenant }
    const cut = AbortSignal.any([signal, stop])
    return inTurn(JSON.stringify([key.tenant, key.id]), async () => {
      try {
        cut.throwIfAborted()
        return { ...key, kind: 'done', ...(await take(document, { ...options, signal: cut })) }
      } catch (error) {
        return { ...key, kind: 'done', outcome: 'failed', error }
      }
    })
  }
  for await (const done of sideBySide(documents, concurrency, work)) {
    if (done.outcome === 'failed') signal.throwIfAborted()
    report[done.outcome] += 1
    failures = done.outcome === 'failed' ? failures + 1 : 0
    onProgress(done)
    if (done.outcome === 'failed' && failures >= MOST_FAILURES_IN_A_ROW) throw done.error
  }
  if (report.ingested > 0) await index.maintain?.({ signal })
  return report
}

type Done = Extract<IngestEvent, { kind: 'done' }>

interface Taken {
  readonly outcome: Exclude<IngestOutcome, 'failed'>
  readonly notes: readonly IngestNote[]
}

async function take(document: SourceDocument | RemovedDocument, options: IngestOptions): Promise<Taken> {
  const { index, signal, maxBytes = MOST_BYTES } = options
  if ('removed' in document) {
    const wasThere = await index.remove({ id: document.id, tenant: document.tenant }, { signal })
    return { outcome: wasThere ? 'removed' : 'absent', notes: [] }
  }
  const recipe = recipeOf(document, options)
  const there = await index.describe({ id: document.id, tenant: document.tenant }, { signal })
  // Content that is not at hand is not got where its version says that it is what was read before.
  if (
    there !== undefined &&
    typeof document.content === 'function' &&
    isOf(there, document.version, recipe)
  ) {
    const known = await relabel(document, there, index, signal)
    if (known !== undefined) return known
  }
  const given = await bytesOf(document.content, maxBytes, signal)
  const digest = `${recipe}.${hash(given.bytes)}`
  if (there?.digest === digest) {
    const known = await relabel(document, there, index, signal)
    if (known !== undefined) return known
  }
  const read = await readDocument(document, given, { ...LOADERS, ...options.loaders }, signal)
  const chunks = await chunksOf(document, read, options)
  await index.upsert({ ...metadataOf(document, digest, read.title), chunks }, { signal })
  const notes = [
    ...read.notes,
    ...(chunks.length === 0 ? [{ kind: 'no-text' } as const] : []),
    ...readerNotes(document),
  ]
  return { outcome: 'ingested', notes }
}

/** Undefined where somebody else has put other content there meanwhile, so that all has to be done after all. */
async function relabel(
  document: SourceDocument,
  there: DocumentMetadata,
  index: SearchIndex,
  signal: AbortSignal,
): Promise<Taken | undefined> {
  const metadata = metadataOf(document, there.digest, document.title ?? there.title)
  const notes = readerNotes(document)
  if (isDeepStrictEqual(metadata, inOrder(there))) return { outcome: 'unchanged', notes }
  return (await index.relabel(metadata, { signal })) ? { outcome: 'relabelled', notes } : undefined
}

async function chunksOf(
  { id, tenant }: SourceDocument,
  { text }: ReadDocument,
  { embed, split, signal, onProgress }: IngestOptions,
): Promise<IndexedChunk[]> {
  const passages = splitText(text, split)
  const chunks: IndexedChunk[] = []
  for (let at = 0; at < passages.length; at += EMBEDDED_AT_ONCE) {
    const some = passages.slice(at, at + EMBEDDED_AT_ONCE)
    const vectors = await embed.embed(some, { signal })
    signal.throwIfAborted()
    for (const [i, passage] of some.entries()) {
      const embedding = vectors[i]
      if (embedding === undefined)
        throw new ConfigError('embed', `${vectors.length} vectors for ${some.length} texts`, 'one a text')
      chunks.push({ position: at + i, text: passage, embedding })
    }
    onProgress?.({ id, tenant, kind: 'embedded', passages: chunks.length, of: passages.length })
  }
  return chunks
}

function metadataOf(document: SourceDocument, digest: string, title: string | undefined): DocumentMetadata {
  const { id, tenant, type, version, aclVersion, source, authors, readers } = document
  return {
    id,
    tenant,
    type,
    version,
    aclVersion,
    digest,
    source,
    title,
    // What nobody is known to have written may be from anybody.
    authors: authors.length === 0 ? ['anyone'] : names(authors),
    readers: names(readers),
    denied: names(document.denied ?? []),
    attributes: { ...document.attributes },
  }
}

/** An index keeps lists of names in an order of its own. */
function inOrder(there: DocumentMetadata): DocumentMetadata {
  const { id, tenant, type, version, aclVersion, digest, source, title } = there
  const own = { id, tenant, type, version, aclVersion, digest, source, title }
  const lists = { authors: names(there.authors), readers: names(there.readers), denied: names(there.denied) }
  return { ...own, ...lists, attributes: { ...there.attributes } }
}

function names<T extends string>(list: readonly T[]): T[] {
  return [...new Set(list)].toSorted()
}

/** All but the bytes that decides what passages and vectors come of a document. */
function recipeOf(document: SourceDocument, { embed, split, revision }: IngestOptions): string {
  const parts = [
    RECIPE,
    embed.name,
    embed.dimensions,
    split ?? {},
    revision ?? '',
    mediaTypeOf(document) ?? '',
  ]
  return hash(Buffer.from(JSON.stringify(parts))).slice(0, 12)
}

function isOf(there: DocumentMetadata, version: string, recipe: string): boolean {
  return there.version === version && there.digest.startsWith(`${recipe}.`)
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url')
}

function readerNotes({ readers }: SourceDocument): IngestNote[] {
  return readers.length === 0 ? [{ kind: 'no-readers' }] : []
}
