import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Embedder, hashedNgrams } from '../embed.ts'
import { memoryIndex } from '../index/memory.ts'
import { pgliteIndex } from '../index/pglite.ts'
import type { IndexPlan, SearchIndex } from '../search-index.ts'
import { ingest, type IngestEvent, type IngestOptions } from './ingest.ts'
import type { RemovedDocument, SourceDocument } from './source-document.ts'

const signal = new AbortController().signal
const live = { signal }
const plain = hashedNgrams({ dimensions: 32 })
const page = (id: string, content: SourceDocument['content'], own: Partial<SourceDocument> = {}) => ({
  id,
  tenant: 'acme',
  type: 'page',
  version: '1',
  source: `${id}.md`,
  authors: ['user:alice' as const],
  readers: ['group:staff'],
  content,
  ...own,
})

/** An embedder that counts, and may be made to fail or to stop others in the middle. */
function counting(before: (texts: readonly string[]) => void = () => {}): Embedder & { embedded: number } {
  const made = {
    ...plain,
    embedded: 0,
    embed: async (texts: readonly string[], options: { readonly signal: AbortSignal }) => {
      before(texts)
      made.embedded += texts.length
      return plain.embed(texts, options)
    },
  }
  return made
}

async function textOf(index: SearchIndex, id: string, plan: IndexPlan = { kind: 'all' }): Promise<string[]> {
  const scope = { tenant: 'acme', type: 'page', principals: undefined }
  const hits = Array.from({ length: 300 }, (_, position) => ({ document: id, position }))
  const passages = await index.fetch(plan, scope, hits, live)
  return passages.toSorted((a, b) => a.position - b.position).map(({ text }) => text)
}

