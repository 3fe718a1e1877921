import { randomUUID } from 'node:crypto'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import { storeAgents } from '@gatewright/runtime/identity'
import { describeAgents } from '@gatewright/runtime/testing'
import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { findPostgres, findRedis } from '../servers.ts'
import { type Opened, openPool, openStore } from '../store/open-store.ts'

const redis = await findRedis()
const postgres = await findPostgres()

describe.skipIf(redis === undefined)('Redis', () => {
  const prefix = `gatewright-test-${randomUUID()}`
  const clients: Opened[] = []
  const at = { driver: 'ioredis', host: '127.0.0.1', port: 6379, ...redis, prefix } as const

  // Two clients, each of which serves every test: they must agree all the same.
  beforeAll(async () => {
    clients.push(await openStore(at), await openStore(at))
  })
  afterAll(async () => {
    for (const { end } of clients) await end()
    const direct = new Redis({ host: at.host, port: at.port })
    await direct.del(await direct.keys(`${prefix}*`))
    direct.disconnect()
  })

  describeAgents('agents in Redis', { open: takingTurns(clients) }, { describe, test })
})

describe.skipIf(postgres === undefined)('PostgreSQL', () => {
  const schema = `gatewright_test_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  const clients: Opened[] = []
  const server = postgres ?? { host: '127.0.0.1', port: 5432 }

  beforeAll(async () => {
    const pool = openPool(server)
    await pool.query(postgresSchema(schema))
    await pool.end()
    for (let i = 0; i < 2; i += 1) clients.push(await openStore({ driver: 'postgres', ...server, schema }))
  })
  afterAll(async () => {
    for (const { end } of clients) await end()
    const pool = openPool(server)
    await pool.query(`drop schema ${schema} cascade`)
    await pool.end()
  })

  describeAgents('agents in PostgreSQL', { open: takingTurns(clients) }, { describe, test })
})

function takingTurns(clients: readonly Opened[]): (now: () => Date) => ReturnType<typeof storeAgents> {
  let turn = 0
  return (now) => storeAgents({ store: (clients[turn++ % clients.length] as Opened).store, now })
}
