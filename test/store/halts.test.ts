import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import { type StoreHalts, storeHalts } from '@gatewright/runtime'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres, findRedis, ownRedis, proxyTo } from '../servers.ts'
import type { HaltJob, HaltNews } from './halt-worker.ts'
import { openPool, openStore, type StoreAt } from './open-store.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const TOOL = { tool: 'sendEmail' } as const
const LEASE_MS = 1000
const MINUTE = 60_000
/** What a loaded machine may add. */
const SLACK_MS = 400

interface Worker extends AsyncDisposable {
  next(): Promise<HaltNews>
  pause(): void
  goOn(): void
  /** Ends it properly; resolves with its exit code. */
  end(): Promise<number>
}

async function startWorker(job: HaltJob): Promise<Worker> {
  const file = join(import.meta.dirname, 'halt-worker.ts')
  const args = ['--conditions=@gatewright/source', '--no-warnings', file, JSON.stringify(job)]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('The process ended early.')
    return value
  }
  expect(await line()).toBe('ready')
  return {
    next: async () => JSON.parse(await line()) as HaltNews,
    pause: () => void child.kill('SIGSTOP'),
    goOn: () => void child.kill('SIGCONT'),
    async end() {
      const exited = once(child, 'exit')
      child.stdin.write('end\n')
      return ((await exited) as [number])[0]
    },
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
    },
  }
}

async function withHalts(at: StoreAt, use: (halts: StoreHalts) => Promise<void>): Promise<void> {
  const { store, end } = await openStore(at)
  try {
    await using halts = storeHalts(store, { leaseMs: LEASE_MS })
    await halts.opened()
    await use(halts)
  } finally {
    await end()
  }
}

const [redis, postgres] = await Promise.all([findRedis(), findPostgres()])
const folder = mkdtempSync(join(tmpdir(), 'gatewright-halts-'))
const name = `halts_${randomUUID().slice(0, 8)}`
afterAll(() => rmSync(folder, { recursive: true }))

beforeAll(async () => {
  if (postgres === undefined) return
  const pool = openPool(postgres)
  await pool.query(postgresSchema(name))
  await pool.end()
})
afterAll(async () => {
  if (postgres === undefined) return
  const pool = openPool(postgres)
  await pool.query(`drop schema ${name} cascade`)
  await pool.end()
})

const STORES: readonly [string, boolean, () => StoreAt][] = [
  ['SQLite', true, () => ({ driver: 'sqlite', path: join(folder, `${randomUUID()}.db`) })],
  [
    'Redis by ioredis',
    redis !== undefined,
    () => ({ driver: 'ioredis', ...(redis as { host: string; port: number }), prefix: randomUUID() }),
  ],
  [
    'Redis by node-redis',
    redis !== undefined,
    () => ({ driver: 'node-redis', ...(redis as { host: string; port: number }), prefix: randomUUID() }),
  ],
  [
    'PostgreSQL',
    postgres !== undefined,
    () => ({ driver: 'postgres', ...(postgres as { host: string; port: number }), schema: name }),
  ],
]

for (const [driver, isThere, place] of STORES)
  describe.skipIf(!isThere)(`halts of two processes through ${driver}`, { timeout: 30_000 }, () => {
    test('once halt has resolved the other process, whose clock is ahead, acts no more until it is resumed', async () => {
      const at = place()
      await using worker = await startWorker({ at, leaseMs: LEASE_MS, skewMs: 5 * MINUTE })
      await withHalts(at, async (halts) => {
        const { processes } = await halts.halt(TOOL, WHY)
        const resolved = Date.now()
        expect(processes).toEqual({ confirmed: 1, ranOut: 0 })
        const news = await worker.next()
        expect(news).toMatchObject({ by: WHY.by })
        expect(news.acted).toBeLessThanOrEqual(resolved)
        expect(await halts.resume(TOOL, WHY)).toBe(true)
        expect((await worker.next()).by).toBeUndefined()
        expect(await worker.end()).toBe(0)
      })
    })

    test('a process that is paused, and whose clock is behind, is waited for as long as its lease, and wakes up halted', async () => {
      const at = place()
      await using worker = await startWorker({ at, leaseMs: LEASE_MS, skewMs: -5 * MINUTE })
      await withHalts(at, async (halts) => {
        worker.pause()
        const from = Date.now()
        const { processes } = await halts.halt({ everything: true }, WHY)
        const resolved = Date.now()
        expect(processes).toEqual({ confirmed: 0, ranOut: 1 })
        expect(resolved - from).toBeLessThan(LEASE_MS + SLACK_MS)
        worker.goOn()
        const news = await worker.next()
        expect(news).toMatchObject({ aborted: true })
        expect(news.acted).toBeLessThan(resolved)
        // PostgreSQL keeps one schema for all of these tests.
        await halts.resume({ everything: true }, WHY)
      })
    })
  })

describe.skipIf(redis === undefined)('halts when Redis fails', { timeout: 60_000 }, () => {
  test('frozen: halted within the lease; thawed: open again', async () => {
    await using server = await ownRedis()
    const at = { driver: 'ioredis', host: server.host, port: server.port, prefix: 'p' } as const
    await using worker = await startWorker({ at, leaseMs: LEASE_MS })
    const from = Date.now()
    server.freeze()
    const news = await worker.next()
    expect(news).toMatchObject({ by: 'gatewright' })
    expect(news.acted - from).toBeLessThan(LEASE_MS)
    server.thaw()
    expect((await worker.next()).by).toBeUndefined()
  })

  test('killed, and back with nothing: it is told again what was halted', async () => {
    await using server = await ownRedis()
    const at = { driver: 'ioredis', host: server.host, port: server.port, prefix: 'p' } as const
    await using worker = await startWorker({ at, leaseMs: LEASE_MS })
    await withHalts(at, async (halts) => {
      await halts.halt(TOOL, WHY)
      expect((await worker.next()).by).toBe(WHY.by)
    })
    await server.kill()
    await server.start()
    await expect
      .poll(
        async () => {
          let found: unknown
          await withHalts(at, async (halts) => void (found = halts.list()))
          return found
        },
        { timeout: 10_000 },
      )
      .toMatchObject([{ scope: TOOL, ...WHY }])
  })
})

describe.skipIf(postgres === undefined)('halts when PostgreSQL fails', { timeout: 60_000 }, () => {
  for (const fault of ['silent', 'cut off'] as const)
    test(`${fault}: halted within the lease, and open again when it is back`, async () => {
      using proxy = await proxyTo(postgres as { host: string; port: number })
      const at = {
        driver: 'postgres',
        host: proxy.host,
        port: proxy.port,
        schema: name,
        timeoutMs: 500,
      } as const
      await using worker = await startWorker({ at, leaseMs: LEASE_MS })
      const from = Date.now()
      proxy.delay(Infinity)
      if (fault === 'cut off') proxy.cut()
      const news = await worker.next()
      expect(news).toMatchObject({ by: 'gatewright' })
      expect(news.acted - from).toBeLessThan(LEASE_MS)
      proxy.delay(0)
      proxy.cut()
      expect((await worker.next()).by).toBeUndefined()
    })
})
