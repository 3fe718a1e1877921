import assert from 'node:assert/strict'
import { type Filter, readableByAny } from '../filter.ts'
import { evaluateFilter } from '../index/evaluate-filter.ts'
import type {
  IndexedDocument,
  IndexPlan,
  IndexScope,
  Query,
  SearchHow,
  SearchIndex,
} from '../search-index.ts'
import {
  DIMENSIONS,
  documentOf,
  pick,
  randomAttributes,
  randomFilter,
  randomFrom,
  randomPrincipals,
  SCOPE,
  STRANGE,
  vectorOf,
} from './index-world.ts'

/** An index, as far as the suite drives it. */
export interface IndexUnderTest {
  /** An index with nothing in it, for vectors of this many dimensions by this embedder. */
  readonly open: (of: {
    readonly model: string
    readonly dimensions: number
  }) => SearchIndex | Promise<SearchIndex>
  /** How many documents, and filters over them, are tried at random. Default 60. */
  readonly trials?: number
}

/** What the suite needs of a test runner: vitest's `{ describe, test }`, or those of another. */
export interface IndexTestApi {
  readonly describe: (name: string, define: () => void) => unknown
  readonly test: (name: string, run: () => Promise<void>) => unknown
}

const options = { signal: new AbortController().signal }
const ALL: IndexPlan = { kind: 'all' }
const VECTOR: SearchHow = { kind: 'vector', limit: 1000, offset: 0, exact: true }
const WAYS: readonly SearchHow['exact'][] = [true, false, { upTo: 0 }, { upTo: 2 }, { upTo: 1000 }]
const REFUSED = /expected/

const asking = (text: string): Query => ({ text, embedding: vectorOf(text) })

