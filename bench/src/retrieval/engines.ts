import { randomUUID } from 'node:crypto'
import { execFileSync } from 'node:child_process'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { indexSchema, memoryIndex, pgliteIndex, postgresIndex, type SearchIndex } from '@gatewright/retriever'
import pg from 'pg'
import type { Corpus } from './corpus.ts'

export type EngineName = 'memory' | 'pglite' | 'postgres'

/** An engine with a corpus in it. */
export interface Loaded extends AsyncDisposable {
  readonly index: SearchIndex
  /** A statement of one's own, in a transaction with these settings; undefined where there is no SQL. */
  readonly sql:
    | ((text: string, values: unknown[], settings: Settings) => Promise<Record<string, unknown>[]>)
    | undefined
  /** The same in a session that has the settings, prepared once: the least that a question can cost. */
  readonly session: ((settings: Settings) => Promise<Session>) | undefined
  readonly schema: string
}

export interface Session extends AsyncDisposable {
  ask(text: string, values: unknown[]): Promise<Record<string, unknown>[]>
}

export type Settings = Readonly<Record<string, string>>

export const TENANT = 'bench'
export const TYPE = 'document'
export const MODEL = 'bench'
const AT_ONCE = 2000
const call = { signal: new AbortController().signal }

export async function load(engine: EngineName, corpus: Corpus, say: (line: string) => void): Promise<Loaded> {
  if (engine === 'memory') return inMemory(corpus)
  const schema = `bench_${randomUUID().slice(0, 8)}`
  const { dimensions } = corpus
  const made = { schema, model: MODEL, dimensions }
  const loaded = engine === 'pglite' ? await inPGlite(made) : await inPostgres(made)
  const { sql, index } = loaded
  const started = performance.now()
  await fill(sql, schema, corpus)
  say(`filled in ${Math.round((performance.now() - started) / 1000)} s`)
  const indexing = performance.now()
  await index.maintain?.(call)
  say(`indexed in ${Math.round((performance.now() - indexing) / 1000)} s`)
  return loaded
}

/** An engine with nothing in it. */
export async function empty(
  engine: EngineName,
  of: { readonly model: string; readonly dimensions: number },
): Promise<Pick<Loaded, 'index'> & AsyncDisposable> {
  if (engine === 'memory') return { index: memoryIndex(of), [Symbol.asyncDispose]: () => Promise.resolve() }
  const made = { schema: `bench_${randomUUID().slice(0, 8)}`, ...of }
  return engine === 'pglite' ? inPGlite(made) : inPostgres(made)
}

type Own = Loaded & { readonly sql: NonNullable<Loaded['sql']> }

async function inMemory(corpus: Corpus): Promise<Loaded> {
  const index = memoryIndex({ model: MODEL, dimensions: corpus.dimensions })
  for (const [at, embedding] of corpus.vectors.entries())
    await index.upsert(
      {
        id: `d${at}`,
        tenant: TENANT,
        type: TYPE,
        version: '1',
        aclVersion: undefined,
        digest: '',
        source: '',
        title: undefined,
        authors: ['org:bench'],
        readers: corpus.readers[at] ?? [],
        denied: [],
        attributes: {},
        chunks: [{ position: 0, text: '', embedding: [...embedding] }],
      },
      call,
    )
  return {
    index,
    sql: undefined,
    session: undefined,
    schema: '',
    [Symbol.asyncDispose]: () => index[Symbol.asyncDispose](),
  }
}

interface Made {
  readonly schema: string
  readonly model: string
  readonly dimensions: number
}

async function inPGlite(made: Made): Promise<Own> {
  const database = await PGlite.create({ extensions: { vector } })
  const index = await pgliteIndex({ database, ...made })
  const sql: Own['sql'] = (text, values, settings) =>
    database.transaction(async (transaction) => {
      for (const [name, value] of Object.entries(settings))
        await transaction.query('select set_config($1::text, $2::text, true)', [name, value])
      return (await transaction.query(text, values)).rows as Record<string, unknown>[]
    })
  return {
    index,
    schema: made.schema,
    sql,
    // It has one session for all.
    session: async (settings) => ({
      ask: (text, values) => sql(text, values, settings),
      [Symbol.asyncDispose]: async () => {},
    }),
    [Symbol.asyncDispose]: () => database.close(),
  }
}

