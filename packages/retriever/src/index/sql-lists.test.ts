import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, describe, expect, test } from 'vitest'
import { type Filter, readableByAny } from '../filter.ts'
import type { IndexScope, SearchHow, SearchIndex } from '../search-index.ts'
import { describeIndex } from '../testing/describe-index.ts'
import { documentOf, SCOPE, vectorOf } from '../testing/index-world.ts'
import { type PGliteLike, pgliteIndex } from './pglite.ts'
import { between } from './sql-lists.ts'

const database = await PGlite.create({ extensions: { vector } })
afterAll(() => database.close())

const options = { signal: new AbortController().signal }
const how: SearchHow = { kind: 'vector', limit: 50, offset: 0, exact: true }
let schemas = 0
const fresh = (): string => `l${(schemas += 1)}`

/** A database that tells of each statement before it runs. */
function watched(before: (text: string, values: readonly unknown[]) => Promise<void> | void): PGliteLike {
  return {
    exec: (sql) => database.exec(sql),
    transaction: (async (work: (transaction: PGliteLike) => Promise<unknown>) => {
      await before('begin', [])
      return database.transaction((transaction) => work(transaction as unknown as PGliteLike))
    }) as PGliteLike['transaction'],
    async query(text, values = []) {
      await before(text, values)
      return database.query(text, values)
    },
  }
}

async function found(
  index: SearchIndex,
  names: readonly string[],
  scope: Partial<IndexScope> = {},
): Promise<string[]> {
  const plan = { kind: 'filter', filter: readableByAny(names) } as const
  const query = { text: '', embedding: vectorOf('text') }
  const of = { ...SCOPE, principals: { subject: names }, ...scope }
  return (await index.search(plan, of, query, how, options)).map(({ document }) => document).toSorted()
}

describeIndex(
  'an index whose access lists are too many to name',
  { open: (of) => pgliteIndex({ database, schema: fresh(), mostLists: 0, ...of }), trials: 60 },
  { describe, test },
)

test('of one user what may be read is found out once, and a new list of a document is seen at once', async () => {
  let asked = 0
  const index = await pgliteIndex({
    database: watched((text) => void (text.includes('found as materialized') && (asked += 1))),
    schema: fresh(),
    model: 'test',
    dimensions: 8,
  })
  await index.upsert(documentOf('a', {}, 'text'), options)
  for (let at = 0; at < 5; at += 1) expect(await found(index, ['user:alice', 'group:x'])).toEqual(['a'])
  expect(asked).toBe(1)
  await index.upsert(documentOf('b', {}, 'text'), options)
  expect(await found(index, ['user:alice', 'group:x'])).toEqual(['a', 'b'])
  // A list that was there before is known; one that was not makes all that is known of the tenant out of date.
  expect(asked).toBe(1)
  await index.upsert(documentOf('c', { readers: ['group:x'] }, 'text'), options)
  expect(await found(index, ['user:alice', 'group:x'])).toEqual(['a', 'b', 'c'])
  expect(asked).toBe(2)
})

test('principals that are added to the same list object are somebody else', async () => {
  const index = await pgliteIndex({ database, schema: fresh(), model: 'test', dimensions: 8 })
  await index.upsert(documentOf('a', {}, 'text'), options)
  await index.upsert(documentOf('b', { readers: ['user:bob'] }, 'text'), options)
  const names = ['user:alice']
  expect(await found(index, names)).toEqual(['a'])
  names[0] = 'user:bob'
  expect(await found(index, names)).toEqual(['b'])
  // Two that look alike when they are written one after the other.
  expect(await found(index, ['user:alice,user:bob'])).toEqual([])
  expect(await found(index, ['user:alice"', '"user:bob'])).toEqual([])
})

test('one tenant, and one type, knows nothing of the numbers of another', async () => {
  const index = await pgliteIndex({ database, schema: fresh(), model: 'test', dimensions: 8 })
  await index.upsert(documentOf('a', {}, 'text'), options)
  await index.upsert(documentOf('b', { tenant: 'umbrella' }, 'text'), options)
  await index.upsert(documentOf('c', { type: 'mail' }, 'text'), options)
  expect(await found(index, ['user:alice'])).toEqual(['a'])
  expect(await found(index, ['user:alice'], { tenant: 'umbrella' })).toEqual(['b'])
  expect(await found(index, ['user:alice'], { type: 'mail' })).toEqual(['c'])
  expect(await found(index, ['user:alice'], { tenant: undefined })).toEqual([])
})

test('numbers that stand for other lists since a backup was put back open nothing', async () => {
  const schema = fresh()
  const of = { database, schema, model: 'test', dimensions: 8 }
  const index = await pgliteIndex(of)
  await index.upsert(documentOf('a', {}, 'text'), options)
  expect(await found(index, ['user:alice'])).toEqual(['a'])
  // The same tables from their beginning, in which the first list is another one.
  await database.exec(`truncate ${schema}.documents, ${schema}.passages, ${schema}.acls, ${schema}.principals,
    ${schema}.tenants restart identity cascade`)
  await index.upsert(documentOf('secret', { readers: ['user:bob'] }, 'text'), options)
  const { rows } = await database.query(`select id from ${schema}.acls`)
  expect(rows).toEqual([{ id: 1 }])
  expect(await found(index, ['user:alice'])).toEqual([])
  expect(await found(index, ['user:bob'])).toEqual(['secret'])
})

test('lists that change with every search are spoken of without their numbers', async () => {
  const schema = fresh()
  let searches = 0
  const index = await pgliteIndex({
    database: watched(async (text) => {
      if (!text.includes(`${schema}.search(`)) return
      searches += 1
      await database.exec(`update ${schema}.tenants set revision = gen_random_uuid()`)
    }),
    schema,
    model: 'test',
    dimensions: 8,
  })
  await index.upsert(documentOf('a', {}, 'text'), options)
  await index.upsert(documentOf('b', { readers: ['user:bob'] }, 'text'), options)
  expect(await found(index, ['user:alice'])).toEqual(['a'])
  expect(searches).toBe(3)
})

