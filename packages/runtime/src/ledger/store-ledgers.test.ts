import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { LEDGER_VERSION, type SavedLedger } from './saved.ts'
import { storeLedgers } from './store-ledgers.ts'

const options = { signal: new AbortController().signal }
const saved = (turn: number): SavedLedger => ({
  version: LEDGER_VERSION,
  run: 'run/1 "ü"',
  subject: 'user:bob',
  turn,
  labels: [],
  chunks: [],
  snapshots: [],
  calls: [],
  evidence: { said: [null, { '1e3': 1.5 }] },
})
const run = saved(0).run

test('a conversation goes on in another process', async () => {
  const store = memoryStore({ now: () => new Date() })
  const [here, there] = [storeLedgers({ store }), storeLedgers({ store })]
  expect(await here.load(run, options)).toBeUndefined()
  await here.save(run, saved(1), options)
  expect(await there.load(run, options)).toEqual(saved(1))
  await there.save(run, saved(2), options)
  await there.save(run, saved(3), options)
  expect(await here.load(run, options)).toEqual(saved(3))
})

test('what another process has added to a conversation is not overwritten', async () => {
  const store = memoryStore({ now: () => new Date() })
  const [here, there] = [storeLedgers({ store }), storeLedgers({ store })]
  await here.load(run, options)
  await there.load(run, options)
  await there.save(run, saved(1), options)
  const conflict = { code: 'ERR_STORE_UNAVAILABLE' }
  await expect(here.save(run, saved(2), options)).rejects.toMatchObject(conflict)
  expect(await here.load(run, options)).toEqual(saved(1))
  await here.save(run, saved(2), options)
  await expect(there.save(run, saved(3), options)).rejects.toMatchObject(conflict)
})

test('a conversation is kept for as long as it is told', async () => {
  let time = 0
  const store = memoryStore({ now: () => new Date(time) })
  const ledgers = storeLedgers({ store, ttlMs: 1000 })
  await ledgers.save(run, saved(1), options)
  time = 999
  await ledgers.save(run, saved(2), options)
  time = 1998
  expect(await ledgers.load(run, options)).toEqual(saved(2))
  time = 1999
  expect(await ledgers.load(run, options)).toBeUndefined()
})
