import { redisStore } from '@gatewright/adapters/store/redis'
import { describeStore } from '@gatewright/runtime/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findRedis } from '../servers.ts'
import { PATIENCE_MS } from './open-store.ts'
import { type OwnServer, redisCluster } from './own-server.ts'

const call = { signal: new AbortController().signal }
const isThere = (await findRedis()) !== undefined

describe.skipIf(!isThere)('Redis Cluster', () => {
  let server: OwnServer
  let client: Redis

  beforeAll(async () => {
    server = await redisCluster()
    client = new Redis(server)
  })
  afterAll(async () => {
    client.disconnect()
    await server[Symbol.asyncDispose]()
  })

  describeStore(
    'the Redis store in a cluster',
    { open: () => redisStore({ client, timeoutMs: PATIENCE_MS }) },
    { describe, test },
  )

  test('a script that takes from two slots is refused by this server, so that the suite above means something', async () => {
    const taking = client.eval(`#!lua\nredis.call('SET', 'a', 1) redis.call('SET', 'b', 1)`, 1, 'a')
    await expect(taking).rejects.toThrow(/slot/)
  })

  test('all keys of a tenant are in one slot, whatever they are made of, and tenants are spread', async () => {
    const slots = new Map<string, Set<number>>()
    for (const tenant of ['acme', 'a{b}c', '}{', 'initech']) {
      const prefix = `keys-${slots.size}`
      const store = redisStore({ client, prefix, tenant, timeoutMs: PATIENCE_MS })
      const name = 'x{y}z'
      const limits = [
        { key: name, limit: 9, amount: 1 },
        { key: name, limit: 9, amount: 1, windowMs: 60_000 },
        { key: '{other}', limit: 9, amount: 1, windowMs: 60_000, sliding: true },
      ]
      await store.reserve(name, limits, 60_000, call)
      await store.compareAndSet(name, 0, 'x', { ...call, ttlMs: 60_000 })
      await store.append(name, 'x', call)
      await store.epoch(call)
      const found = await client.keys(`${prefix}:*`)
      // What there is of each kind: meta, mark, three accounts, hold, record, the two lists of keys, log.
      expect(found).toHaveLength(10)
      slots.set(tenant, new Set(await Promise.all(found.map((key) => client.cluster('KEYSLOT', key)))))
    }
    for (const each of slots.values()) expect(each.size).toBe(1)
    expect(new Set([...slots.values()].flatMap((each) => [...each])).size).toBe(4)
  })
})
