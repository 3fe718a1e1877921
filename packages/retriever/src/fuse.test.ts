import { expect, test } from 'vitest'
import { fuse, fuseAnew } from './fuse.ts'
import type { Hit } from './search-index.ts'

const hit = (document: string): Hit => ({
  document,
  position: 0,
  score: 9,
  version: '1',
  aclVersion: undefined,
})

test('what stands in both lists comes before what stands first in one', () => {
  const fused = fuse([
    [hit('a'), hit('b'), hit('c')],
    [hit('d'), hit('b')],
  ])
  expect(fused.map(({ document }) => document)).toEqual(['b', 'a', 'd', 'c'])
  expect(fused[0]?.score).toBeCloseTo(1 / 62 + 1 / 62)
  expect(fused[1]?.score).toBeCloseTo(1 / 61)
})

test('passages of one document are apart', () => {
  expect(fuse([[hit('a'), { ...hit('a'), position: 1 }]])).toHaveLength(2)
})

test('what is left of a ranking is ranked as if the rest had never been there', () => {
  const lists = [
    [hit('a'), hit('b'), hit('c'), hit('d')],
    [hit('d'), hit('c'), hit('a')],
  ]
  const left = new Set(['a', 'c'])
  const alone = fuse(lists.map((list) => list.filter(({ document }) => left.has(document))))
  expect(fuseAnew(fuse(lists).filter(({ document }) => left.has(document)))).toEqual(alone)
  expect(fuseAnew([])).toEqual([])
})
