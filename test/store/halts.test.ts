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
import { insist } from './insist.ts'
import { openPool, openStore, type StoreAt } from './open-store.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const TOOL = { tool: 'sendEmail' } as const
const LEASE_MS = 1000
/** One that does not run out, however long a machine stands still. */
const LONG_LEASE_MS = 30_000
const MINUTE = 60_000

interface Worker extends AsyncDisposable {
  /** What it says next of who halts it, or that nobody does any more. */
  next(by: string | undefined): Promise<HaltNews>
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
    async next(by) {
      for (;;) {
        const news = JSON.parse(await line()) as HaltNews
        if (news.by === by) return news
      }
    },
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

async function withHalts(
  at: StoreAt,
  leaseMs: number,
  use: (halts: StoreHalts) => Promise<void>,
): Promise<void> {
  const { store, end } = await openStore(at)
  try {
    await using halts = storeHalts(store, { leaseMs })
    await insist(() => halts.opened())
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
  describe.skipIf(!isThere)(`halts of two processes through ${driver}`, () => {
    test('once halt has resolved the other process, whose clock is ahead, acts no more until it is resumed', async () => {
      const at = place()
      await using worker = await startWorker({ at, leaseMs: LONG_LEASE_MS, skewMs: 5 * MINUTE })
      await withHalts(at, LONG_LEASE_MS, async (halts) => {
        const { processes } = await halts.halt(TOOL, WHY)
        const resolved = Date.now()
        expect(processes).toEqual({ confirmed: 1, ranOut: 0 })
        expect((await worker.next(WHY.by)).acted).toBeLessThanOrEqual(resolved)
        expect(await halts.resume(TOOL, WHY)).toBe(true)
        await worker.next(undefined)
        expect(await worker.end()).toBe(0)
      })
    })

    test('a process that is paused, and whose clock is behind, is waited for as long as its lease, and wakes up halted', async () => {
      const at = place()
      await using worker = await startWorker({ at, leaseMs: LEASE_MS, skewMs: -5 * MINUTE })
      await withHalts(at, LEASE_MS, async (halts) => {
        worker.pause()
        const { processes } = await halts.halt({ everything: true }, WHY)
        const resolved = Date.now()
        expect(processes).toEqual({ confirmed: 0, ranOut: 1 })
        worker.goOn()
        const news = await worker.next('gatewright')
        expect(news).toMatchObject({ aborted: true })
        expect(news.acted).toBeLessThan(resolved)
        // PostgreSQL keeps one schema for all of these tests.
        await halts.resume({ everything: true }, WHY)
      })
    })
  })

describe.skipIf(redis === undefined)('halts when Redis fails', () => {
  test('frozen: halted within the lease; thawed: open again', async () => {
    await using server = await ownRedis()
    const at = { driver: 'ioredis', host: server.host, port: server.port, prefix: 'p' } as const
    await using worker = await startWorker({ at, leaseMs: LEASE_MS })
    server.freeze()
    const from = Date.now()
    expect((await worker.next('gatewright')).acted - from).toBeLessThan(LEASE_MS)
    server.thaw()
    await worker.next(undefined)
  })

  test('killed, and back with nothing: it is told again what was halted', async () => {
    await using server = await ownRedis()
    const at = { driver: 'ioredis', host: server.host, port: server.port, prefix: 'p' } as const
    await using worker = await startWorker({ at, leaseMs: LEASE_MS })
    await withHalts(at, LEASE_MS, async (halts) => {
      await halts.halt(TOOL, WHY)
      await worker.next(WHY.by)
    })
    await server.kill()
    await server.start()
    await expect
      .poll(async () => {
        let found: unknown
        await withHalts(at, LEASE_MS, async (halts) => void (found = halts.list()))
        return found
      })
      .toMatchObject([{ scope: TOOL, ...WHY }])
  })
})

describe.skipIf(postgres === undefined)('halts when PostgreSQL fails', () => {
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
      proxy.delay(Infinity)
      if (fault === 'cut off') proxy.cut()
      const from = Date.now()
      expect((await worker.next('gatewright')).acted - from).toBeLessThan(LEASE_MS)
      proxy.delay(0)
      proxy.cut()
      await worker.next(undefined)
    })
})
