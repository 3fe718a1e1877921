import fc from 'fast-check'
import { expect, test } from 'vitest'
import { documentOf, randomFilter, randomFrom, randomPrincipals } from '../testing/index-world.ts'
import { accessPart, wallOf } from './access-part.ts'
import { evaluateFilter } from './evaluate-filter.ts'

test('a filter taken apart says of every document what the whole one says', () => {
  let ofAccess = 0
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = randomFrom(seed)
      const filter = { op: 'and', filters: [randomFilter(random), randomFilter(random)] } as const
      const { access, rest } = accessPart(filter)
      ofAccess += access.length
      for (let at = 0; at < 5; at += 1) {
        const document = documentOf(`d${at}`, {
          readers: randomPrincipals(random),
          denied: randomPrincipals(random),
        })
        const all = [...access, ...rest].every((one) => evaluateFilter(one, document))
        expect(all).toBe(evaluateFilter(filter, document))
      }
    }),
    { numRuns: 300 },
  )
  expect(ofAccess).toBeGreaterThan(0)
})

test('what is said of access lists is so whatever else a document is', () => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const random = randomFrom(seed)
      const { access } = accessPart({ op: 'and', filters: [randomFilter(random), randomFilter(random)] })
      const lists = { readers: randomPrincipals(random), denied: randomPrincipals(random) }
      const one = documentOf('one', lists)
      const other = documentOf('other', {
        ...lists,
        version: 'v9',
        source: 's',
        title: 't',
        authors: ['user:x'],
        attributes: { a: 1, b: 'x', list: ['x'] },
      })
      for (const condition of access)
        expect(evaluateFilter(condition, one)).toBe(evaluateFilter(condition, other))
    }),
    { numRuns: 300 },
  )
})

test('the wall is of each in whose name is read, and there is none where nobody goes by access lists', () => {
  const scope = { tenant: 'acme', type: 'page' }
  expect(wallOf({ ...scope, principals: undefined })).toEqual([])
  expect(wallOf({ ...scope, principals: {} })).toEqual([])
  const wall = wallOf({ ...scope, principals: { subject: ['user:alice', 'x\0'], actor: [] } })
  const may = (readers: string[], denied: string[] = []): boolean[] =>
    wall.map((one) => evaluateFilter(one, documentOf('d', { readers, denied })))
  expect(may(['user:alice'])).toEqual([true, true, false, true])
  expect(may(['user:bob'], ['user:alice'])).toEqual([false, false, false, true])
})