function suite(open: () => SearchIndex): void {
  const run = async (
    documents: readonly (SourceDocument | RemovedDocument)[],
    own: Partial<IngestOptions> = {},
  ) => {
    const events: IngestEvent[] = []
    const onProgress = (event: IngestEvent): void => void events.push(event)
    const options = { index: open(), embed: plain, signal, onProgress, ...own }
    const report = await ingest(documents, options)
    return { report, events, done: events.filter((event) => event.kind === 'done') }
  }

  test('a document is found with what its source says of it, and by nobody else', async () => {
    const { report } = await run([page('a', '# Returns\n\nSend it back.', { attributes: { year: 2025 } })])
    expect(report).toMatchObject({ ingested: 1, failed: 0 })
    expect(await open().describe({ id: 'a', tenant: 'acme' }, live)).toMatchObject({
      title: 'Returns',
      authors: ['user:alice'],
      readers: ['group:staff'],
      denied: [],
      source: 'a.md',
      version: '1',
      attributes: { year: 2025 },
    })
    const filter = { op: 'overlaps', field: '$readers', values: ['group:staff'] } as const
    expect(await textOf(open(), 'a', { kind: 'filter', filter })).toEqual(['# Returns\n\nSend it back.'])
    const other = { ...filter, values: ['group:guests'] }
    expect(await textOf(open(), 'a', { kind: 'filter', filter: other })).toEqual([])
  })

  test('what has not changed is not embedded again, and neither is a change of readers alone', async () => {
    const embed = counting()
    const of = page('b', 'Hello there.', { aclVersion: '1', readers: ['group:x', 'group:a'] })
    await run([of], { embed })
    expect((await run([of], { embed })).report).toMatchObject({ unchanged: 1 })
    const revoked = { ...of, aclVersion: '2', readers: ['group:a'] }
    expect((await run([revoked], { embed })).report).toMatchObject({ relabelled: 1 })
    expect(embed.embedded).toBe(1)
    expect(await open().describe(of, live)).toMatchObject({ readers: ['group:a'], aclVersion: '2' })
    expect((await run([{ ...revoked, version: '2', content: 'Bye.' }], { embed })).report).toMatchObject({
      ingested: 1,
    })
    expect(await textOf(open(), 'b')).toEqual(['Bye.'])
    expect(embed.embedded).toBe(2)
  })

  test('content that would have to be got is not, while its version is the one that is there', async () => {
    let got = 0
    const content = async () => {
      got += 1
      return `Text ${got}`
    }
    await run([page('c', content)])
    await run([page('c', content), page('c', content, { readers: [] })])
    expect(got).toBe(1)
    await run([page('c', content, { version: '2' })])
    expect(await textOf(open(), 'c')).toEqual(['Text 2'])
    await run([page('c', content, { version: '2' })], { revision: 'other loaders' })
    expect(got).toBe(3)
  })

  test('an ingest that is cut off leaves whole documents, and is taken up where it was', async () => {
    const cut = new AbortController()
    const long = 'A sentence of some length. '.repeat(400)
    const dying = counting(() => {
      if (dying.embedded >= 65) cut.abort(new Error('killed'))
    })
    const documents = ['d1', 'd2', 'd3'].map((id) => page(id, id === 'd2' ? long : 'Short.'))
    const split = { maxLength: 100, overlap: 10 }
    await expect(run(documents, { embed: dying, signal: cut.signal, split })).rejects.toThrow('killed')
    expect(await textOf(open(), 'd1')).toEqual(['Short.'])
    expect(await textOf(open(), 'd2')).toEqual([])
    const { report, events } = await run(documents, { split })
    expect(report).toMatchObject({ unchanged: 1, ingested: 2 })
    expect((await textOf(open(), 'd2')).length).toBeGreaterThan(100)
    const steps = events.flatMap((event) =>
      event.kind === 'embedded' && event.id === 'd2' ? [event.passages] : [],
    )
    expect(steps[0]).toBe(64)
    expect(steps.at(-1)).toBe((await textOf(open(), 'd2')).length)
  })

  test('one that cannot be read is reported, and the rest goes on', async () => {
    const bad: (SourceDocument | RemovedDocument)[] = [
      page('e1', 'x', { source: 'e1.pdf' }),
      page('', 'no id'),
      page('e2', async () => Promise.reject(new Error('404'))),
      page('e3', Buffer.from([0x25, 0x50, 0x44, 0x46, ...Array<number>(200).fill(0xfe)])),
      page('e4', 'x', { readers: ['a\0b'] }),
      page('e5', 'x', { attributes: { $readers: ['everyone'] } }),
      page('e6', 'x', { tenant: '' }),
      page('e7', '# Fine'),
    ]
    const { report, done } = await run(bad)
    expect(report).toMatchObject({ failed: 7, ingested: 1 })
    const why = done.map((event) => (event.outcome === 'failed' ? String(event.error) : event.outcome))
    expect(why).toEqual([
      expect.stringContaining('document.mediaType: expected one of text/plain'),
      expect.stringContaining('document.id'),
      expect.stringContaining('404'),
      expect.stringContaining('no text'),
      expect.stringContaining('document.readers'),
      expect.stringContaining('document.attributes'),
      expect.stringContaining('document.tenant'),
      'ingested',
    ])
  })

  test('a document that fails leaves what was there', async () => {
    await run([page('f', 'Old.')])
    await run([page('f', 'New.', { version: '2', attributes: { n: Number.NaN } })])
    expect(await textOf(open(), 'f')).toEqual(['Old.'])
  })

  test('when everything fails it stops, so that a lost index is not a thousand bad documents', async () => {
    const broken = counting(() => {
      throw new Error('The model is gone.')
    })
    const documents = Array.from({ length: 50 }, (_, i) => page(`g${i}`, 'x'))
    const seen: IngestEvent[] = []
    await expect(run(documents, { embed: broken, onProgress: (event) => seen.push(event) })).rejects.toThrow(
      'gone',
    )
    expect(seen).toHaveLength(10)
  })

  test('documents are worked on side by side, as many as asked, and told of in their order', async () => {
    let going = 0
    let most = 0
    const waiting: (() => void)[] = []
    const embed: Embedder = {
      ...plain,
      async embed(texts, options) {
        going += 1
        most = Math.max(most, going)
        const { promise, resolve } = Promise.withResolvers<void>()
        waiting.push(resolve)
        // All three are there, and the last that came is done first.
        if (waiting.length === 3) for (const go of waiting.splice(0).toReversed()) go()
        await promise
        going -= 1
        return plain.embed(texts, options)
      },
    }
    const ids = Array.from({ length: 9 }, (_, i) => `n${i}`)
    const bad = page('n.pdf', 'x', { source: 'n.pdf' })
    const { report, done } = await run([...ids.map((id) => page(id, `Of ${id}.`)), bad], {
      embed,
      concurrency: 3,
    })
    expect(most).toBe(3)
    expect(report).toMatchObject({ ingested: 9, failed: 1 })
    expect(done.map(({ id }) => id)).toEqual([...ids, 'n.pdf'])
    for (const id of ids) expect(await textOf(open(), id)).toEqual([`Of ${id}.`])
  })

  test('what is given twice side by side comes to what was given last', async () => {
    const first = Promise.withResolvers<string>()
    const given = [
      page('o', async () => first.promise),
      page('o', 'Second.', { version: '2' }),
      page('p', async () => {
        first.resolve('First.')
        return 'Other.'
      }),
      { id: 'p', tenant: 'acme', removed: true } as const,
    ]
    const { report } = await run(given, { concurrency: 4 })
    expect(report).toMatchObject({ ingested: 3, removed: 1 })
    expect(await textOf(open(), 'o')).toEqual(['Second.'])
    expect(await textOf(open(), 'p')).toEqual([])
  })

  test.for([
    ['ten that fail in a row', undefined],
    ['the signal', new Error('stopped')],
  ] as const)(
    'what is worked on side by side ends with %s, and nothing goes on after',
    async ([, reason]) => {
      const cut = new AbortController()
      let asked = 0
      const going = new Set<number>()
      const embed: Embedder = {
        ...plain,
        async embed(texts, { signal: own }) {
          const mine = (asked += 1)
          // Ten fail at once, and those beside them take as long as they are let.
          if (mine <= 10 && reason === undefined) throw new Error('The model is gone.')
          going.add(mine)
          if (mine > 10 && reason !== undefined) cut.abort(reason)
          if (!own.aborted) await new Promise((resolve) => own.addEventListener('abort', resolve))
          going.delete(mine)
          return plain.embed(texts, { signal: new AbortController().signal })
        },
      }
      const seen: IngestEvent[] = []
      const documents = Array.from({ length: 50 }, (_, i) => page(`q${i}`, `x ${reason}`))
      await expect(
        run(documents, {
          embed,
          concurrency: 12,
          signal: cut.signal,
          onProgress: (event) => seen.push(event),
        }),
      ).rejects.toThrow(reason?.message ?? 'gone')
      expect(seen.filter(({ kind }) => kind === 'done')).toHaveLength(reason === undefined ? 10 : 0)
      expect(going.size).toBe(0)
      const before = asked
      await new Promise((resolve) => setImmediate(resolve))
      expect(asked).toBe(before)
      expect(before).toBeLessThan(25)
    },
  )

  test('a bound that is none is refused at once', async () => {
    for (const concurrency of [0, -1, 1.5, Number.NaN, 1000])
      await expect(run([], { concurrency })).rejects.toThrow(/concurrency/)
    for (const maxBytes of [0, Number.NaN, Number.POSITIVE_INFINITY])
      await expect(run([], { maxBytes })).rejects.toThrow(/maxBytes/)
  })

  test('a document of 100 MB is refused before it is read, and the rest goes on', async () => {
    let read = 0
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (; read < 100; read += 1) yield new Uint8Array(1024 * 1024).fill(97)
    }
    const { done } = await run([page('h1', async () => endless()), page('h2', 'Fine.')])
    expect(done).toMatchObject([{ outcome: 'failed' }, { outcome: 'ingested' }])
    expect(String(done[0]?.outcome === 'failed' && done[0].error)).toContain('maxBytes')
    expect(read).toBeLessThan(12)
    const small = await run([page('h3', 'ü'.repeat(60)), page('h4', new Uint8Array(101))], { maxBytes: 100 })
    expect(small.report.failed).toBe(2)
  })

  test('what is removed is gone, and what nobody may read is accepted and said', async () => {
    const { report, done } = await run([
      page('i', 'Hello.', { readers: [] }),
      page('j', ''),
      { id: 'i', tenant: 'acme', removed: true },
      { id: 'i', tenant: 'acme', removed: true },
      { id: 'j', tenant: 'other', removed: true },
    ])
    expect(report).toMatchObject({ ingested: 2, removed: 1, absent: 2 })
    expect(done).toMatchObject([
      { notes: [{ kind: 'no-readers' }] },
      { notes: [{ kind: 'no-text' }] },
      {},
      {},
      {},
    ])
    expect(await textOf(open(), 'i')).toEqual([])
    expect(await open().describe({ id: 'j', tenant: 'acme' }, live)).toBeDefined()
  })

  test('NUL, control characters and hidden ASCII are replaced, and said', async () => {
    const hidden = String.fromCodePoint(...[...'send'].map((one) => 0xe0000 + (one.codePointAt(0) ?? 0)))
    const { done } = await run([page('k', `A fine text\0 with ${hidden} some \uD83D things in it.`)])
    expect(done).toMatchObject([{ outcome: 'ingested', notes: [{ kind: 'replaced', count: 6 }] }])
    expect(await textOf(open(), 'k')).toEqual([
      'A fine text\uFFFD with \uFFFD\uFFFD\uFFFD\uFFFD some \uFFFD things in it.',
    ])
  })

  test('what a document says of its readers and authors is its text, and nothing more', async () => {
    const claims =
      '---\nauthors: [developer]\nreaders: [everyone]\ntenant: other\ndenied: []\n---\n\n# Claims'
    const html =
      '<meta name="author" content="developer"><title>Claims</title><p data-readers="everyone">x</p>'
    const mail = 'From: developer\nX-Readers: everyone\nSubject: Claims\n\nx'
    await run([
      page('l1', claims),
      page('l2', html, { source: 'l2.html' }),
      page('l3', mail, { source: 'l3.eml' }),
      page('l4', claims, { authors: [] }),
    ])
    for (const id of ['l1', 'l2', 'l3'])
      expect(await open().describe({ id, tenant: 'acme' }, live)).toMatchObject({
        title: 'Claims',
        authors: ['user:alice'],
        readers: ['group:staff'],
        tenant: 'acme',
      })
    // Nobody said who wrote it: not even the document's own word makes it anyone's but anyone's.
    expect(await open().describe({ id: 'l4', tenant: 'acme' }, live)).toMatchObject({ authors: ['anyone'] })
  })

  test('two ingests at once leave each document whole, from the one or the other', async () => {
    const ids = Array.from({ length: 6 }, (_, i) => `m${i}`)
    const of = (word: string) =>
      ids.map((id) => page(id, `${word} text here. `.repeat(20), { version: word }))
    const split = { maxLength: 60, overlap: 0 }
    const reports = await Promise.all([run(of('one'), { split }), run(of('two'), { split })])
    for (const { report } of reports) expect(report.failed).toBe(0)
    for (const id of ids) {
      const words = new Set(
        (await textOf(open(), id)).flatMap((text) => text.match(/\b(?:one|two)\b/g) ?? []),
      )
      const there = await open().describe({ id, tenant: 'acme' }, live)
      expect([...words]).toEqual([there?.version])
    }
  })

  test('another embedder than the one the index was made for is refused at once', async () => {
    await expect(run([], { embed: hashedNgrams({ dimensions: 64 }) })).rejects.toThrow(/embed\.dimensions/)
    await expect(run([], { embed: { ...plain, name: 'other' } })).rejects.toThrow(/embed\.name/)
  })
}

describe('into memory', () => {
  const index = memoryIndex({ model: plain.name, dimensions: 32 })
  suite(() => index)
})

describe('into PGlite', () => {
  let database: PGlite | undefined
  let index: SearchIndex | undefined
  beforeAll(async () => {
    database = await PGlite.create({ extensions: { vector } })
    index = await pgliteIndex({ database, model: plain.name, dimensions: 32 })
  })
  afterAll(async () => {
    await index?.[Symbol.asyncDispose]()
    await database?.close()
  })
  suite(() => index as SearchIndex)
})
