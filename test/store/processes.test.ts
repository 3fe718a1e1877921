import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import type { StoreReservation } from '@gatewright/runtime/store'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, findRedis, type Server } from '../servers.ts'
import { openPool, openStore, type StoreAt } from './open-store.ts'
import { race, startProcess } from './processes.ts'

const [redis, postgres] = await Promise.all([findRedis(), findPostgres()])
const call = { signal: new AbortController().signal }
const folder = mkdtempSync(join(tmpdir(), 'gatewright-processes-'))
const space = `gatewright_processes_${randomUUID().slice(0, 8)}`
// A thousand calls at once wait for one another, on a machine that has other work.
const timeoutMs = 60_000
const MINUTE = 60_000

beforeAll(async () => {
  if (postgres === undefined) return
  const pool = openPool(postgres)
  await pool.query(postgresSchema(space))
  await pool.end()
})
afterAll(async () => {
  rmSync(folder, { recursive: true })
  if (postgres !== undefined) {
    const pool = openPool(postgres)
    await pool.query(`drop schema ${space} cascade`)
    await pool.end()
  }
  if (redis !== undefined) {
    const client = new Redis(redis)
    const left = await client.keys(`${space}:*`)
    if (left.length > 0) await client.del(left)
    client.disconnect()
  }
})

// SQLite is for one machine, which has one clock.
const STORES: readonly [string, Server | undefined, (server: Server) => StoreAt, skewMs: number][] = [
  [
    'SQLite',
    { host: '', port: 0 },
    () => ({ driver: 'sqlite', path: join(folder, 'store.db'), timeoutMs }),
    0,
  ],
  ['Redis', redis, (server) => ({ driver: 'ioredis', ...server, prefix: space, timeoutMs }), 3 * MINUTE],
  [
    'PostgreSQL',
    postgres,
    (server) => ({ driver: 'postgres', ...server, schema: space, timeoutMs }),
    3 * MINUTE,
  ],
]

for (const [name, server, at, skewMs] of STORES)
  describe.skipIf(server === undefined)(`processes that share ${name}`, { timeout: 120_000 }, () => {
    const place = (): StoreAt => at(server as Server)
    const clocks = skewMs === 0 ? '' : ', whose clocks differ by minutes,'

    test(`a thousand calls at once from eight processes${clocks} against one limit: exactly that many`, async () => {
      const key = randomUUID()
      const got = await race(
        Array.from({ length: 8 }, (_, i) => ({
          at: place(),
          work: 'reserve' as const,
          key,
          limit: 300,
          tries: 125,
          worker: `${key}-${i}`,
          skewMs: (i - 4) * skewMs,
        })),
      )
      expect(got.reduce((sum, each) => sum + each, 0)).toBe(300)
      // Each that was refused by the window took nothing of the total, of which twice as many would fit.
      const { store, end } = await openStore(place())
      const rest = async (amount: number): Promise<StoreReservation> =>
        store.reserve(`${key}-rest`, [{ key, limit: 600, amount }], 1000, call)
      expect((await rest(301)).ok).toBe(false)
      expect((await rest(300)).ok).toBe(true)
      await end()
    })

    test('what a process killed before it could settle had taken is charged in full, also after its deadline', async () => {
      const key = randomUUID()
      const ttlMs = 500
      const job = { at: place(), work: 'hang', key, limit: 10, tries: 7, worker: key, ttlMs, skewMs } as const
      const worker = await startProcess(job)
      worker.begin()
      expect(await worker.line()).toBe('held')
      const exited = once(worker.child, 'exit')
      worker.child.kill('SIGKILL')
      await exited
      const { store, end } = await openStore(place())
      const fits = async (id: string, amount: number): Promise<boolean> =>
        (await store.reserve(`${key}-${id}`, [{ key, limit: 10, amount }], 60_000, call)).ok
      expect(await fits('before', 4)).toBe(false)
      await sleep(ttlMs)
      // Whoever claims now that it took less, or nothing, comes too late.
      await store.settle(key, { [key]: 0 }, call)
      await store.release(key, call)
      expect(await fits('after', 4)).toBe(false)
      expect(await fits('after', 3)).toBe(true)
      await end()
    })
  })
