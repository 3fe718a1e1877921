import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import type { Filter } from '../filter.ts'
import { describeIndex } from '../testing/describe-index.ts'
import { documentOf, randomFilter, randomFrom, SCOPE, vectorOf } from '../testing/index-world.ts'
import { evaluateFilter } from './evaluate-filter.ts'
import { pgliteIndex } from './pglite.ts'

const database = await PGlite.create({ extensions: { vector } })
afterAll(() => database.close())

const options = { signal: new AbortController().signal }
let schemas = 0
const fresh = (): string => `s${(schemas += 1)}`

describeIndex(
  'an index in PGlite',
  { open: (of) => pgliteIndex({ database, schema: fresh(), ...of }), trials: 80 },
  { describe, test },
)

test('an index of another embedder, dimension or version is refused, with what to do', async () => {
  const schema = fresh()
  const open = (model: string, dimensions: number): ReturnType<typeof pgliteIndex> =>
    pgliteIndex({ database, schema, model, dimensions })
  await (await open('one', 8)).upsert(documentOf('a', {}, 'text'), options)
  await expect(open('two', 8)).rejects.toThrow("'one', with which this index was made")
  await expect(open('one', 16)).rejects.toThrow('8, with which this index was made')
  await database.query(`update ${schema}.meta set version = 99`)
  await expect(open('one', 8)).rejects.toThrow('the documents ingested into it again')
})

const text = fc.array(fc.oneof(fc.nat(0x10_ffff), fc.nat(127)), { maxLength: 8 }).map((points) =>
  String.fromCodePoint(...points)
    .toWellFormed()
    .replaceAll('\0', ''),
)
const name = text.filter((one) => one !== '' && !one.startsWith('$'))
const number = fc.double({ noNaN: true, noDefaultInfinity: true })
const value = fc.oneof(text, number, fc.boolean())

test('SQL and evaluateFilter agree on any name and value of an attribute', async () => {
  const index = await pgliteIndex({ database, schema: fresh(), model: 'test', dimensions: 8 })
  const attributes = fc.dictionary(name, fc.oneof(value, fc.array(text, { maxLength: 3 })), { maxKeys: 4 })
  const query = { text: '', embedding: vectorOf('') }
  const property = fc.asyncProperty(attributes, value, value, fc.nat(), async (held, one, other, seed) => {
    const document = documentOf('a', { attributes: held }, 'text')
    await index.upsert(document, options)
    const fields = [...Object.keys(held), 'absent']
    const filters = fields.flatMap((field): Filter[] => [
      { op: 'eq', field, value: one },
      { op: 'ne', field, value: one },
      { op: 'in', field, values: [one, other] },
      { op: 'exists', field, exists: true },
      ...(typeof one === 'boolean' ? [] : [{ op: 'lt', field, value: one } as const]),
      ...Object.values(held).flatMap((own): Filter[] =>
        Array.isArray(own)
          ? [{ op: 'overlaps', field, values: own as string[] }]
          : [{ op: 'eq', field, value: own as string }],
      ),
    ])
    for (const filter of [...filters, randomFilter(randomFrom(seed))]) {
      const how = { kind: 'vector', limit: 5, offset: 0, exact: true } as const
      const found = await index.search({ kind: 'filter', filter }, SCOPE, query, how, options)
      expect([found.length === 1, held, filter]).toEqual([evaluateFilter(filter, document), held, filter])
    }
  })
  await fc.assert(property, { numRuns: 15 })
})

test('an abort between two statements leaves nothing of a document', async () => {
  const index = await pgliteIndex({ database, schema: fresh(), model: 'test', dimensions: 8 })
  const cut = new AbortController()
  let statements = 0
  const slow = {
    query: (...args: Parameters<typeof database.query>) => database.query(...args),
    exec: (sql: string) => database.exec(sql),
    transaction: <T>(work: (transaction: { query: typeof database.query }) => Promise<T>): Promise<T> =>
      database.transaction((transaction) =>
        work({
          query: (async (sql: string, values: unknown[]) => {
            const done = await transaction.query(sql, values)
            statements += 1
            if (sql.includes('insert into') && sql.includes('.documents')) cut.abort(new Error('stopped'))
            return done
          }) as typeof database.query,
        }),
      ) as Promise<T>,
  }
  const schema = fresh()
  const cutting = await pgliteIndex({ database: slow as never, schema, model: 'test', dimensions: 8 })
  await expect(cutting.upsert(documentOf('a', {}, 'text'), { signal: cut.signal })).rejects.toThrow('stopped')
  expect(statements).toBeGreaterThan(0)
  expect(await cutting.describe({ id: 'a', tenant: 'acme' }, options)).toBeUndefined()
  await index[Symbol.asyncDispose]()
})

test('an index in PGlite that is large enough is searched approximately, and maintained again and again', async () => {
  const schema = fresh()
  const of = { database, schema, model: 'test', dimensions: 8, approximateFrom: 50 }
  const index = await pgliteIndex(of)
  const texts = Array.from({ length: 60 }, (_, at) => `text ${at}`)
  await index.upsert(documentOf('a', {}, ...texts), options)
  for (let times = 0; times < 2; times += 1) {
    await index.maintain?.(options)
    const query = { text: '', embedding: vectorOf('text 3') }
    const how = { kind: 'vector', limit: 3, offset: 0, exact: false } as const
    const [first] = await index.search({ kind: 'all' }, SCOPE, query, how, options)
    expect(first?.position).toBe(3)
  }
  const { rows } = await database.query(
    `select to_regclass('${schema}.passages_embedding') is not null as there`,
  )
  expect(rows).toEqual([{ there: true }])
})
