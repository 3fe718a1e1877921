import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryIndex } from './index/memory.ts'
import { pgliteIndex } from './index/pglite.ts'
import type { Plan } from './permissions.ts'
import type { SearchIndex } from './search-index.ts'
import { alice, embed, world } from './testing/small-retriever.ts'

const OF = { model: embed.name, dimensions: embed.dimensions }
let database: PGlite
let schemas = 0

beforeAll(async () => {
  database = await PGlite.create({ extensions: { vector } })
})
afterAll(() => database.close())

describe('no forbidden passage is handed over, whatever changes while it is looked for', () => {
  test('in memory', async () => {
    expect(await tryAll(async () => memoryIndex(OF), 600)).toBeGreaterThan(100)
  })
  test('in PGlite, with row-level security', async () => {
    const schema = `p${(schemas += 1)}`
    const open = async (): Promise<SearchIndex> => {
      await database.exec(`drop schema if exists ${schema} cascade`)
      return pgliteIndex({ database, schema, ...OF })
    }
    expect(await tryAll(open, 8)).toBeGreaterThan(0)
  })
})

test('what the recheck drops leaves no trace in the passages, their order or their scores', async () => {
  const words = fc.array(fc.constantFrom('the', 'plan', 'for', 'spring', 'budget', 'travel', 'new'), {
    minLength: 1,
    maxLength: 12,
  })
  const property = fc.asyncProperty(
    fc.array(words, { minLength: 2, maxLength: 6 }),
    fc.array(words, { minLength: 1, maxLength: 6 }),
    async (shown, hidden) => {
      const answers = [hidden, []].map(async (more) => {
        const { put, ask, permissions } = await world()
        // A plan that is wrong: the recheck drops them.
        permissions.planOf = () => ({ kind: 'all' })
        for (const [at, of] of shown.entries()) await put(`d${at}`, ['user:alice'], of.join(' '))
        for (const [at, of] of more.entries()) await put(`c${at}`, ['user:bob'], of.join(' '))
        return (await ask()).passages.map(({ document, score }) => ({ document, score }))
      })
      const [beside, alone] = await Promise.all(answers)
      expect(beside).toEqual(alone)
    },
  )
  await fc.assert(property, { numRuns: 300 })
})

/** How many passages were handed over, of which none was forbidden. */
async function tryAll(open: () => Promise<SearchIndex>, numRuns: number): Promise<number> {
  let handedOver = 0
  const users = ['user:a', 'user:b', 'user:c']
  const groups = ['group:x', 'group:y']
  const names = fc.subarray([...users, ...groups])
  const change = fc.record({
    document: fc.nat(5),
    readers: names,
    denied: names,
    at: fc.constantFrom('plan', 'search', 'fetch', 'check'),
  })
  const property = fc.asyncProperty(
    fc.array(fc.record({ readers: names, denied: names }), { minLength: 6, maxLength: 6 }),
    fc.dictionary(fc.constantFrom(...users), fc.subarray(groups)),
    fc.constantFrom<Plan['kind']>('filter', 'ids', 'all'),
    fc.array(change, { maxLength: 6 }),
    async (documents, member, planKind, changes) => {
      const { put, ask, permissions, index, pass } = await world({ index: await open() })
      permissions.unrestricted.clear()
      permissions.groups.set('agent:a@1', groups)
      for (const [user, of] of Object.entries(member)) permissions.groups.set(user, of)
      for (const [at, { readers, denied }] of documents.entries())
        await put(`d${at}`, [...readers], 'the plan', { denied: [...denied] })
      if (planKind === 'ids')
        permissions.planOf = ({ subject }) => ({
          kind: 'ids',
          ids: [...permissions.documents.keys()].filter((id) => permissions.may(subject, id)),
          complete: true,
        })
      // A plan that is wrong: the recheck stands alone.
      if (planKind === 'all') permissions.planOf = () => ({ kind: 'all' })
      // Readable at some instant between recheck and hand-over: what the last check of it saw.
      const readable = new Map<string, Set<string>>()
      const left = [...changes]
      const strike = (at: string): void => {
        const next = left[0]
        if (next?.at !== at) return
        left.shift()
        const of = permissions.documents.get(`d${next.document}`)
        if (of === undefined) return
        of.readers = [...next.readers]
        of.denied = [...next.denied]
        of.aclVersion = `${of.aclVersion}+`
      }
      const { answer } = permissions
      permissions.before = strike
      permissions.answer = (access, item) => {
        const seen = readable.get(access.subject) ?? new Set()
        readable.set(access.subject, seen)
        seen.delete(item.document)
        if (permissions.may(access.subject, item.document)) seen.add(item.document)
        return answer(access, item)
      }
      const { search, fetch } = index
      index.search = (...args) => {
        strike('search')
        return search(...args)
      }
      index.fetch = (...args) => {
        strike('fetch')
        return fetch(...args)
      }
      for (const subject of ['user:a', 'user:b', 'user:c'] as const) {
        readable.clear()
        const { ids } = await ask({ ...alice, subject }, 3)
        handedOver += ids.length
        for (const id of ids)
          for (const party of [subject, 'agent:a@1']) expect(readable.get(party)).toContain(id)
        pass(3000)
      }
    },
  )
  await fc.assert(property, { numRuns })
  return handedOver
}
