import { setTimeout as sleep } from 'node:timers/promises'
import { storeHalts } from '@gatewright/runtime'
import type { Store, StoreReservation } from '@gatewright/runtime/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRedis, proxyTo } from '../servers.ts'
import { insist } from './insist.ts'
import { type Opened, openStore } from './open-store.ts'
import { durablePostgres, durableRedis, findPostgresPrograms, type OwnServer } from './own-server.ts'

const call = { signal: new AbortController().signal }
const [redis, programs] = await Promise.all([findRedis(), findPostgresPrograms()])
const WHY = { by: 'user:oncall', reason: 'INC-42' }
const LEASE_MS = 600

type Answer = 'ok' | 'full' | 'ERR_STORE_UNAVAILABLE' | 'ERR_STORE_FORGOT'

async function answerOf(work: unknown): Promise<Answer> {
  try {
    return ((await work) as StoreReservation).ok ? 'ok' : 'full'
  } catch (error) {
    return (error as { code: Answer }).code
  }
}

const settledAnswer = (ask: () => unknown): Promise<Answer> => answerOf(insist(ask))

const SERVERS: readonly [string, boolean, () => Promise<OwnServer>][] = [
  ['Redis', redis !== undefined, durableRedis],
  ['PostgreSQL', programs !== undefined, async () => durablePostgres(programs ?? '')],
]

