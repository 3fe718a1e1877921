import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import {
  type Embedder,
  hashedNgrams,
  pgliteIndex,
  postgresIndex,
  type SearchIndex,
} from '@gatewright/retriever'
import type { SourceDocument } from '@gatewright/retriever/ingest'
import pg from 'pg'

/** Where an index is that outlasts the process that fills it. */
export type IndexAt =
  | { readonly kind: 'pglite'; readonly folder: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly schema: string }

export interface OpenIndex extends AsyncDisposable {
  readonly index: SearchIndex
}

/** Hears each statement of a transaction that writes, once it is done. */
export type AfterStatement = (sql: string, values: readonly unknown[]) => Promise<void>

const plain = hashedNgrams({ dimensions: 32 })
export const SPLIT = { maxLength: 40, overlap: 0 } as const
export const IDS = ['d0', 'd1', 'd2', 'd3', 'd4'] as const
/** More than are embedded at once. */
const PARAGRAPHS = 70

/** Each document in two batches of the embedder; every passage names its document, its version and its place. */
export function documents(ids: readonly string[], version: string): SourceDocument[] {
  return ids.map((id) => ({
    id,
    tenant: 'acme',
    type: 'page',
    version,
    source: `${id}.txt`,
    authors: ['user:alice'],
    readers: ['group:staff'],
    content: passagesOf(id, version).join('\n\n'),
  }))
}

export function passagesOf(id: string, version: string): string[] {
  return Array.from({ length: PARAGRAPHS }, (_, at) => `Passage ${at} of ${id}, version ${version}.`)
}

/** What is written down is there also if the process is killed right after. */
export function embedderInto(log: string, heard: (texts: readonly string[]) => Promise<void>): Embedder {
  return {
    ...plain,
    async embed(texts, options) {
      appendFileSync(log, `${texts.join('\n')}\n`)
      const vectors = await plain.embed(texts, options)
      await heard(texts)
      return vectors
    },
  }
}

export async function openIndex(at: IndexAt, after: AfterStatement = async () => {}): Promise<OpenIndex> {
  const of = { model: plain.name, dimensions: plain.dimensions }
  if (at.kind === 'pglite') {
    const own = await PGlite.create({ dataDir: join(at.folder, 'data'), extensions: { vector } })
    const index = await pgliteIndex({
      ...of,
      database: {
        query: (text, values) => own.query(text, values),
        exec: (sql) => own.exec(sql),
        transaction: (work) =>
          own.transaction((transaction) =>
            work({
              async query(text, values = []) {
                const done = await transaction.query(text, values)
                await after(text, values)
                return done
              },
            }),
          ),
      },
    })
    const close = async (): Promise<void> => {
      await index[Symbol.asyncDispose]()
      await own.close()
    }
    return { index, [Symbol.asyncDispose]: close }
  }
  const pool = new pg.Pool({ connectionString: at.url, max: 2 })
  const index = await postgresIndex({
    ...of,
    schema: at.schema,
    layOut: true,
    pool: {
      async connect() {
        const client = await pool.connect()
        return {
          async query(asked: string | { text: string; values: unknown[] }) {
            const done = await client.query(asked as { text: string; values: unknown[] })
            if (typeof asked !== 'string') await after(asked.text, asked.values)
            return done as { rows: unknown[] }
          },
          release: (destroy?: boolean) => client.release(destroy),
        }
      },
    },
  })
  const close = async (): Promise<void> => {
    await index[Symbol.asyncDispose]()
    await pool.end()
  }
  return { index, [Symbol.asyncDispose]: close }
}
