import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AuditEvent } from './event.ts'
import { jsonLinesAudit } from './json-lines.ts'

const { signal } = new AbortController()
const event = (sequence: number, tool = 't'): AuditEvent => ({
  type: 'call-unknown',
  call: 'c',
  tool,
  time: '2026-01-01T00:00:00.000Z',
  sequence,
})

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'audit-'))
  path = join(folder, 'audit.jsonl')
})
afterEach(() => rm(folder, { recursive: true }))

const lines = async (): Promise<unknown[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as unknown]))

describe('an audit in JSON lines', () => {
  test.each([true, false])(
    'has the event in the file once its write is done, in order (fsync %s)',
    async (fsync) => {
      await using sink = jsonLinesAudit({ to: path, fsync })
      await sink.write(event(1), { signal })
      expect(await lines()).toEqual([event(1)])
      await Promise.all([2, 3, 4].map((n) => sink.write(event(n), { signal })))
      expect(await lines()).toEqual([1, 2, 3, 4].map((n) => event(n)))
    },
  )

  test('appends to what is there, and makes a new file for its owner alone', async () => {
    for (const n of [1, 2]) {
      await using sink = jsonLinesAudit({ to: path })
      await sink.write(event(n), { signal })
    }
    expect(await lines()).toEqual([event(1), event(2)])
    expect((await stat(path)).mode & 0o077).toBe(0)
  })

  test('is one line an event, whatever a name holds', async () => {
    await using sink = jsonLinesAudit({ to: path })
    await sink.write(event(1, 'a\n{"sequence":2}\r\u2028'), { signal })
    expect((await readFile(path, 'utf8')).trimEnd()).not.toMatch(/[\n\r]/)
    expect(await lines()).toEqual([event(1, 'a\n{"sequence":2}\r\u2028')])
  })

  test('loses one line at most to a crash in the middle of one', async () => {
    await writeFile(path, '{"sequence":1}\n{"seque')
    await using sink = jsonLinesAudit({ to: path })
    await sink.write(event(2), { signal })
    expect((await readFile(path, 'utf8')).split('\n')).toEqual([
      '{"sequence":1}',
      '{"seque',
      JSON.stringify(event(2)),
      '',
    ])
  })

  test('fails every event that it cannot keep, and goes on when it can', async () => {
    const later = join(folder, 'later', 'audit.jsonl')
    await using sink = jsonLinesAudit({ to: later })
    const failed = await Promise.allSettled([
      sink.write(event(1), { signal }),
      sink.write(event(2), { signal }),
    ])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    await mkdir(join(folder, 'later'))
    await sink.write(event(3), { signal })
    path = later
    expect(await lines()).toEqual([event(3)])
  })

  test('waits for a slow stream, refuses more than may wait, and hands on its errors', async () => {
    const written: string[] = []
    let release: ((error?: Error) => void) | undefined
    const slow = new Writable({
      decodeStrings: false,
      write(chunk: string, _, done) {
        written.push(chunk)
        release = done
      },
    })
    const sink = jsonLinesAudit({ to: slow, mostWaiting: 150 })
    const first = sink.write(event(1), { signal })
    const second = sink.write(event(2), { signal })
    const third = (async () => sink.write(event(3), { signal }))()
    await expect(third).rejects.toThrow('Too many audit events')
    expect(written).toHaveLength(1)
    release?.()
    await first
    await new Promise((done) => setImmediate(done))
    release?.(new Error('pipe closed'))
    await expect(second).rejects.toThrow('pipe closed')
  })

  test('starts a new line after a write that failed half-way', async () => {
    let kept = ''
    let broken = true
    const stream = {
      on: () => stream,
      write(text: string, done: (error?: Error) => void) {
        kept += broken ? text.slice(0, 9) : text
        done(broken ? new Error('disk full') : undefined)
        broken = false
      },
    }
    const sink = jsonLinesAudit({ to: stream as unknown as Writable })
    await expect((async () => sink.write(event(1), { signal }))()).rejects.toThrow('disk full')
    await sink.write(event(2), { signal })
    await sink.write(event(3), { signal })
    expect(kept.split('\n').slice(1, -1)).toEqual([event(2), event(3)].map((one) => JSON.stringify(one)))
  })

  test('refuses an event after it was closed', async () => {
    const sink = jsonLinesAudit({ to: path })
    await sink.write(event(1), { signal })
    await sink[Symbol.asyncDispose]()
    await expect((async () => sink.write(event(2), { signal }))()).rejects.toThrow('closed')
  })
})
