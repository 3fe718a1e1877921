import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { SearchIndex } from '@gatewright/retriever'
import { ingest } from '@gatewright/retriever/ingest'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPgvector } from '../servers.ts'
import { documents, embedderInto, IDS, type IndexAt, openIndex, passagesOf, SPLIT } from './ingest-world.ts'
import type { IngestJob, Moment } from './ingest-worker.ts'

const url = await findPgvector()
const { signal } = new AbortController()
const schema = `killed_${randomUUID().slice(0, 8)}`
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-ingest-'))
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  if (url === undefined) return
  const pool = new pg.Pool({ connectionString: url, max: 1 })
  for (const one of [schema, `${schema}_beside`])
    await pool.query(
      `drop schema if exists ${one} cascade; drop role if exists ${one}_reader; drop role if exists ${one}_planned`,
    )
  await pool.end()
})

/** Ingest in a process of its own, and `kill -9` it at that moment. */
async function killedAt(job: IngestJob): Promise<void> {
  const worker = join(import.meta.dirname, 'ingest-worker.ts')
  const child = spawn(process.execPath, ['--conditions=@gatewright/source', '--no-warnings', worker], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, INGEST_JOB: JSON.stringify(job) },
  })
  const exited = new Promise((resolve) => {
    child.once('exit', (_, by) => resolve(by))
  })
  const said = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  child.kill('SIGKILL')
  expect([said.value, await exited]).toEqual(['hangs', 'SIGKILL'])
}

/** Each document as anyone who searches finds it: its version and the passages that are there. */
async function found(index: SearchIndex): Promise<Record<string, string>> {
  const scope = { tenant: 'acme', type: 'page', principals: undefined }
  const all: Record<string, string> = {}
  for (const id of IDS) {
    const hits = Array.from({ length: 100 }, (_, position) => ({ document: id, position }))
    const passages = await index.fetch({ kind: 'all' }, scope, hits, { signal })
    const texts = passages.toSorted((a, b) => a.position - b.position).map(({ text }) => text)
    const there = await index.describe({ id, tenant: 'acme' }, { signal })
    const whole = there !== undefined && texts.join('|') === passagesOf(id, there.version).join('|')
    all[id] = whole
      ? `whole, version ${there.version}`
      : `${there?.version ?? 'none'} and ${texts.length} passages`
  }
  return all
}

/** How often each text was embedded, by document. */
function embeddings(log: string): Record<string, number[]> {
  const counts = new Map<string, number>()
  if (existsSync(log))
    for (const text of readFileSync(log, 'utf8').trim().split('\n'))
      counts.set(text, (counts.get(text) ?? 0) + 1)
  return Object.fromEntries(
    IDS.map((id) => [id, [...new Set(passagesOf(id, '2').map((text) => counts.get(text) ?? 0))].toSorted()]),
  )
}

type Kill = readonly [moment: Moment, id: string, there: Readonly<Record<string, string>>]
interface Kind {
  readonly isThere: boolean
  readonly at: () => IndexAt
  readonly kills: readonly Kill[]
  /** How often the passages of a document were embedded, if not once. */
  readonly embedded: Readonly<Record<string, readonly number[]>>
  /** How many documents are left for the run after the last kill. */
  readonly left: number
}

const NONE = 'none and 0 passages'
const OLD = 'whole, version 1'
const NEW = 'whole, version 2'
const KINDS: Readonly<Record<string, Kind>> = {
  'PGlite on the disk': {
    isThere: true,
    at: () => ({ kind: 'pglite', folder }),
    // What was there before is found until all of what takes its place is. One kill, since it opens slowly.
    kills: [['writing', 'd2', { d0: NEW, d1: NEW, d2: OLD, d3: OLD, d4: NONE }]],
    embedded: { d2: [2] },
    left: 3,
  },
  'PostgreSQL with pgvector': {
    isThere: url !== undefined,
    at: () => ({ kind: 'postgres', url: url ?? '', schema }),
    kills: [
      ['embedding', 'd1', { d0: NEW, d1: NONE, d2: OLD, d3: OLD }],
      ['writing', 'd2', { d0: NEW, d1: NEW, d2: OLD, d3: OLD, d4: NONE }],
    ],
    // Of the one that was being embedded it is the batch that it had got.
    embedded: { d1: [1, 2], d2: [2] },
    left: 3,
  },
}

describe.each(Object.keys(KINDS))('into %s', (name) => {
  const { isThere, at: where, kills, embedded, left } = KINDS[name] as Kind
  test.skipIf(!isThere)(
    'an ingest that is killed leaves whole documents and is taken up where it was',
    async () => {
      const at = where()
      const log = join(folder, `${name}.log`)
      for (const [i, [moment, id, there]] of kills.entries()) {
        // Two of the documents are there before, in another version.
        const before = i === 0 ? ['d2', 'd3'] : []
        await killedAt({ at, log, before, stop: { id, moment } })
        await using after = await openIndex(at)
        expect(await found(after.index), `${moment} ${id}`).toMatchObject(there)
        if (i < kills.length - 1) continue
        const embed = embedderInto(log, async () => {})
        const report = await ingest(documents(IDS, '2'), { index: after.index, embed, split: SPLIT, signal })
        expect(report).toMatchObject({ ingested: left, unchanged: IDS.length - left, failed: 0 })
        expect(await found(after.index)).toEqual(Object.fromEntries(IDS.map((one) => [one, NEW])))
      }
      // Nothing is embedded twice but what was in flight.
      const once = Object.fromEntries(IDS.map((id) => [id, [1]]))
      expect(embeddings(log)).toEqual({ ...once, ...embedded })
    },
  )
})

test.skipIf(url === undefined)(
  'an ingest of several documents side by side that is killed leaves each whole, and is taken up where it was',
  async () => {
    const at: IndexAt = { kind: 'postgres', url: url ?? '', schema: `${schema}_beside` }
    const log = join(folder, 'beside.log')
    await killedAt({ at, log, before: ['d2', 'd3'], concurrency: 3, stop: { id: 'd1', moment: 'embedding' } })
    await using after = await openIndex(at)
    // How far those beside it have come is for the machine to say.
    const there = await found(after.index)
    expect(there['d1']).toBe(NONE)
    expect(Object.values(there).filter((one) => ![NONE, OLD, NEW].includes(one))).toEqual([])
    const embed = embedderInto(log, async () => {})
    const options = { index: after.index, embed, split: SPLIT, signal, concurrency: 3 }
    const report = await ingest(documents(IDS, '2'), options)
    const done = IDS.filter((id) => there[id] === NEW).length
    expect(report).toMatchObject({ unchanged: done, ingested: IDS.length - done, failed: 0 })
    expect(await found(after.index)).toEqual(Object.fromEntries(IDS.map((one) => [one, NEW])))
    // Nothing is embedded twice but what was in flight.
    const times = Object.entries(embeddings(log)).map(([id, of]) => [there[id] === NEW, Math.max(...of)])
    expect(times.filter(([wasDone, most]) => Number(most) > (wasDone === true ? 1 : 2))).toEqual([])
  },
)