for (const [name, isThere, begin] of SERVERS)
  describe.skipIf(!isThere)(`a ${name} of its own`, () => {
    let server: OwnServer
    let opened: Opened
    let store: Store
    let keys = 0

    beforeAll(async () => {
      server = await begin()
      opened = await openStore(server.at())
      store = opened.store
      await insist(() => store.epoch(call))
    })
    afterAll(async () => {
      server.thaw()
      await opened.end()
      await server[Symbol.asyncDispose]()
    })

    function limitOf(limit: number): { key: string; reserve: (id: string) => unknown } {
      keys += 1
      const key = `k-${keys}`
      const limits = [
        { key, limit, amount: 1 },
        { key: `${key}/hour`, limit: 1000, amount: 1, windowMs: 3_600_000 },
      ]
      return { key, reserve: (id) => store.reserve(`${key}-${id}`, limits, 60_000, call) }
    }

    test('frozen: nothing gets through, and what was asked meanwhile is charged at most once', async () => {
      const { reserve } = limitOf(3)
      expect(await settledAnswer(() => reserve('0'))).toBe('ok')
      server.freeze()
      const during = await Promise.all(['1', '2', '3', '4', '5'].map((id) => answerOf(reserve(id))))
      expect(new Set(during)).toEqual(new Set(['ERR_STORE_UNAVAILABLE']))
      server.thaw()
      const after = []
      for (const id of ['1', '2', '3', '4', '5']) after.push(await settledAnswer(() => reserve(id)))
      expect(after.filter((answer) => answer === 'ok')).toHaveLength(2)
      expect(await settledAnswer(() => reserve('6'))).toBe('full')
    })

    test('killed in the middle of many calls and started again: exactly the limit gets through', async () => {
      const { reserve } = limitOf(60)
      let answered = 0
      const work = Array.from({ length: 4 }, async (_, lane) => {
        const got: Answer[] = []
        for (let i = 0; i < 25; i += 1) {
          got.push(await settledAnswer(() => reserve(`${lane}-${i}`)))
          answered += 1
        }
        return got
      })
      await expect.poll(() => answered, { interval: 1 }).toBeGreaterThan(11)
      await server.kill()
      await sleep(50)
      await server.start()
      const got = (await Promise.all(work)).flat()
      expect(got.filter((answer) => answer === 'ok')).toHaveLength(60)
    })

    test('killed between reserving and settling: the hold is still there, and is settled once', async () => {
      const { key, reserve } = limitOf(3)
      for (const id of ['0', '1', '2']) expect(await settledAnswer(() => reserve(id))).toBe('ok')
      await server.kill()
      await expect(store.get('a', call)).rejects.toMatchObject({ code: 'ERR_STORE_UNAVAILABLE' })
      await server.start()
      expect(await settledAnswer(() => reserve('3'))).toBe('full')
      for (let i = 0; i < 2; i += 1) await insist(() => store.settle(`${key}-0`, { [key]: 0 }, call))
      expect(await settledAnswer(() => reserve('4'))).toBe('ok')
      expect(await settledAnswer(() => reserve('5'))).toBe('full')
    })

    test('slow: waited for within the timeout, refused beyond it, charged once', async () => {
      using proxy = await proxyTo(server)
      const { reserve } = limitOf(2)
      const slow = await openStore(server.at({ port: proxy.port, timeoutMs: 1000 }))
      const before = store
      store = slow.store
      try {
        expect(await settledAnswer(() => reserve('0'))).toBe('ok')
        proxy.delay(15)
        expect(await settledAnswer(() => reserve('1'))).toBe('ok')
        proxy.delay(1500)
        expect(await answerOf(reserve('2'))).toBe('ERR_STORE_UNAVAILABLE')
        proxy.delay(0)
        // What is still on its way would come in after what is quicker now.
        proxy.cut()
        expect(await settledAnswer(() => reserve('1'))).toBe('ok')
        expect(await settledAnswer(() => reserve('2'))).toBe('full')
      } finally {
        store = before
        await slow.end()
      }
    })

    test('a halt that was acknowledged stands after kill -9 and a restart; meanwhile nothing goes on', async () => {
      await using halts = storeHalts(store, { leaseMs: LEASE_MS })
      await insist(() => halts.opened())
      const tool = { run: 'r', agent: 'support@1', tool: 'sendEmail' }
      const other = { run: 'r', agent: 'support@1', tool: 'search' }
      await insist(() => halts.halt({ tool: 'sendEmail' }, WHY))
      await expect.poll(() => halts.haltOf(other)).toBeUndefined()
      using run = halts.signalFor({ run: 'r', agent: 'support@1' })
      await server.kill()
      await sleep(LEASE_MS + 1)
      expect(halts.haltOf(other)).toMatchObject({ by: 'gatewright' })
      expect(run.signal.aborted).toBe(true)
      await server.start()
      await expect.poll(() => halts.haltOf(other)).toBeUndefined()
      await expect.poll(() => halts.haltOf(tool)).toMatchObject(WHY)
      // Somebody who never knew of it reads it from the server alone.
      const fresh = await openStore(server.at())
      {
        await using elsewhere = storeHalts(fresh.store, { leaseMs: LEASE_MS })
        await insist(() => elsewhere.opened())
        await expect.poll(() => elsewhere.haltOf(tool)).toMatchObject(WHY)
        expect(await insist(() => elsewhere.resume({ tool: 'sendEmail' }, WHY))).toBe(true)
      }
      await fresh.end()
    })

    test('frozen: halted within the lease, and open again once it is thawed', async () => {
      await using halts = storeHalts(store, { leaseMs: LEASE_MS })
      await insist(() => halts.opened())
      const run = { run: 'r', agent: 'a@1' }
      await expect.poll(() => halts.haltOf(run)).toBeUndefined()
      server.freeze()
      await sleep(LEASE_MS + 1)
      expect(halts.haltOf(run)).toMatchObject({ by: 'gatewright' })
      // A halt that cannot be written stands here, and is written once it can be.
      await expect(halts.halt({ user: 'user:mallory' }, WHY)).rejects.toMatchObject({
        code: 'ERR_STORE_UNAVAILABLE',
      })
      server.thaw()
      await expect.poll(() => halts.haltOf(run)).toBeUndefined()
      await expect
        .poll(async () => (await store.read('halts', 0, call)).some(({ entry }) => entry.includes('mallory')))
        .toBe(true)
      await insist(() => halts.resume({ user: 'user:mallory' }, WHY))
    })

    // The last one: what was taken since is lost.
    test('back with older data: every answer is no, until it has been taken afresh', async () => {
      const { key, reserve } = limitOf(1)
      await server.kill()
      await server.keep()
      await server.start()
      expect(await settledAnswer(() => reserve('0'))).toBe('ok')
      await insist(() => store.epoch(call))
      await server.kill()
      await server.goBack()
      await server.start()
      expect(await settledAnswer(() => reserve('1'))).toBe('ERR_STORE_FORGOT')
      const others = [
        () => store.settle(`${key}-0`, {}, call),
        () => store.get('a', call),
        () => store.epoch(call),
      ]
      for (const ask of others) expect(await settledAnswer(ask)).toBe('ERR_STORE_FORGOT')
      await insist(() => store.epoch({ ...call, afresh: true }))
      expect(await settledAnswer(() => reserve('1'))).toBe('ok')
      expect(await settledAnswer(() => reserve('2'))).toBe('full')
    })
  })