test('a mistake in what is permitted shows nothing that the wall does not, by number or not', async () => {
  const schema = fresh()
  const index = await pgliteIndex({ database, schema, model: 'test', dimensions: 8 })
  await index.upsert(documentOf('a', {}, 'text'), options)
  await index.upsert(documentOf('b', { readers: ['user:bob'] }, 'text'), options)
  const vectorText = `[${vectorOf('text').join(',')}]`
  const search = async (role: string, wall: string, wallText: string, way: string): Promise<string[]> => {
    const { rows } = await database.query<{ document: string }>(
      `select document from ${schema}.search('${schema}_${role}', 'acme', null, '{1,2}', ${wall}, ${wallText}, null, '{}',
        '${vectorText}', '${way}', 10, 10, 100, null)`,
    )
    return rows.map(({ document }) => document).toSorted()
  }
  for (const way of ['exact', 'approximate', 'counted']) {
    expect(await search('planned', `'{}'`, 'null', way)).toEqual(['a', 'b'])
    expect(await search('reader', `'{1}'`, 'null', way)).toEqual(['a'])
    expect(await search('reader', `'{}'`, 'null', way)).toEqual([])
    expect(await search('reader', 'null', `'a.readers && array[1] and a.id < 2'`, way)).toEqual(
      await search('reader', `'{1}'`, 'null', way),
    )
  }
  const handed = async (role: string, wall: string): Promise<unknown[]> =>
    (
      await database.query<{ document: string }>(
        `select document from ${schema}.handed('${schema}_${role}', 'acme', null, '{1,2}', ${wall}, null, null, '{}',
          '{a,b}', '{0,0}')`,
      )
    ).rows.map(({ document }) => document)
  expect(await handed('planned', `'{}'`)).toEqual(['a', 'b'])
  expect(await handed('reader', `'{2}'`)).toEqual(['b'])
})

test('a search reads as the role that its scope asks for', async () => {
  const schema = fresh()
  const roles: unknown[] = []
  const index = await pgliteIndex({
    database: watched((text, values) => {
      if (/\.(search|handed)\(/.test(text)) roles.push(values[0])
    }),
    schema,
    model: 'test',
    dimensions: 8,
  })
  await index.upsert(documentOf('a', {}, 'text'), options)
  const hit = [{ document: 'a', position: 0 }]
  for (const principals of [undefined, {}, { subject: ['user:alice'] }, { actor: [] }]) {
    await found(index, ['user:alice'], { principals })
    await index.fetch({ kind: 'all' }, { ...SCOPE, principals }, hit, options)
  }
  const [planned, reader] = [`${schema}_planned`, `${schema}_reader`]
  expect(roles).toEqual([planned, planned, planned, planned, reader, reader, reader, reader])
})

test('a list that no document has any more is tidied away, and a document that comes with it meanwhile is kept', async () => {
  const schema = fresh()
  let begun: string[] | undefined
  const index = await pgliteIndex({
    database: watched(async (text) => {
      if (text !== 'begin' || begun?.push(text) !== 2) return
      // Between the numbering of a list and the document that has it.
      await database.exec(`delete from ${schema}.acls where id not in (select acl from ${schema}.documents)`)
    }),
    schema,
    model: 'test',
    dimensions: 8,
  })
  const lists = async (): Promise<number> =>
    (await database.query(`select id from ${schema}.acls`)).rows.length
  for (const reader of ['user:alice', 'user:bob', 'user:carol'])
    await index.upsert(documentOf('a', { readers: [reader] }, 'text'), options)
  expect(await lists()).toBe(3)
  await index.maintain?.(options)
  expect(await lists()).toBe(1)
  expect(await found(index, ['user:carol'])).toEqual(['a'])
  begun = []
  await index.upsert(documentOf('b', { readers: ['user:dave'] }, 'text'), options)
  // Numbered, refused for its number, numbered again.
  expect(begun.length).toBe(4)
  expect(await found(index, ['user:dave'])).toEqual(['b'])
})

test('a share that lies between two that were measured takes what lies between', () => {
  const shares = [1, 0.5, 0.25, 0.05]
  const measured = [60, 100, 200, 400]
  expect([2, 1, 0.5, 0.25, 0.05].map((share) => between(shares, measured, share))).toEqual([
    60, 60, 100, 200, 400,
  ])
  for (const share of [0, 0.01]) expect(between(shares, measured, share)).toBe(400)
  const within = between(shares, measured, 0.35)
  expect(within).toBeGreaterThan(100)
  expect(within).toBeLessThan(200)
  expect(between([1], [400], 0.1)).toBe(400)
})

test('a filter that speaks of access lists inside of other conditions means what it says', async () => {
  const index = await pgliteIndex({ database, schema: fresh(), model: 'test', dimensions: 8 })
  await index.upsert(documentOf('a', {}, 'text'), options)
  await index.upsert(documentOf('b', { readers: ['user:bob'], attributes: { open: true } }, 'text'), options)
  await index.upsert(documentOf('c', { readers: ['user:bob'] }, 'text'), options)
  const filter: Filter = {
    op: 'or',
    filters: [readableByAny(['user:alice']), { op: 'eq', field: 'open', value: true }],
  }
  const query = { text: '', embedding: vectorOf('text') }
  const hits = await index.search({ kind: 'filter', filter }, SCOPE, query, how, options)
  expect(hits.map(({ document }) => document).toSorted()).toEqual(['a', 'b'])
})
