import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { storeAgents, storeSessions } from '@gatewright/runtime/identity'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findRedis } from '../servers.ts'
import { openStore, type StoreAt } from '../store/open-store.ts'
import type { SessionJob } from './session-worker.ts'
import { by, signal, specOf } from './world.ts'

const redis = await findRedis()
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-sessions-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

async function worker(job: SessionJob) {
  const child = spawn(
    process.execPath,
    [
      '--conditions=@gatewright/source',
      '--no-warnings',
      join(import.meta.dirname, 'session-worker.ts'),
      JSON.stringify(job),
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  children.push(child)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const line = async (): Promise<string> => String((await lines.next()).value)
  expect(await line()).toBe('ready')
  return { child, line, begin: () => void child.stdin.write('begin\n') }
}

const MOST = 7
const LEASE_MS = 2500

describe.each<[string, () => StoreAt | undefined]>([
  ['SQLite', () => ({ driver: 'sqlite', path: join(folder, 'state.db'), timeoutMs: 10_000 })],
  [
    'Redis',
    () => redis && { driver: 'ioredis', ...redis, prefix: `sessions-${randomUUID()}:`, timeoutMs: 10_000 },
  ],
])('sessions in %s', (name, place) => {
  test.skipIf(name === 'Redis' && redis === undefined)(
    'are as many as the agent may have among processes that start at once, and are free again after a process was killed',
    async () => {
      const at = place() as StoreAt
      const { store, end } = await openStore(at)
      const agents = storeAgents({ store })
      await agents.register(specOf({ maxSessions: MOST }), by)
      const sessions = storeSessions({ store, now: () => new Date(), newId: randomUUID, leaseMs: LEASE_MS })

      const job = { at, tries: 6, leaseMs: LEASE_MS }
      const workers = await Promise.all([worker(job), worker(job)])
      for (const { begin } of workers) begin()
      const got = await Promise.all(workers.map(({ line }) => line()))
      expect(got.map((text) => Number(/^got (\d+)$/.exec(text)?.[1])).reduce((a, b) => a + b)).toBe(MOST)

      // They are renewed for as long as their processes live.
      await new Promise((resolve) => {
        setTimeout(resolve, LEASE_MS * 1.2)
      })
      expect(await sessions.list('clerk', { signal })).toHaveLength(MOST)
      expect(await sessions.take('clerk', 'mine', { most: MOST, signal })).toBeUndefined()

      for (const { child } of workers) child.kill('SIGKILL')
      await expect
        .poll(async () => (await sessions.list('clerk', { signal })).length, { timeout: 10 * LEASE_MS })
        .toBe(0)
      const mine = await sessions.take('clerk', 'mine', { most: MOST, signal })
      expect(mine).toBeDefined()
      await mine?.release({ signal })
      await store.consume('agent/"clerk"', { signal })
      await end()
    },
  )
})
