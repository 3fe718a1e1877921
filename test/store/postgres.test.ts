import { randomUUID } from 'node:crypto'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import { storeApprovals } from '@gatewright/runtime'
import type { Store } from '@gatewright/runtime/store'
import { describeStore } from '@gatewright/runtime/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, freePort, proxyTo } from '../servers.ts'
import { type Opened, openPool, openStore, PATIENCE_MS, type StoreAt } from './open-store.ts'
import { approvalOf, race } from './processes.ts'

const found = await findPostgres()
const server = found ?? { host: '127.0.0.1', port: 5432 }
const call = { signal: new AbortController().signal }
const one = (key: string, limit: number, amount = 1) => [{ key, limit, amount }]
const unavailable = { code: 'ERR_STORE_UNAVAILABLE' }
const forgot = { code: 'ERR_STORE_FORGOT' }

describe.skipIf(found === undefined)('PostgreSQL', () => {
  const schema = `gatewright_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  const direct = openPool(server)
  const toEnd: Opened[] = []
  const query = async (text: string): Promise<Record<string, unknown>[]> =>
    (await direct.query({ text, values: [] })).rows

  async function open(own: Partial<Extract<StoreAt, { driver: 'postgres' }>> = {}): Promise<Store> {
    const made = await openStore({ driver: 'postgres', ...server, schema, ...own })
    toEnd.push(made)
    return made.store
  }

  beforeAll(async () => {
    await query(postgresSchema(schema))
    // A second time changes nothing.
    await query(postgresSchema(schema))
  })

  // Each test lets go of its connections: all tests together would use up those of the server.
  afterEach(async () => {
    for (const { end } of toEnd.splice(0)) await end()
  })

  afterAll(async () => {
    await query(`drop schema ${schema} cascade`)
    await direct.end()
  })

  describeStore('the PostgreSQL store', { open: async () => open() }, { describe, test })

  test('an approval is consumed by exactly one of two processes', async () => {
    const at = { driver: 'postgres', ...server, schema } as const
    const key = randomUUID()
    const { store, end } = await openStore(at)
    await storeApprovals({ store, now: () => new Date() }).add(approvalOf(key), call)
    await end()
    const job = { at, work: 'consume', key, limit: 1, tries: 50 } as const
    const got = await race(['a', 'b'].map((worker) => ({ ...job, worker })))
    expect(got.reduce((sum, each) => sum + each, 0)).toBe(1)
  }, 120_000)

  test('reserving and settling in any order of names ends in no deadlock', async () => {
    const stores = await Promise.all([open(), open(), open()])
    const key = randomUUID()
    const limits = ['a', 'b', 'c'].flatMap((name) => one(`${key}-${name}`, 10_000))
    const work = Array.from({ length: 150 }, async (_, i) => {
      const store = stores[i % 3]
      const order = i % 2 ? limits : limits.toReversed()
      const { ok } = (await store?.reserve(`${key}-${i}`, order, 60_000, call)) ?? { ok: false }
      await stores[(i + 1) % 3]?.settle(`${key}-${i}`, { [`${key}-${'abc'[i % 3] ?? ''}`]: 2 }, call)
      return ok
    })
    expect((await Promise.all(work)).every(Boolean)).toBe(true)
    const [row] = await query(
      `select sum(used)::int as sum from ${schema}.account where name like 'total ${key}%'`,
    )
    expect(row?.['sum']).toBe(150 * 4)
  })

  test('nothing is shared between two tenants of one schema', async () => {
    const { postgresStore } = await import('@gatewright/adapters/store/postgres')
    const [acme, initech] = ['acme', 'initech'].map((tenant) =>
      postgresStore({ pool: direct, schema, tenant, timeoutMs: PATIENCE_MS }),
    )
    await acme?.compareAndSet('a', 0, 'x', call)
    await acme?.reserve('1', one('a', 1), 1000, call)
    expect(await initech?.get('a', call)).toBeUndefined()
    expect(await initech?.list('', call)).toEqual([])
    expect(await initech?.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
  })

  test('a schema that is not laid out, older or newer is refused, with what to do', async () => {
    const missing = await open({ schema: 'gatewright_none' })
    await expect(missing.get('a', call)).rejects.toThrow(/postgresSchema\(\) has laid out/)
    const own = `${schema}_v`
    await query(postgresSchema(own))
    try {
      const store = await open({ schema: own })
      await store.get('a', call)
      await query(`update ${own}.layout set schema = 99`)
      await expect(store.get('a', call)).rejects.toThrow(/a newer Gatewright has been here; update/)
      await query(`update ${own}.layout set schema = 0`)
      await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toThrow(/an older Gatewright/)
    } finally {
      await query(`drop schema ${own} cascade`)
    }
  })

  test('what expires is dropped', async () => {
    const store = await open()
    const key = randomUUID()
    await store.compareAndSet(key, 0, 'x', { ...call, ttlMs: 1 })
    await store.reserve(key, [{ key, limit: 1, amount: 1, windowMs: 1 }], 1, call)
    await query(`select pg_sleep(0.02)`)
    await query(`select ${schema}.prune()`)
    expect(await query(`select 1 from ${schema}.record where key = '${key}'`)).toEqual([])
    expect(await query(`select 1 from ${schema}.account where name like '%${key}'`)).toEqual([])
  })

  describe('faults', () => {
    test('a refused connection is no permit', async () => {
      const store = await open({ port: await freePort(), timeoutMs: 300 })
      await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toMatchObject(unavailable)
      await expect(store.consume('a', call)).rejects.toMatchObject(unavailable)
      await expect(store.watch('a', () => {}, call)).rejects.toMatchObject(unavailable)
    })

    test('a server that is silent holds no call past its timeout or its signal, a slow one is waited for', async () => {
      using proxy = await proxyTo(server)
      const store = await open({ ...proxy, timeoutMs: 1000 })
      const key = randomUUID()
      await store.reserve(`${key}-0`, one(key, 2), 60_000, call)
      proxy.delay(20)
      expect(await store.reserve(`${key}-0`, one(key, 2), 60_000, call)).toEqual({ ok: true })
      proxy.delay(Infinity)
      await expect(store.reserve(`${key}-1`, one(key, 2), 60_000, call)).rejects.toMatchObject(unavailable)
      const aborting = new AbortController()
      const reason = new Error('given up')
      setTimeout(() => aborting.abort(reason), 20)
      await expect(store.epoch({ signal: aborting.signal })).rejects.toBe(reason)
      proxy.delay(0)
      proxy.cut()
      // It was charged, and is charged once.
      await expect.poll(async () => codeOf(store.reserve(`${key}-1`, one(key, 2), 60_000, call))).toBe('none')
      expect(await store.reserve(`${key}-2`, one(key, 2), 60_000, call)).toMatchObject({ ok: false })
    })

    test('a connection that breaks in the middle of a call is no permit', async () => {
      using proxy = await proxyTo(server)
      const store = await open({ ...proxy })
      await store.get('a', call)
      proxy.delay(Infinity)
      const asked = codeOf(store.reserve(randomUUID(), one(randomUUID(), 1), 1000, call))
      setTimeout(() => proxy.cut(), 30)
      expect(await asked).toBe('ERR_STORE_UNAVAILABLE')
    })

    test('a watch that loses its connection says so, and hears again', async () => {
      using proxy = await proxyTo(server)
      const store = await open({ ...proxy })
      const heard: string[] = []
      const watch = await store.watch('', ({ kind }) => heard.push(kind), call)
      proxy.cut()
      await expect.poll(() => heard.filter((kind) => kind === 'gap').length).toBeGreaterThan(1)
      await (await open()).compareAndSet(randomUUID(), 0, 'x', call)
      await expect.poll(() => heard).toContain('changed')
      watch[Symbol.dispose]()
    })

    test('a store that went back to older data refuses everything until it is taken afresh', async () => {
      const own = `${schema}_old`
      await query(postgresSchema(own))
      try {
        const store = await open({ schema: own })
        await store.epoch(call)
        await query(`update ${own}.meta set epoch = epoch - 1`)
        await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toMatchObject(forgot)
        await expect(store.epoch(call)).rejects.toMatchObject(forgot)
        await store.epoch({ ...call, afresh: true })
        expect(await store.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
        // Others have brought the epoch further since, but this client's own mark is gone.
        await query(`delete from ${own}.mark; update ${own}.meta set epoch = epoch + 10`)
        await expect(store.epoch(call)).rejects.toMatchObject(forgot)
      } finally {
        await query(`drop schema ${own} cascade`)
      }
    })
  })
})

async function codeOf(work: unknown): Promise<string> {
  try {
    await work
    return 'none'
  } catch (error) {
    return (error as { code: string }).code
  }
}
