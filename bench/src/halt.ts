import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { createInterface } from 'node:readline'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import { createGuard, type StoreHalts, storeHalts } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore, type Store } from '@gatewright/runtime/store'
import pg from 'pg'
import { type Benchmark, type Case, caseOf } from './case.ts'
import { startRedis } from './halt-server.ts'
import { type HaltJob, openAt } from './halt-worker.ts'
import { measure, quantile } from './measure.ts'

const RUNS = 1000
const HALTS = 200
const LEASE_MS = 2000
const WHY = { by: 'user:oncall', reason: 'bench' }
const IN_PROCESS = `from halt() to the abort signal of the last of ${RUNS} runs in flight`
const ACROSS =
  'from halt() in one process to the moment at which another may act no more, by the clock they share'
const LOST = `from the freezing of Redis (SIGSTOP) to the last act of a process with a lease of ${LEASE_MS} ms`

/** How soon a halt is in force: here, in another process, and where the store is gone. */
export const halt: Benchmark = {
  name: 'halt',
  about: 'from halt() to the last run aborted, here and in another process; a store that is lost',
  async run(): Promise<readonly Case[]> {
    return [
      await inProcess(),
      ...(await across('Redis', redisAt)),
      ...(await across('PostgreSQL', postgresAt)),
      await lost(),
    ]
  },
}

async function inProcess(): Promise<Case> {
  await using halts = storeHalts(memoryStore({ now: () => new Date() }), { leaseMs: 60_000 })
  const guard = createGuard({
    agent: { id: 'bench', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    halts,
  })
  const name = `${RUNS} runs in one process`
  const times = await measure(
    [
      {
        name,
        async round() {
          const runs = await Promise.all(
            Array.from({ length: RUNS }, () => guard.startRun({ principal: { subject: 'user:alice' } })),
          )
          return {
            async sample() {
              void guard.halt({ agent: 'bench' }, WHY)
              if (runs.some(({ signal }) => !signal.aborted)) throw new Error('A run was not aborted.')
            },
            async between() {
              await Promise.all(runs.map((run) => run.end()))
              await guard.resume({ agent: 'bench' }, WHY)
            },
          }
        },
      },
    ],
    { rounds: 20, samples: 1, warmUp: 3 },
  )
  const { p50, p99 } = times.get(name) ?? { p50: Number.NaN, p99: Number.NaN }
  return caseOf({ name, unit: 'ms', p50, p99, target: 20, measures: IN_PROCESS })
}

async function across(server: string, place: () => Promise<HaltJob['at']>): Promise<readonly Case[]> {
  const name = `another process, ${server}, p99`
  try {
    const at = await place()
    const { store, end } = await openAt(at)
    await using worker = await start({ at, leaseMs: LEASE_MS })
    const times: number[] = []
    {
      await using halts = await openedHalts(store)
      for (let i = 0; i < HALTS; i += 1) {
        const from = performance.timeOrigin + performance.now()
        const [, seen] = await Promise.all([halts.halt({ tool: 'sendEmail' }, WHY), worker.next()])
        times.push(seen - from)
        await Promise.all([halts.resume({ tool: 'sendEmail' }, WHY), worker.next()])
      }
    }
    await end()
    const median = { name: `another process, ${server}, p50`, p50: quantile(times, 0.5) }
    const slow = { name, p50: quantile(times, 0.99), target: 50 }
    return [median, slow].map((one) => caseOf({ ...one, unit: 'ms', measures: ACROSS }))
  } catch (error) {
    return [
      caseOf({ name, unit: 'ms', p50: Number.NaN, missing: `its server is not there: ${String(error)}` }),
    ]
  }
}

async function lost(): Promise<Case> {
  const name = 'the store is lost, the longest of 5'
  try {
    await using server = await startRedis()
    const { store, end } = await openAt({ driver: 'redis', prefix: 'bench', port: server.port })
    const times: number[] = []
    for (let i = 0; i < 5; i += 1) {
      await using halts = await openedHalts(store)
      // At another moment between two beats each time.
      await sleep(100 * i)
      server.freeze()
      const from = performance.now()
      let last = from
      while (halts.haltOf({ run: 'r', agent: 'a@1' }) === undefined) {
        last = performance.now()
        await sleep(1)
      }
      times.push(last - from)
      server.thaw()
    }
    await end()
    return caseOf({ name, unit: 'ms', p50: Math.max(...times), target: LEASE_MS, measures: LOST })
  } catch (error) {
    return caseOf({ name, unit: 'ms', p50: Number.NaN, missing: `Redis cannot be started: ${String(error)}` })
  }
}

async function openedHalts(store: Store): Promise<StoreHalts> {
  const halts = storeHalts(store, { leaseMs: LEASE_MS })
  await halts.opened()
  return halts
}

async function redisAt(): Promise<HaltJob['at']> {
  return { driver: 'redis', prefix: `bench-${randomUUID()}` }
}

async function postgresAt(): Promise<HaltJob['at']> {
  const schema = `bench_halt_${randomUUID().slice(0, 8)}`
  const pool = new pg.Pool({ host: '127.0.0.1', user: 'postgres', database: 'postgres' })
  await pool.query(postgresSchema(schema))
  await pool.end()
  return { driver: 'postgres', schema }
}

interface Worker extends AsyncDisposable {
  /** When it last found out, in milliseconds of the shared clock. */
  next(): Promise<number>
}

async function start(job: HaltJob): Promise<Worker> {
  const file = join(import.meta.dirname, 'halt-worker.ts')
  const child: ChildProcess = spawn(
    process.execPath,
    ['--conditions=@gatewright/source', '--no-warnings', file, JSON.stringify(job)],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const lines = createInterface({ input: child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]()
  const next = async (): Promise<number> => {
    const { value, done } = await lines.next()
    if (done === true) throw new Error('The other process ended early.')
    return Number(value)
  }
  await next()
  return {
    next,
    async [Symbol.asyncDispose]() {
      child.kill()
    },
  }
}
