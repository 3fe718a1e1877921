import { ConfigError } from '@gatewright/runtime'
import { checkVector } from '../embed.ts'
import { fuse } from '../fuse.ts'
import type { IndexOptions, IndexPlan, IndexScope, SearchIndex } from '../search-index.ts'
import { MOST_EF_SEARCH } from './calibrate.ts'
import { canBeKept } from './check-document.ts'
import { INDEX_VERSION, indexSchema, schemaName } from './schema.ts'
import { type Asking, askedOf, askingWith } from './sql-asking.ts'
import type { SqlDatabase, SqlQuery } from './sql-database.ts'
import { sqlDocuments } from './sql-documents.ts'
import { knownLists } from './sql-lists.ts'
import { maintained } from './sql-maintain.ts'
import { hitOf, passageOf } from './sql-rows.ts'
import { tsqueryOf } from './words.ts'

export interface SqlIndexOptions {
  /** Name of the PostgreSQL schema. Default `gatewright_retrieval`. */
  readonly schema?: string
  /** Name of the embedder that the vectors come from. */
  readonly model: string
  readonly dimensions: number
  /**
   * Of how many access lists, at most, a search is told by number. Of more it looks up what each says of the passages
   * that it visits. Default 20,000.
   */
  readonly mostLists?: number
  /** How many passages it takes for `maintain` to build the approximate index. Default 5,000, in PGlite 20,000. */
  readonly approximateFrom?: number
}

/** Of fewer, all are looked at however many are permitted. */
const APPROXIMATE_FROM = 5000
/** More cost more to send along than they save. */
const MOST_LISTS = 20_000
/** How often lists are named anew that changed meanwhile, before they are spoken of without their names. */
const MOST_NAMINGS = 2

