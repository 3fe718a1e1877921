import { randomUUID } from 'node:crypto'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { GuardError, storeApprovals } from '@gatewright/runtime'
import { sqliteStore } from '@gatewright/runtime/store'
import { describeStore } from '@gatewright/runtime/testing'
import { afterAll, describe, expect, test } from 'vitest'
import { openStore } from './open-store.ts'
import { approvalOf, race } from './processes.ts'

const folder = mkdtempSync(join(tmpdir(), 'gatewright-'))
const call = { signal: new AbortController().signal }
const fileOf = (name: string): string => join(folder, `${name}.db`)
const one = (key: string, limit: number, amount = 1) => [{ key, limit, amount }]

afterAll(() => rmSync(folder, { recursive: true }))

describeStore(
  'the SQLite store',
  { open: () => sqliteStore({ path: fileOf('conformance'), pollMs: 10 }) },
  { describe, test },
)

test('an approval is consumed by exactly one of two processes', async () => {
  const at = { driver: 'sqlite', path: fileOf('approval') } as const
  const key = randomUUID()
  const { store, end } = await openStore(at)
  await storeApprovals({ store, now: () => new Date() }).add(approvalOf(key), call)
  await end()
  const job = { at, work: 'consume', key, limit: 1, tries: 50 } as const
  const got = await race(['a', 'b'].map((worker) => ({ ...job, worker })))
  expect(got.reduce((sum, each) => sum + each, 0)).toBe(1)
})

test('everything is there after a restart', async () => {
  const path = fileOf('restart')
  const before = sqliteStore({ path })
  await before.reserve('1', one('a', 2), 60_000, call)
  await before.compareAndSet('halt', 0, 'everything', call)
  await before.append('log', 'entry', call)
  await before.close()
  const after = sqliteStore({ path })
  await after.settle('1', { a: 2 }, call)
  expect(await after.reserve('2', one('a', 2), 1000, call)).toMatchObject({ ok: false })
  expect((await after.get('halt', call))?.value).toBe('everything')
  expect(await after.read('log', 0, call)).toEqual([{ seq: 1, entry: 'entry' }])
  await after.close()
})

test('nothing is shared between two tenants of one file', async () => {
  const [acme, initech] = ['acme', 'initech'].map((tenant) =>
    sqliteStore({ path: fileOf('tenants'), tenant }),
  )
  await acme?.compareAndSet('a', 0, 'x', call)
  await acme?.reserve('1', one('a', 1), 1000, call)
  expect(await initech?.get('a', call)).toBeUndefined()
  expect(await initech?.list('', call)).toEqual([])
  expect(await initech?.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
  await acme?.close()
  await initech?.close()
})

test.each([
  { version: 99, does: /a newer Gatewright has been here; update @gatewright\/runtime/ },
  { version: 0, does: /an older Gatewright keeps its state here/ },
])('a file of schema $version is refused, with what to do', ({ version, does }) => {
  const path = fileOf(`schema-${version}`)
  const db = new DatabaseSync(path)
  db.exec(`create table something (x); pragma user_version = ${version}`)
  db.close()
  expect(() => sqliteStore({ path })).toThrow(does)
})

test('a schema that changes under a running process is refused at the next epoch', async () => {
  const path = fileOf('migrated')
  const store = sqliteStore({ path })
  const db = new DatabaseSync(path)
  db.exec('pragma user_version = 2')
  db.close()
  await expect(store.epoch(call)).rejects.toThrow(/a newer Gatewright/)
  await store.close()
})

test('a lock that another process does not let go of is no permit, and does not hold a call past its signal', async () => {
  const path = fileOf('locked')
  const store = sqliteStore({ path, timeoutMs: 150 })
  const hog = new DatabaseSync(path)
  hog.exec('begin immediate')
  await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toMatchObject({
    code: 'ERR_STORE_UNAVAILABLE',
  })
  const reason = new Error('given up')
  const aborting = new AbortController()
  setTimeout(() => aborting.abort(reason), 20)
  await expect(store.reserve('1', one('a', 1), 1000, { signal: aborting.signal })).rejects.toBe(reason)
  hog.exec('rollback')
  hog.close()
  expect(await store.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
  await store.close()
})

test('a file that is no database, or in no folder, is unavailable', async () => {
  expect(() => sqliteStore({ path: join(folder, 'none', 'x.db') })).toThrow(GuardError)
})

test('a store that went back to older data refuses everything until it is taken afresh', async () => {
  const path = fileOf('older')
  const store = sqliteStore({ path })
  await store.epoch(call)
  const backup = fileOf('backup')
  const db = new DatabaseSync(path)
  db.exec(`vacuum into '${backup}'`)
  await store.epoch(call)
  // The backup is restored in place, while the process runs.
  db.exec(`attach '${backup}' as old; begin immediate;
    delete from main.meta; insert into main.meta select * from old.meta;
    delete from main.mark; insert into main.mark select * from old.mark; commit`)
  db.close()
  const forgot = { code: 'ERR_STORE_FORGOT' }
  await expect(store.reserve('1', one('a', 1), 1000, call)).rejects.toMatchObject(forgot)
  await expect(store.get('a', call)).rejects.toMatchObject(forgot)
  await expect(store.epoch(call)).rejects.toMatchObject(forgot)
  await store.epoch({ ...call, afresh: true })
  expect(await store.reserve('1', one('a', 1), 1000, call)).toEqual({ ok: true })
  await store.close()
})

test('a client whose own mark is lost notices, however far others have brought the epoch since', async () => {
  const path = fileOf('mark')
  const store = sqliteStore({ path })
  await store.epoch(call)
  const db = new DatabaseSync(path)
  db.exec('delete from mark; update meta set epoch = epoch + 10')
  db.close()
  await expect(store.epoch(call)).rejects.toMatchObject({ code: 'ERR_STORE_FORGOT' })
  await store.close()
})

test('a file that was moved away is noticed at the next epoch', async () => {
  const path = fileOf('moved')
  const store = sqliteStore({ path })
  await store.epoch(call)
  renameSync(path, fileOf('moved-away'))
  await expect(store.epoch(call)).rejects.toMatchObject({ code: 'ERR_STORE_FORGOT' })
  await store.close()
})