/** What every index has to keep: the promises of the port, one test each. */
export function describeIndex(name: string, under: IndexUnderTest, api: IndexTestApi): void {
  const { trials = 60 } = under

  const trial = (promise: string, run: (index: SearchIndex) => Promise<void>): void => {
    api.test(promise, async () => {
      await using index = await under.open({ model: 'test', dimensions: DIMENSIONS })
      await run(index)
    })
  }

  api.describe(name, () => {
    trial('what was put in is found and handed over as it was', async (index) => {
      const put = documentOf(
        'a',
        { title: 'Title', aclVersion: '7', denied: ['user:eve'], readers: ['user:alice', 'group:eng'] },
        'apples grow on trees',
        'pears do too',
      )
      await index.upsert(put, options)
      await index.upsert(documentOf('b', {}, 'rain falls'), options)
      for (const kind of index.capabilities.kinds) {
        const [hit] = await index.search(
          ALL,
          SCOPE,
          asking('apples grow on trees'),
          { ...VECTOR, kind },
          options,
        )
        assert.deepEqual(
          {
            document: hit?.document,
            position: hit?.position,
            version: hit?.version,
            aclVersion: hit?.aclVersion,
          },
          { document: 'a', position: 0, version: 'v1', aclVersion: '7' },
          kind,
        )
        assert.equal(hit?.ranks?.includes(0), kind === 'fused' ? true : undefined, kind)
      }
      const [passage] = await index.fetch(ALL, SCOPE, [{ document: 'a', position: 1 }], options)
      const { score: _, ...rest } = passage as typeof passage & {}
      const { id, tenant: __, digest: ___, attributes: ____, chunks, ...metadata } = put
      assert.deepEqual(rest, { ...metadata, document: id, position: 1, text: chunks[1]?.text })
    })

    trial('any plan finds what it permits, and nothing else', async (index) => {
      for (const id of ['a', 'b', 'c'])
        await index.upsert(documentOf(id, { attributes: { rank: id } }, `text of ${id}`), options)
      const filter: Filter = { op: 'gt', field: 'rank', value: 'a' }
      const plans: [IndexPlan, string[]][] = [
        [{ kind: 'none' }, []],
        [ALL, ['a', 'b', 'c']],
        [{ kind: 'ids', ids: ['a', 'c', 'elsewhere'], complete: true }, ['a', 'c']],
        [{ kind: 'ids', ids: [], complete: true }, []],
        [{ kind: 'ids', ids: ['a\0', '\0a', 'a\uD800'], complete: true }, []],
        [{ kind: 'filter', filter }, ['b', 'c']],
        [{ kind: 'filter', filter: { op: 'and', filters: [] } }, ['a', 'b', 'c']],
        [{ kind: 'filter', filter: { op: 'or', filters: [] } }, []],
      ]
      for (const [plan, expected] of plans) {
        assert.deepEqual(await idsIn(index, plan), expected)
        for (const kind of index.capabilities.kinds)
          for (const exact of WAYS)
            assert.deepEqual(
              await idsIn(index, plan, SCOPE, { ...VECTOR, kind, exact }, 'text of a'),
              expected,
              kind,
            )
        assert.equal(await index.count(plan, SCOPE, 100, options), expected.length)
        const all = ['a', 'b', 'c'].map((document) => ({ document, position: 0 }))
        const handed = await index.fetch(plan, SCOPE, all, options)
        assert.deepEqual(handed.map(({ document }) => document).toSorted(), expected)
      }
      assert.equal(await index.count(ALL, SCOPE, 2, options), 2)
    })

    trial('a filter means the same as evaluateFilter says, whatever stands in it', async (index) => {
      const random = randomFrom(1)
      const documents: IndexedDocument[] = []
      for (let at = 0; at < 40; at += 1) {
        const one = documentOf(
          at < STRANGE.length ? (STRANGE[at] as string) : `d${at}`,
          {
            attributes: randomAttributes(random),
            readers: randomPrincipals(random),
            denied: randomPrincipals(random),
            authors: ['user:carol', ...randomPrincipals(random)] as IndexedDocument['authors'],
            version: pick(random, ['x', 'y', 'xy']),
            source: pick(random, STRANGE),
            title: pick(random, [undefined, 'x', 'Ｘ']),
          },
          `text ${at}`,
        )
        documents.push(one)
        await index.upsert(one, options)
      }
      for (let at = 0; at < trials; at += 1) {
        const filter = randomFilter(random)
        const expected = documents.filter((one) => evaluateFilter(filter, one)).map(({ id }) => id)
        assert.deepEqual(
          await idsIn(index, { kind: 'filter', filter }),
          expected.toSorted(),
          JSON.stringify(filter),
        )
      }
    })

    trial('a filter that is not one throws, and is not dropped', async (index) => {
      await index.upsert(documentOf('a', {}, 'text'), options)
      const malformed = [
        { op: 'like', field: 'a', value: '%' },
        { op: 'and', filters: [{ op: 'true' }] },
        { op: 'not', filter: { op: 'exists', field: '$nothing', exists: true } },
        { op: 'eq', field: 'a', value: null },
        { op: 'eq', field: '$readers', value: 'user:alice' },
        { op: 'overlaps', field: '$readers', values: 'user:alice' },
        { op: 'in', field: 'a', values: [{}] },
        { op: 'and' },
        {},
        null,
      ] as unknown as Filter[]
      for (const filter of malformed) {
        const plan: IndexPlan = { kind: 'filter', filter }
        await assert.rejects(idsIn(index, plan), JSON.stringify(filter))
        await assert.rejects(index.count(plan, SCOPE, 10, options), JSON.stringify(filter))
        await assert.rejects(index.fetch(plan, SCOPE, [{ document: 'a', position: 0 }], options))
      }
      await assert.rejects(idsIn(index, { kind: 'postcheck' } as unknown as IndexPlan))
    })

    trial('tenants and types are apart, with the same ids', async (index) => {
      for (const tenant of ['acme', 'umbrella', undefined])
        await index.upsert(documentOf('a', { tenant }, `text of ${tenant}`), options)
      await index.upsert(documentOf('b', { type: 'mail' }, 'text of mail'), options)
      for (const tenant of ['acme', 'umbrella', undefined]) {
        const scope = { ...SCOPE, tenant }
        const plans: IndexPlan[] = [ALL, { kind: 'ids', ids: ['a', 'b'], complete: true }]
        for (const plan of plans) {
          assert.deepEqual(await idsIn(index, plan, scope), ['a'])
          // Acme has a mail besides, and the others have a page each.
          assert.equal(await index.count(plan, scope, 10, options), 1)
          const [own] = await index.fetch(plan, scope, [{ document: 'a', position: 0 }], options)
          assert.equal(own?.text, `text of ${tenant}`)
        }
      }
      assert.deepEqual(await idsIn(index, ALL, { ...SCOPE, tenant: 'nobody' }), [])
      assert.deepEqual(await idsIn(index, ALL, { ...SCOPE, type: 'mail' }), ['b'])
      assert.equal(await index.remove({ id: 'a', tenant: 'acme' }, options), true)
      assert.deepEqual(await idsIn(index, ALL, { ...SCOPE, tenant: 'umbrella' }), ['a'])
    })

    trial('SQL and Unicode in ids, names and queries are only texts', async (index) => {
      for (const one of STRANGE)
        await index.upsert(
          documentOf(one, { tenant: `t${one}`, type: one, readers: [one], source: one }, `about ${one}`),
          options,
        )
      for (const one of STRANGE) {
        const scope = { tenant: `t${one}`, type: one, principals: undefined }
        const plan: IndexPlan = { kind: 'filter', filter: readableByAny([one]) }
        for (const kind of index.capabilities.kinds)
          assert.deepEqual(await idsIn(index, plan, scope, { ...VECTOR, kind }, `about ${one}`), [one], kind)
        assert.equal((await index.fetch(plan, scope, [{ document: one, position: 0 }], options)).length, 1)
        assert.equal((await index.describe({ id: one, tenant: `t${one}` }, options))?.source, one)
      }
      for (const text of ['', ' ', '&|!():*', "' | 'x", 'a\0b', '\uD800'])
        for (const kind of index.capabilities.kinds)
          assert.deepEqual(await idsIn(index, { kind: 'none' }, SCOPE, { ...VECTOR, kind }, text), [])
    })

    trial('a document takes the place of what was there under its id', async (index) => {
      await index.upsert(documentOf('a', {}, 'one', 'two', 'three'), options)
      await index.upsert(documentOf('a', { version: 'v2', readers: ['user:bob'] }, 'four'), options)
      const hits = await index.search(ALL, SCOPE, asking('two'), VECTOR, options)
      assert.deepEqual(
        hits.map(({ position, version }) => [position, version]),
        [[0, 'v2']],
      )
      assert.deepEqual(await idsIn(index, { kind: 'filter', filter: readableByAny(['user:alice']) }), [])
      assert.equal(await index.remove({ id: 'a', tenant: 'acme' }, options), true)
      assert.equal(await index.remove({ id: 'a', tenant: 'acme' }, options), false)
      assert.deepEqual(await idsIn(index, ALL), [])
    })

    trial('new metadata is in force at once, and only for the content it is of', async (index) => {
      const { chunks: _, ...metadata } = documentOf('a', {}, 'one')
      await index.upsert(documentOf('a', {}, 'one'), options)
      const moved = {
        ...metadata,
        readers: ['user:bob'],
        denied: ['user:eve'],
        aclVersion: '2',
        attributes: { x: 1 },
      }
      assert.equal(await index.relabel({ ...moved, digest: 'other' }, options), false)
      assert.deepEqual(await idsIn(index, { kind: 'filter', filter: readableByAny(['user:alice']) }), ['a'])
      assert.equal(await index.relabel(moved, options), true)
      assert.deepEqual(await idsIn(index, { kind: 'filter', filter: readableByAny(['user:alice']) }), [])
      assert.deepEqual(await idsIn(index, { kind: 'filter', filter: readableByAny(['user:bob']) }), ['a'])
      assert.deepEqual(
        await idsIn(index, { kind: 'filter', filter: readableByAny(['user:bob', 'user:eve']) }),
        [],
      )
      assert.deepEqual(await index.describe({ id: 'a', tenant: 'acme' }, options), moved)
      assert.equal(await index.describe({ id: 'a', tenant: 'other' }, options), undefined)
    })

    trial('a document with no readers is found by nobody', async (index) => {
      await index.upsert(documentOf('a', { readers: [] }, 'one'), options)
      assert.deepEqual(
        await idsIn(index, { kind: 'filter', filter: readableByAny(['user:alice', 'everyone']) }),
        [],
      )
      assert.deepEqual(await idsIn(index, { kind: 'filter', filter: readableByAny([]) }), [])
    })

    trial('a denial is in force at once for a list of principals that was used before', async (index) => {
      const alice = ['user:alice', 'group:eng', ...Array.from({ length: 200 }, (_, at) => `group:${at}`)]
      const plan: IndexPlan = { kind: 'filter', filter: readableByAny(alice) }
      await index.upsert(documentOf('a', { readers: ['group:eng'] }, 'one'), options)
      await index.upsert(documentOf('b', { readers: ['group:eng'] }, 'two'), options)
      assert.deepEqual(await idsIn(index, plan), ['a', 'b'])
      await index.upsert(documentOf('b', { readers: ['group:eng'], denied: ['user:alice'] }, 'two'), options)
      const many = Array.from({ length: 200 }, (_, at) => `group:${at}`)
      await index.upsert(documentOf('c', { readers: many }, 'three'), options)
      assert.deepEqual(await idsIn(index, plan), ['a', 'c'])
      await index.upsert(documentOf('c', { readers: many, denied: ['group:7'] }, 'three'), options)
      assert.deepEqual(await idsIn(index, plan), ['a'])
    })

    trial('of two ingests at once one is there whole, and a search never sees a part', async (index) => {
      const version = (at: number): IndexedDocument =>
        documentOf('a', { version: `v${at}` }, ...Array.from({ length: 5 }, (_, i) => `${at} ${i}`))
      await index.upsert(version(0), options)
      const ingests = Array.from({ length: 6 }, (_, at) => index.upsert(version(at + 1), options))
      for (let at = 0; at < 6; at += 1) {
        const hits = await index.search(ALL, SCOPE, asking('1 1'), VECTOR, options)
        assert.equal(hits.length, 5)
        assert.equal(new Set(hits.map((hit) => hit.version)).size, 1)
      }
      await Promise.all(ingests)
      assert.equal((await index.search(ALL, SCOPE, asking('1 1'), VECTOR, options)).length, 5)
    })

    trial('what cannot be kept as it is is refused, and nothing of it is there', async (index) => {
      const chunk = { position: 0, text: 'text', embedding: vectorOf('text') }
      const wrong: Partial<IndexedDocument>[] = [
        { chunks: [chunk, { ...chunk, position: 1, embedding: [1, 2, 3] }] },
        { chunks: [chunk, { ...chunk, position: 1, embedding: vectorOf('x').with(0, Number.NaN) }] },
        { chunks: [chunk, { ...chunk, position: 1, text: 'a\0b' }] },
        { chunks: [chunk, chunk] },
        { id: '' },
        { id: 'half \uD83D' },
        { tenant: '' },
        { readers: ['user:\0'] },
        { attributes: { $readers: ['user:mallory'] } },
        { attributes: { a: Number.POSITIVE_INFINITY } },
        { attributes: { a: { b: 'c' } as unknown as string } },
      ]
      for (const one of wrong)
        await assert.rejects(index.upsert(documentOf('a', { chunks: [chunk], ...one }), options), REFUSED)
      assert.deepEqual(await idsIn(index, ALL), [])
      await assert.rejects(
        index.search(ALL, SCOPE, { text: 'x', embedding: [1, 2] }, VECTOR, options),
        /dimensions/,
      )
    })

    trial('each page of an exact search goes on where the one before it ended', async (index) => {
      for (let at = 0; at < 9; at += 1) await index.upsert(documentOf(`d${at}`, {}, `text ${at}`), options)
      const page = (offset: number): Promise<readonly { readonly document: string }[]> =>
        index.search(ALL, SCOPE, asking('text'), { ...VECTOR, limit: 4, offset }, options)
      const pages = [await page(0), await page(4), await page(8)]
      assert.deepEqual(
        pages.map(({ length }) => length),
        [4, 4, 1],
      )
      assert.equal(new Set(pages.flat().map(({ document }) => document)).size, 9)
    })

    trial('a signal that has fired stops everything, and what came before it stands', async (index) => {
      await index.upsert(documentOf('a', {}, 'one'), options)
      const signal = AbortSignal.abort(new Error('stopped'))
      const stopped = { signal }
      await assert.rejects(index.search(ALL, SCOPE, asking('x'), VECTOR, stopped), /stopped/)
      await assert.rejects(index.count(ALL, SCOPE, 1, stopped), /stopped/)
      await assert.rejects(index.fetch(ALL, SCOPE, [{ document: 'a', position: 0 }], stopped), /stopped/)
      await assert.rejects(index.upsert(documentOf('b', {}, 'two'), stopped), /stopped/)
      await assert.rejects(index.remove({ id: 'a', tenant: 'acme' }, stopped), /stopped/)
      assert.deepEqual(await idsIn(index, ALL), ['a'])
    })

    trial('where there is a second wall, it holds alone', async (index) => {
      if (!index.capabilities.rowLevelSecurity) return
      await index.upsert(documentOf('own', { readers: ['user:alice', 'agent:a'] }, 'text'), options)
      await index.upsert(documentOf('team', { readers: ['group:eng', 'agent:a'] }, 'text'), options)
      await index.upsert(documentOf('not the agent', { readers: ['user:alice'] }, 'text'), options)
      await index.upsert(documentOf('of bob', { readers: ['user:bob', 'agent:a'] }, 'text'), options)
      await index.upsert(
        documentOf('denied', { readers: ['group:eng', 'agent:a'], denied: ['user:alice'] }, 'text'),
        options,
      )
      await index.upsert(documentOf('of nobody', { readers: [] }, 'text'), options)
      const ids = ['own', 'team', 'not the agent', 'of bob', 'denied', 'of nobody']
      const seen = async (principals: IndexScope['principals'], tenant = 'acme'): Promise<string[]> => {
        const scope: IndexScope = { ...SCOPE, tenant, principals }
        const found = await idsIn(index, ALL, scope)
        for (const kind of index.capabilities.kinds)
          for (const exact of WAYS)
            // As wide as all, but of the kind whose permitted may be counted apart.
            for (const plan of [ALL, { kind: 'filter', filter: { op: 'and', filters: [] } }] as const)
              assert.deepEqual(await idsIn(index, plan, scope, { ...VECTOR, kind, exact }, 'text'), found)
        const hits = ids.map((document) => ({ document, position: 0 }))
        const handed = await index.fetch(ALL, scope, hits, options)
        assert.deepEqual(handed.map(({ document }) => document).toSorted(), found)
        return found
      }
      const alice = ['user:alice', 'group:eng']
      assert.deepEqual(await seen({ subject: alice, actor: ['agent:a'] }), ['own', 'team'])
      assert.deepEqual(await seen({ subject: alice }), ['not the agent', 'own', 'team'])
      assert.deepEqual(await seen({ subject: ['user:bob'], actor: ['agent:a'] }), ['of bob'])
      assert.deepEqual(await seen({ subject: alice, actor: [] }), [])
      assert.deepEqual(await seen({ subject: [] }), [])
      assert.deepEqual(await seen({ subject: ['user:unknown'] }), [])
      assert.deepEqual(await seen({ subject: ['}', '{1,2,3}', "'"] }), [])
      // Cut short, or with what stands for half a pair, they would be somebody's.
      assert.deepEqual(await seen({ subject: ['user:al\0ice', 'user:alice\0', '\0user:alice'] }), [])
      assert.deepEqual(await seen({ subject: alice }, 'umbrella'), [])
      // Once more after a search with no wall: no statement that was planned for that serves here.
      assert.deepEqual(await idsIn(index, ALL, { ...SCOPE, principals: undefined }), ids.toSorted())
      assert.deepEqual(await seen({ subject: alice, actor: ['agent:a'] }), ['own', 'team'])
    })
  })
}

async function idsIn(
  index: SearchIndex,
  plan: IndexPlan,
  scope: IndexScope = SCOPE,
  how: SearchHow = VECTOR,
  text = 'text',
): Promise<string[]> {
  const hits = await index.search(plan, scope, asking(text), how, options)
  return [...new Set(hits.map(({ document }) => document))].toSorted()
}
