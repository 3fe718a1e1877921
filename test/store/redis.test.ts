import { randomUUID } from 'node:crypto'
import { redisStore } from '@gatewright/adapters/store/redis'
import { storeApprovals } from '@gatewright/runtime'
import type { Store } from '@gatewright/runtime/store'
import { describeStore } from '@gatewright/runtime/testing'
import { Redis } from 'ioredis'
import { afterAll, describe, expect, test } from 'vitest'
import { findRedis, freePort, type OwnRedis, ownRedis } from '../servers.ts'
import { type Opened, openStore, PATIENCE_MS, type StoreAt } from './open-store.ts'
import { approvalOf, race } from './processes.ts'

const call = { signal: new AbortController().signal }
const one = (key: string, limit: number, amount = 1) => [{ key, limit, amount }]
const unavailable = { code: 'ERR_STORE_UNAVAILABLE' }
const forgot = { code: 'ERR_STORE_FORGOT' }

const found = await findRedis()
const server = found ?? { host: '127.0.0.1', port: 6379 }

describe.skipIf(found === undefined)('Redis', () => {
  const prefix = `gatewright-test-${randomUUID()}`
  const direct = new Redis({ ...server, lazyConnect: true })
  const toEnd: Opened[] = []

  async function open(driver: 'ioredis' | 'node-redis', own: Partial<StoreAt> = {}): Promise<Store> {
    const made = await openStore({ driver, ...server, prefix, ...own } as StoreAt)
    toEnd.push(made)
    return made.store
  }

  afterAll(async () => {
    for (const { end } of toEnd) await end()
    const left = await direct.keys(`${prefix}*`)
    if (left.length > 0) await direct.del(left)
    direct.disconnect()
  })

  for (const driver of ['ioredis', 'node-redis'] as const)
    describeStore(`the Redis store by ${driver}`, { open: async () => open(driver) }, { describe, test })

  test('an approval is consumed by exactly one of two processes', async () => {
    const at = { driver: 'ioredis', ...server, prefix } as const
    const key = randomUUID()
    const { store, end } = await openStore(at)
    await storeApprovals({ store, now: () => new Date() }).add(approvalOf(key), call)
    await end()
    const job = { at, work: 'consume', key, limit: 1, tries: 50 } as const
    const got = await race(['a', 'b'].map((worker) => ({ ...job, worker })))
    expect(got.reduce((sum, each) => sum + each, 0)).toBe(1)
  })

  test('every key has the hash tag of its tenant and the version of the schema', async () => {
    const client = new Redis(server)
    const store = redisStore({ client, timeoutMs: PATIENCE_MS, prefix: `${prefix}-keys`, tenant: 'acme {x}' })
    await store.reserve('1', [...one('a', 1), { ...one('b', 1)[0], windowMs: 1000 } as never], 1000, call)
    await store.compareAndSet('a', 0, 'x', { ...call, ttlMs: 1000 })
    await store.append('log', 'x', call)
    const keys = (await direct.keys(`${prefix}-keys*`)).map((key) => key.slice(`${prefix}-keys:`.length))
    expect(keys.length).toBeGreaterThan(7)
    for (const key of keys)
      expect(key).toMatch(
        /^\{tenant=acme%20%7Bx%7D\}:(?:meta$|1:(?:account|hold|record|keys|ends|log|mark|dropped))/,
      )
    const other = redisStore({ client, timeoutMs: PATIENCE_MS, prefix: `${prefix}-keys`, tenant: 'initech' })
    expect(await other.get('a', call)).toBeUndefined()
    expect(await other.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
    client.disconnect()
  })

  test.each([
    { schema: '99', does: /a newer Gatewright has been here; update/ },
    { schema: '0', does: /an older Gatewright keeps its state here; stop its processes/ },
  ])('state of schema $schema is refused, with what to do', async ({ schema, does }) => {
    const own = `${prefix}-schema-${schema}`
    await direct.hset(`${own}:{tenant=}:meta`, { schema, epoch: 1, version: 1 })
    const store = await open('ioredis', { prefix: own })
    await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toThrow(does)
  })

  test('what expires leaves nothing behind', async () => {
    const own = `${prefix}-left`
    const store = await open('ioredis', { prefix: own })
    for (let i = 0; i < 20; i += 1) await store.compareAndSet(`${i}`, 0, 'x', { ...call, ttlMs: 1 })
    await new Promise((resolve) => {
      setTimeout(resolve, 20)
    })
    for (let i = 0; i < 3; i += 1) await store.compareAndSet(`again-${i}`, 0, 'x', call)
    const members = await direct.zrange(`${own}:{tenant=}:1:keys`, '0', '-1')
    expect(members.toSorted()).toEqual(['again-0', 'again-1', 'again-2'])
    expect(await direct.zcard(`${own}:{tenant=}:1:ends`)).toBe(0)
  })

  describe.each(['ioredis', 'node-redis'] as const)('faults, by %s', (driver) => {
    async function withServer(
      timeoutMs: number,
      run: (store: Store, own: OwnRedis) => Promise<void>,
    ): Promise<void> {
      await using own = await ownRedis()
      const { host, port } = own
      const { store, end } = await openStore({ driver, host, port, prefix: 'gatewright', timeoutMs })
      try {
        await run(store, own)
      } finally {
        own.thaw()
        await end()
      }
    }

    test('a refused connection is no permit', async () => {
      const port = await freePort()
      const at = { driver, host: '127.0.0.1', port, prefix: 'x', timeoutMs: 200 } as const
      const { store, end } = await openStore(at)
      await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toMatchObject(unavailable)
      await expect(store.consume('a', call)).rejects.toMatchObject(unavailable)
      await expect(store.watch('a', () => {}, call)).rejects.toMatchObject(unavailable)
      await end()
    })

    test('a frozen server holds no call past its timeout or its signal, and is not charged twice after', async () => {
      await withServer(1000, async (store, own) => {
        await store.reserve('0', one('a', 2), 60_000, call)
        own.freeze()
        await expect(store.reserve('1', one('a', 2), 60_000, call)).rejects.toMatchObject(unavailable)
        await expect(store.epoch(call)).rejects.toMatchObject(unavailable)
        const aborting = new AbortController()
        const reason = new Error('given up')
        setTimeout(() => aborting.abort(reason), 20)
        await expect(store.get('a', { signal: aborting.signal })).rejects.toBe(reason)
        own.thaw()
        expect(await store.reserve('1', one('a', 2), 60_000, call)).toEqual({ ok: true })
        expect(await store.reserve('2', one('a', 2), 60_000, call)).toMatchObject({ ok: false })
        expect(await store.epoch(call)).toBeGreaterThan(0)
      })
    })

    test('a server killed in the middle of a call is no permit, and one that forgot is noticed', async () => {
      await withServer(1000, async (store, own) => {
        const changes: string[] = []
        await store.watch('', ({ kind }) => changes.push(kind), call)
        await store.reserve('0', one('a', 1), 60_000, call)
        own.freeze()
        const asked = codeOf(store.reserve('1', one('b', 1), 60_000, call))
        await own.kill()
        expect(await asked).toBe('ERR_STORE_UNAVAILABLE')
        await own.start()
        // It saved nothing, so it is empty now: the limit is not handed out again.
        await expect
          .poll(async () => codeOf(store.reserve('2', one('a', 1), 60_000, call)))
          .toBe('ERR_STORE_FORGOT')
        await expect(store.epoch(call)).rejects.toMatchObject(forgot)
        expect(await store.epoch({ ...call, afresh: true })).toBe(1)
        expect(await store.reserve('2', one('a', 1), 60_000, call)).toEqual({ ok: true })
        await expect.poll(() => changes).toContain('gap')
        await expect
          .poll(async () => {
            await store.compareAndSet(randomUUID(), 0, 'x', call)
            return changes
          })
          .toContain('changed')
      })
    })

    test('a server that comes back with an older backup is noticed', async () => {
      await withServer(1000, async (store, own) => {
        await store.epoch(call)
        const other = new Redis({ host: own.host, port: own.port })
        await other.save()
        other.disconnect()
        await store.reserve('0', one('a', 1), 60_000, call)
        await store.epoch(call)
        await own.kill()
        await own.start()
        await expect
          .poll(async () => codeOf(store.reserve('2', one('a', 1), 60_000, call)))
          .toBe('ERR_STORE_FORGOT')
      })
    })

    test('a server that evicts keys is refused', async () => {
      await withServer(1000, async (store, own) => {
        const other = new Redis({ host: own.host, port: own.port })
        await other.config('SET', 'maxmemory', '100mb')
        await other.config('SET', 'maxmemory-policy', 'allkeys-lru')
        other.disconnect()
        await expect(store.reserve('0', one('a', 1), 60_000, call)).rejects.toThrow(/noeviction/)
      })
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
