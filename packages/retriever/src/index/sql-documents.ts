import type { DocumentMetadata, IndexedChunk, SearchIndex } from '../search-index.ts'
import { checkDocument, checkKey, checkMetadata } from './check-document.ts'
import type { SqlDatabase, SqlQuery } from './sql-database.ts'
import { type Numbered, numberedIn } from './sql-numbers.ts'
import { metadataOf } from './sql-rows.ts'
import { vectorText } from './sql-vector.ts'
import { tsvectorOf } from './words.ts'

export interface SqlDocumentsOptions {
  readonly database: SqlDatabase
  readonly schema: string
  readonly dimensions: number
  readonly open: (signal: AbortSignal) => Promise<void>
}

/** Passages of one statement: a document may have more of them than a message to the server may hold. */
const AT_ONCE = 500

// The columns that a document and its passages both have, so that a search need not join before it filters.
const SHARED = 'tenant, document, type, version, source, title, acl, authors, attributes, acl_version'
const SHARED_VALUES =
  '$1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::int, $8::int[], $9::text::jsonb, $10::text'
const SHARED_COUNT = 10
const OWN = 'digest, author_names, reader_names, denied_names'
const OWN_VALUES = '$11::text, $12::text[], $13::text[], $14::text[]'
/** foreign_key_violation: the list was tidied away after it was found to be there. */
const NO_SUCH_LIST = '23503'
const MOST_TRIES = 3

/** How documents go into the tables and out of them, as the owner of the tables. */
export function sqlDocuments({
  database,
  schema: s,
  dimensions,
  open,
}: SqlDocumentsOptions): Pick<SearchIndex, 'upsert' | 'relabel' | 'describe' | 'remove'> {
  /** Do work in one transaction, with the numbers of a document's principals and access list. */
  async function numbered<T>(
    document: DocumentMetadata,
    signal: AbortSignal,
    work: (query: SqlQuery, columns: readonly unknown[]) => Promise<T>,
  ): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const numbers = await numberedIn(database, s, document, signal)
      try {
        return await database.transaction(signal, (query) => work(query, columnsOf(document, numbers)))
      } catch (error) {
        if ((error as { readonly code?: unknown }).code !== NO_SUCH_LIST || tries === MOST_TRIES) throw error
      }
    }
  }

  async function insertPassages(
    query: SqlQuery,
    of: number,
    columns: readonly unknown[],
    chunks: readonly IndexedChunk[],
  ): Promise<void> {
    for (let at = 0; at < chunks.length; at += AT_ONCE) {
      const some = chunks.slice(at, at + AT_ONCE)
      await query(
        `insert into ${s}.passages (${SHARED}, of, position, text, embedding, words)
        select ${SHARED_VALUES}, $11::bigint, c.position, c.text, c.embedding::vector(${dimensions}), c.words::tsvector
        from unnest($12::int[], $13::text[], $14::text[], $15::text[]) c(position, text, embedding, words)`,
        [
          ...columns.slice(0, SHARED_COUNT),
          of,
          some.map(({ position }) => position),
          some.map(({ text }) => text),
          some.map(({ embedding }) => vectorText(embedding)),
          some.map(({ text }) => tsvectorOf(text)),
        ],
      )
    }
  }

  return {
    async upsert(document, { signal }) {
      checkDocument(document, dimensions)
      await open(signal)
      await numbered(document, signal, async (query, columns) => {
        // Whoever comes second waits here for the first, and then takes its place.
        const [row] = await query(
          `insert into ${s}.documents (${SHARED}, ${OWN}, passages)
          values (${SHARED_VALUES}, ${OWN_VALUES}, $15::int)
          on conflict (tenant, document)
          do update set (${SHARED}, ${OWN}, passages) = (${SHARED_VALUES}, ${OWN_VALUES}, $15::int)
          returning id`,
          [...columns, document.chunks.length],
        )
        const of = Number(row?.['id'])
        await query(`delete from ${s}.passages where of = $1::bigint`, [of])
        await insertPassages(query, of, columns, document.chunks)
      })
    },
    async relabel(document, { signal }) {
      checkMetadata(document)
      await open(signal)
      return numbered(document, signal, async (query, columns) => {
        const [row] = await query(
          `update ${s}.documents set (${SHARED}, ${OWN}) = (${SHARED_VALUES}, ${OWN_VALUES})
          where tenant = $1::text and document = $2::text and digest = $11::text returning id`,
          [...columns],
        )
        if (row === undefined) return false
        await query(`update ${s}.passages set (${SHARED}) = (${SHARED_VALUES}) where of = $11::bigint`, [
          ...columns.slice(0, SHARED_COUNT),
          Number(row['id']),
        ])
        return true
      })
    },
    async describe(document, { signal }) {
      checkKey(document)
      await open(signal)
      const [row] = await database.transaction(signal, (query) =>
        query(
          `select tenant, document, type, version, source, title, attributes::text as attributes, acl_version, ${OWN}
          from ${s}.documents where tenant = $1::text and document = $2::text`,
          [document.tenant ?? '', document.id],
        ),
      )
      return row === undefined ? undefined : metadataOf(row)
    },
    async remove(document, { signal }) {
      checkKey(document)
      await open(signal)
      const rows = await database.transaction(signal, (query) =>
        query(`delete from ${s}.documents where tenant = $1::text and document = $2::text returning id`, [
          document.tenant ?? '',
          document.id,
        ]),
      )
      return rows.length > 0
    },
  }
}

function columnsOf(document: DocumentMetadata, { acl, authors }: Numbered): unknown[] {
  return [
    document.tenant ?? '',
    document.id,
    document.type,
    document.version,
    document.source,
    document.title ?? null,
    acl,
    authors,
    JSON.stringify(document.attributes),
    document.aclVersion ?? null,
    document.digest,
    document.authors,
    document.readers,
    document.denied,
  ]
}