async function inPostgres(made: Made): Promise<Own> {
  const script = new URL('../../../scripts/pgvector.sh', import.meta.url).pathname
  const pool = new pg.Pool({ connectionString: execFileSync(script, { encoding: 'utf8' }).trim(), max: 4 })
  await pool.query(indexSchema(made))
  const index = await postgresIndex({ pool, ...made })
  const { schema } = made
  return {
    index,
    schema,
    async sql(text, values, settings) {
      const client = await pool.connect()
      try {
        await client.query('begin')
        for (const [name, value] of Object.entries(settings))
          await client.query('select set_config($1::text, $2::text, true)', [name, value])
        const { rows } = await client.query(text, values)
        await client.query('commit')
        return rows as Record<string, unknown>[]
      } finally {
        client.release()
      }
    },
    async session(settings) {
      const client = await pool.connect()
      for (const [name, value] of Object.entries(settings))
        await client.query('select set_config($1::text, $2::text, false)', [name, value])
      return {
        ask: async (text, values) => (await client.query({ name: 'nearest', text, values })).rows,
        [Symbol.asyncDispose]: async () => client.release(true),
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.query(
        `drop schema ${schema} cascade; drop role ${schema}_reader; drop role ${schema}_planned`,
      )
      await pool.end()
    },
  }
}

/** In bulk: a hundred thousand documents one by one would take longer than all that is measured. */
async function fill(sql: Own['sql'], s: string, { vectors, readers, dimensions }: Corpus): Promise<void> {
  const names = [...new Set(readers.flat())]
  const ids = new Map<string, number>()
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const rows = await sql(
      `insert into ${s}.principals (tenant, name) select $2::text, unnest($1::text[]) returning id, name`,
      [names.slice(at, at + AT_ONCE), TENANT],
      {},
    )
    for (const { id, name } of rows) ids.set(String(name), Number(id))
  }
  const numbersOf = (of: readonly string[]): string => `{${of.map((name) => ids.get(name)).join(',')}}`
  const lists = [...new Set(readers.map(numbersOf))]
  const acls = new Map<string, number>()
  for (let at = 0; at < lists.length; at += AT_ONCE) {
    const rows = await sql(
      `insert into ${s}.acls (tenant, type, digest, readers, denied)
      select '${TENANT}', '${TYPE}', list, list::int[], '{}' from unnest($1::text[]) list returning id, digest`,
      [lists.slice(at, at + AT_ONCE)],
      {},
    )
    for (const { id, digest } of rows) acls.set(String(digest), Number(id))
  }
  await sql(`insert into ${s}.tenants (tenant, revision) values ('${TENANT}', gen_random_uuid())`, [], {})
  const shared = `tenant, document, type, version, source, acl, authors, attributes`
  const values = `'${TENANT}', 'd' || r.at, '${TYPE}', '1', '', r.acl, '{}', '{}'`
  for (let from = 0; from < vectors.length; from += AT_ONCE) {
    const at = vectors.slice(from, from + AT_ONCE).map((_, place) => from + place)
    const rows = [
      at,
      at.map((one) => acls.get(numbersOf(readers[one] ?? []))),
      at.map((one) => `[${(vectors[one] as Float32Array).join(',')}]`),
    ]
    await sql(
      `with r as (select * from unnest($1::int[], $2::int[], $3::text[]) r(at, acl, embedding)),
      d as (insert into ${s}.documents (${shared}, digest, author_names, reader_names, denied_names, passages)
        select ${values}, '', '{}', '{}', '{}', 1 from r returning id, document)
      insert into ${s}.passages (${shared}, of, position, text, embedding, words)
      select ${values}, d.id, 0, '', r.embedding::vector(${dimensions}), '' from r join d on d.document = 'd' || r.at`,
      rows,
      {},
    )
  }
}
