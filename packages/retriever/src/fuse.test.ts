import { expect, test } from 'vitest'
import { fuse } from './fuse.ts'
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