/** The one code path of PGlite and PostgreSQL: an index over a database that `indexSchema` has laid out. */
export function sqlIndex(
  database: SqlDatabase,
  { schema, model, dimensions, approximateFrom = APPROXIMATE_FROM, mostLists = MOST_LISTS }: SqlIndexOptions,
): SearchIndex {
  const s = schemaName(schema)
  for (const [key, given] of Object.entries({ approximateFrom, mostLists }))
    if (!Number.isInteger(given) || given < 0) throw new ConfigError(key, given, 'a whole number from 0')
  const known = knownLists(database, s, mostLists)
  let opened: Promise<void> | undefined

  async function open(signal: AbortSignal): Promise<void> {
    // A failure is forgotten: the next call may find what this one did not.
    opened ??= database
      .transaction(signal, (query) => checkMeta(query, s, { model, dimensions }))
      .catch((error: unknown) => {
        opened = undefined
        throw error
      })
    await opened
  }

  /** Reads what a plan and a scope permit. `run` gives undefined where the access lists are others by now. */
  async function read<T>(
    plan: IndexPlan,
    scope: IndexScope,
    { signal }: IndexOptions,
    run: (asking: Asking) => Promise<T | undefined>,
  ): Promise<T> {
    const asked = askedOf(plan, scope)
    await open(signal)
    for (let tries = 1; ; tries += 1) {
      const lists = await known(asked.lists, signal)
      const areNamed = tries <= MOST_NAMINGS
      const isOfOneMoment = lists.permitted.revision === lists.wall.revision
      const done = areNamed && !isOfOneMoment ? undefined : await run(askingWith(s, asked, lists, areNamed))
      if (done !== undefined) return done
      lists.forget()
    }
  }

  return {
    name: database.name,
    capabilities: {
      kinds: ['vector', 'text', 'fused'],
      plans: ['none', 'all', 'filter', 'ids'],
      rowLevelSecurity: true,
      approximate: true,
      shared: database.shared,
    },
    model,
    dimensions,
    async count(plan, scope, cap, options) {
      options.signal.throwIfAborted()
      if (plan.kind === 'none') return 0
      return read(plan, scope, options, async (asking) => {
        const { tenant, revision, permitted, condition, values } = asking
        const [row] = await database.read(
          `select ${s}.counted($1::text, $2::text::uuid, $3::text::int[], $4::text, $5::text::text[], $6::int) as many`,
          [tenant, revision, permitted, condition, values, cap],
          options.signal,
          'often',
        )
        const many = row?.['many'] ?? undefined
        return many === undefined ? undefined : Math.min(Number(many), cap)
      })
    },
    async search(plan, scope, asked, how, options) {
      options.signal.throwIfAborted()
      if (how.kind !== 'text') checkVector(asked.embedding, dimensions)
      if (plan.kind === 'none') return []
      const { offset, limit, kind, exact } = how
      const wanted = offset + limit
      const words = kind === 'vector' ? undefined : tsqueryOf(asked.text)
      const vector = kind === 'text' ? null : database.vector(asked.embedding)
      const way = typeof exact === 'object' ? 'counted' : exact ? 'exact' : 'approximate'
      const rows = await read(plan, scope, options, async (asking) => {
        const found = await database.read(
          `select * from ${s}.search($1::text, $2::text, $3::text::uuid, $4::text::int[], $5::text::int[], $6::text, $7::text,
            $8::text::text[], $9::vector, $10::text, $11::int, $12::int, $13::int, $14::text::tsquery)`,
          [
            ...whoAsks(asking),
            vector,
            way,
            typeof exact === 'object' ? exact.upTo : 0,
            wanted,
            Math.min(Math.max(asking.efSearch, 2 * wanted), MOST_EF_SEARCH),
            words ?? null,
          ],
          options.signal,
          'often',
        )
        return found[0]?.['by'] === 'stale' ? undefined : found
      })
      const lists = ['vector', 'text'].map((by) => rows.filter((row) => row['by'] === by).map(hitOf))
      return (kind === 'fused' ? fuse(lists) : lists.flat()).slice(offset, wanted)
    },
    async fetch(plan, scope, hits, options) {
      options.signal.throwIfAborted()
      if (plan.kind === 'none' || hits.length === 0) return []
      const named = hits.filter(({ document }) => canBeKept(document))
      return read(plan, scope, options, async (asking) => {
        const rows = await database.read(
          `select * from ${s}.handed($1::text, $2::text, $3::text::uuid, $4::text::int[], $5::text::int[], $6::text, $7::text,
            $8::text::text[], $9::text[], $10::int[])`,
          [...whoAsks(asking), named.map(({ document }) => document), named.map(({ position }) => position)],
          options.signal,
          'often',
        )
        return rows[0]?.['stale'] === true ? undefined : rows.map(passageOf)
      })
    },
    ...sqlDocuments({ database, schema: s, dimensions, open }),
    async maintain({ signal }) {
      await open(signal)
      await maintained(database, s, { dimensions, approximateFrom }, signal)
    },
    [Symbol.asyncDispose]: () => database.close(),
  }
}

/** Lay out the tables, or leave those that are there. */
export async function layOut(
  database: SqlDatabase,
  options: SqlIndexOptions,
  { signal }: IndexOptions,
): Promise<void> {
  await database.script(indexSchema(options), signal)
}

async function checkMeta(
  query: SqlQuery,
  s: string,
  { model, dimensions }: { readonly model: string; readonly dimensions: number },
): Promise<void> {
  const [there] = await query(`select to_regclass($1::text) is not null as there`, [`${s}.meta`])
  if (there?.['there'] !== true)
    throw new ConfigError('schema', s, 'a schema that the SQL of indexSchema() has laid out')
  const [meta] = await query(`select version, model, dimensions from ${s}.meta`, [])
  const again = 'or another schema, and the documents ingested into it again'
  if (meta?.['version'] !== INDEX_VERSION)
    throw new ConfigError(
      'schema.version',
      meta?.['version'],
      `an index of version ${INDEX_VERSION}, ${again}`,
    )
  if (meta['model'] !== model)
    throw new ConfigError(
      'model',
      model,
      `'${String(meta['model'])}', with which this index was made, ${again}`,
    )
  if (meta['dimensions'] !== dimensions)
    throw new ConfigError(
      'dimensions',
      dimensions,
      `${String(meta['dimensions'])}, with which this index was made, ${again}`,
    )
}

/** What a search and a hand-over are told alike, in the order in which they take it. */
function whoAsks(of: Asking): readonly (string | null)[] {
  return [of.role, of.tenant, of.revision, of.permitted, of.wall, of.wallText, of.condition, of.values]
}
