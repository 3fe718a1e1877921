// The other process of the benchmark: says, with the time, whenever it is halted and whenever it is not any more.
import { postgresStore } from '@gatewright/adapters/store/postgres'
import { redisStore } from '@gatewright/adapters/store/redis'
import { storeHalts } from '@gatewright/runtime'
import type { Store } from '@gatewright/runtime/store'
import { Redis } from 'ioredis'
import pg from 'pg'

export interface HaltJob {
  readonly at:
    | { readonly driver: 'redis'; readonly prefix: string; readonly port?: number }
    | { readonly driver: 'postgres'; readonly schema: string }
  readonly leaseMs: number
}

const HOST = '127.0.0.1'

export async function openAt(at: HaltJob['at']): Promise<{ store: Store; end(): Promise<unknown> }> {
  if (at.driver === 'redis') {
    const client = new Redis({
      host: HOST,
      port: at.port ?? 6379,
      lazyConnect: true,
      retryStrategy: () => null,
    })
    client.on('error', () => {})
    await client.connect()
    const store = redisStore({ client, prefix: at.prefix })
    return { store, end: async () => (await store.close(), client.disconnect()) }
  }
  const pool = new pg.Pool({ host: HOST, user: 'postgres', database: 'postgres', max: 4 })
  const store = postgresStore({ pool, schema: at.schema })
  return {
    store,
    async end() {
      await store.close()
      await pool.query(`drop schema ${at.schema} cascade`)
      await pool.end()
    },
  }
}

if (import.meta.main) {
  const { at, leaseMs } = JSON.parse(process.argv[2] ?? '') as HaltJob
  const { store } = await openAt(at)
  const halts = storeHalts(store, { leaseMs })
  await halts.opened()
  const say = (): void => void process.stdout.write(`${performance.timeOrigin + performance.now()}\n`)
  // Told once the signals have fired, so that nothing acts any more.
  halts.subscribe(say)
  say()
  setInterval(() => {}, 1000)
}
