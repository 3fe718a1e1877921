import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, describe, expect, test } from 'vitest'
import { findPgvector } from '../../../../test/servers.ts'
import type { SearchHow } from '../search-index.ts'
import { describeIndex } from '../testing/describe-index.ts'
import { documentOf, randomFrom, SCOPE, vectorOf } from '../testing/index-world.ts'
import { postgresIndex } from './postgres.ts'
import { indexSchema } from './schema.ts'
import { vectorBytes, vectorText } from './sql-vector.ts'

const url = await findPgvector()

const options = { signal: new AbortController().signal }

describe.skipIf(url === undefined)('PostgreSQL with pgvector', () => {
  const pool = new pg.Pool({ connectionString: url, max: 3 })
  const run = randomUUID().slice(0, 8)
  const schemas: string[] = []
  const fresh = (): string => {
    schemas.push(`t_${run}_${schemas.length}`)
    return schemas.at(-1) as string
  }

  afterAll(async () => {
    for (const schema of schemas)
      await pool.query(
        `drop schema if exists ${schema} cascade; drop role if exists ${schema}_reader; drop role if exists ${schema}_planned`,
      )
    await pool.end()
  })

  describeIndex(
    'an index in PostgreSQL',
    { open: (of) => postgresIndex({ pool, schema: fresh(), layOut: true, ...of }), trials: 150 },
    { describe, test },
  )

  test('two processes that lay out one index at once both get it', async () => {
    const schema = fresh()
    const open = (): ReturnType<typeof postgresIndex> =>
      postgresIndex({ pool, schema, layOut: true, model: 'test', dimensions: 8 })
    const [one, two] = await Promise.all([open(), open()])
    await one.upsert(documentOf('a', {}, 'text'), options)
    expect(await two.count({ kind: 'all' }, SCOPE, 10, options)).toBe(1)
  })

  test('tables that nobody has laid out are refused, with what to do', async () => {
    await expect(postgresIndex({ pool, schema: 'nowhere', model: 'test', dimensions: 8 })).rejects.toThrow(
      'indexSchema()',
    )
  })

  test('the server takes the bytes of a vector for what its text says', async () => {
    const vector = [0.25, -3, 1e-3, 0, 7]
    const { rows } = await pool.query('select $1::vector = $2::text::vector as same', [
      vectorBytes(vector),
      vectorText(vector),
    ])
    expect(rows).toEqual([{ same: true }])
  })

  test('a connection that took on a role gives it back', async () => {
    const schema = fresh()
    const single = new pg.Pool({ connectionString: url, max: 1 })
    try {
      const index = await postgresIndex({ pool: single, schema, layOut: true, model: 'test', dimensions: 8 })
      const scope = { ...SCOPE, principals: { subject: ['user:alice'] } }
      const how = { kind: 'vector', limit: 5, offset: 0, exact: true } as const
      await index.search({ kind: 'all' }, scope, { text: '', embedding: vectorOf('text') }, how, options)
      const filter = { kind: 'filter', filter: { op: 'none' } as never } as const
      await expect(index.count(filter, scope, 10, options)).rejects.toThrow('expected')
      const { rows } = await single.query(
        `select current_user as role, current_setting('gatewright.lists', true) as lists`,
      )
      expect(rows).toEqual([{ role: 'postgres', lists: '' }])
    } finally {
      await single.end()
    }
  })

  test('an abort ends the wait for a search that is stuck, and its connection goes to nobody else', async () => {
    const schema = fresh()
    const index = await postgresIndex({ pool, schema, layOut: true, model: 'test', dimensions: 8 })
    await index.upsert(documentOf('a', {}, 'text'), options)
    const blocker = await pool.connect()
    try {
      await blocker.query(`begin; lock table ${schema}.passages in access exclusive mode`)
      const cut = new AbortController()
      const stuck = index.count({ kind: 'all' }, SCOPE, 10, { signal: cut.signal })
      setTimeout(() => cut.abort(new Error('too long')), 50)
      await expect(stuck).rejects.toThrow('too long')
    } finally {
      await blocker.query('rollback')
      blocker.release()
    }
    expect(await index.count({ kind: 'all' }, SCOPE, 10, options)).toBe(1)
  })

  test('the role of a search can write nothing, and read nothing before its access lists are set', async () => {
    const schema = fresh()
    const index = await postgresIndex({ pool, schema, layOut: true, model: 'test', dimensions: 8 })
    await index.upsert(documentOf('a', {}, 'text'), options)
    const client = await pool.connect()
    try {
      await client.query(`set role ${schema}_reader`)
      const count = async (): Promise<unknown> =>
        (await client.query(`select count(*)::int as n from ${schema}.passages`)).rows[0]
      expect(await count()).toEqual({ n: 0 })
      await client.query(`set gatewright.tenant = 'acme'`)
      expect(await count()).toEqual({ n: 0 })
      await client.query(`set gatewright.lists = '{1,2,3}'; reset gatewright.tenant`)
      expect(await count()).toEqual({ n: 0 })
      await client.query(`set gatewright.tenant = 'umbrella'`)
      expect(await count()).toEqual({ n: 0 })
      await client.query(`set gatewright.tenant = 'acme'`)
      // Now, and so not before, there was something to see.
      expect(await count()).toEqual({ n: 1 })
      await expect(client.query(`delete from ${schema}.passages`)).rejects.toThrow('permission denied')
      for (const table of ['principals', 'acls', 'tenants', 'meta'])
        await expect(client.query(`select * from ${schema}.${table}`)).rejects.toThrow('permission denied')
    } finally {
      client.release(true)
    }
  })

  test('the approximate index finds what the exact search finds, among what is permitted', async () => {
    const schema = fresh()
    const index = await postgresIndex({
      pool,
      schema,
      layOut: true,
      model: 'test',
      dimensions: 8,
      approximateFrom: 300,
    })
    for (let at = 0; at < 30; at += 1) {
      const texts = Array.from({ length: 20 }, (_, i) => `text ${at} ${i}`)
      await index.upsert(documentOf(`d${at}`, { attributes: { third: at % 3 === 0 } }, ...texts), options)
    }
    await index.maintain?.(options)
    const filter = { op: 'eq', field: 'third', value: true } as const
    const plan = { kind: 'filter', filter } as const
    const query = { text: '', embedding: vectorOf('query') }
    const search = (exact: boolean): ReturnType<typeof index.search> =>
      index.search(plan, SCOPE, query, { kind: 'vector', limit: 10, offset: 0, exact }, options)
    expect(await search(false)).toEqual(await search(true))
  })

  test('the approximate index finds 0.99 of the nearest, however hard its vectors are, once it is maintained', async () => {
    const schema = fresh()
    const dimensions = 48
    const random = randomFrom(3)
    const vector = (): number[] => Array.from({ length: dimensions }, () => random(2001) / 1000 - 1)
    const index = await postgresIndex({
      pool,
      schema,
      layOut: true,
      model: 'test',
      dimensions,
      approximateFrom: 1000,
    })
    for (let at = 0; at < 6; at += 1) {
      const chunks = Array.from({ length: 500 }, (_, position) => ({
        position,
        text: '',
        embedding: vector(),
      }))
      await index.upsert({ ...documentOf(`d${at}`), chunks }, options)
    }
    const questions = Array.from({ length: 40 }, vector)
    const found = async (embedding: number[], exact: SearchHow['exact']): Promise<string[]> =>
      (
        await index.search(
          { kind: 'all' },
          SCOPE,
          { text: '', embedding },
          { kind: 'vector', limit: 10, offset: 0, exact },
          options,
        )
      ).map(({ document, position }) => `${document} ${position}`)
    const truths = await Promise.all(questions.map((one) => found(one, true)))
    const recall = async (how: SearchHow['exact']): Promise<number> => {
      const all = await Promise.all(questions.map((one) => found(one, how)))
      return all.flatMap((got, at) => got.filter((one) => truths[at]?.includes(one))).length / 400
    }
    await index.maintain?.(options)
    const measured = (await pool.query(`select ef_search from ${schema}.meta`)).rows[0].ef_search
    await pool.query(`update ${schema}.meta set shares = '{1}', ef_search = '{20}'`)
    await pool.query(`update ${schema}.tenants set revision = gen_random_uuid()`)
    const before = await recall(false)
    expect(before).toBeLessThan(0.95)
    expect(await recall({ upTo: 2999 })).toBe(before)
    expect(await recall({ upTo: 3000 })).toBe(1)
    await index.maintain?.(options)
    expect((await pool.query(`select ef_search from ${schema}.meta`)).rows[0].ef_search).toEqual(measured)
    expect(await recall(false)).toBeGreaterThanOrEqual(0.99)
  })

  test('an index is maintained beside an ingest, whose access list is not tidied away', async () => {
    const schema = fresh()
    const index = await postgresIndex({ pool, schema, layOut: true, model: 'test', dimensions: 8 })
    await index.upsert(documentOf('a', { readers: ['user:alice'] }, 'text'), options)
    await index.upsert(documentOf('a', { readers: ['user:bob'] }, 'text'), options)
    const client = await pool.connect()
    try {
      // Alice's list has no document at this moment, and one that has it is on its way.
      await client.query(`begin; update ${schema}.documents set acl = (select min(id) from ${schema}.acls)`)
      const maintained = index.maintain?.(options)
      const isWaiting = `select 1 from pg_stat_activity where wait_event_type = 'Lock' and query like '%delete from ${schema}.acls%'
        and pid <> pg_backend_pid()`
      while ((await pool.query(isWaiting)).rowCount === 0) await new Promise((next) => setTimeout(next, 5))
      await client.query('commit')
      await maintained
    } finally {
      client.release(true)
    }
    expect((await pool.query(`select count(*)::int as n from ${schema}.acls`)).rows).toEqual([{ n: 2 }])
    await index.maintain?.(options)
    expect((await pool.query(`select count(*)::int as n from ${schema}.acls`)).rows).toEqual([{ n: 1 }])
  })

  test('a connection that could not be tidied on has its time limit again', async () => {
    const single = new pg.Pool({ connectionString: url, max: 1, statement_timeout: 12_345 })
    const failing = {
      async connect() {
        const client = await single.connect()
        return {
          query: (query: never) =>
            String(query).startsWith('vacuum') ? Promise.reject(new Error('no vacuum')) : client.query(query),
          release: (destroy?: boolean) => client.release(destroy),
        }
      },
    }
    try {
      const of = { pool: failing as never, schema: fresh(), layOut: true, model: 'test', dimensions: 8 }
      const index = await postgresIndex(of)
      await expect(index.maintain?.(options)).rejects.toThrow('no vacuum')
      const { rows } = await single.query(`show statement_timeout`)
      expect(rows).toEqual([{ statement_timeout: '12345ms' }])
    } finally {
      await single.end()
    }
  })

  test('what reads an index cannot write, whoever calls it', async () => {
    const schema = fresh()
    const index = await postgresIndex({ pool, schema, layOut: true, model: 'test', dimensions: 8 })
    await index.upsert(documentOf('a', {}, 'text'), options)
    const counting = `with gone as (delete from ${schema}.passages returning 1) select count(*) from gone`
    // The statement does what it says where nothing holds it.
    const client = await pool.connect()
    try {
      await client.query('begin')
      expect((await client.query(counting)).rows).toEqual([{ count: '1' }])
      await client.query('rollback')
      for (const condition of [
        `exists (${counting})`,
        `p.tenant = 'acme' and (select count(*) from pg_sleep(0)) > 0; ${counting}`,
      ])
        for (const call of [
          `search($1, 'acme', null, null, '{}', null, $2, '{}', '[1,0,0,0,0,0,0,0]', 'exact', 0, 5, 100, null)`,
          `search($1, 'acme', null, null, '{}', null, $2, '{}', null, 'exact', 0, 5, 100, 'text')`,
          `handed($1, 'acme', null, null, '{}', null, $2, '{}', '{a}', '{0}')`,
          `counted($1, null, null, $2, '{}', 5)`,
        ])
          await expect(
            client.query(`select ${schema}.${call}`, [`${schema}_reader`, condition]),
          ).rejects.toThrow(/not allowed|syntax error|must be at the top level/)
      expect((await client.query('select current_user as role')).rows).toEqual([{ role: 'postgres' }])
    } finally {
      client.release(true)
    }
    expect(await index.count({ kind: 'all' }, SCOPE, 10, options)).toBe(1)
  })

  test('the SQL of the schema names no value but the embedder, which is quoted', async () => {
    const schema = fresh()
    const model = "o'; drop table x; --\\"
    await pool.query(indexSchema({ schema, model, dimensions: 8 }))
    await postgresIndex({ pool, schema, model, dimensions: 8 })
    expect(() => indexSchema({ schema: 'x"; drop', model, dimensions: 8 })).toThrow('small letters')
  })
})
