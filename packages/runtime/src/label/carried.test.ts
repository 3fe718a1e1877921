import { expect, test } from 'vitest'
import { carriedLabel } from './carried.ts'
import { label, readableBy } from './label.ts'

const own = readableBy(['user:alice'], false)
const authors = ['operator:shop'] as const

test('readers that are not named are the user and the agent', () => {
  expect(carriedLabel({ authors }, own)).toBe(label(authors, [own]))
})
test('a list of readers admits any one of them, and an empty list nobody', () => {
  expect(carriedLabel({ authors, readers: ['org:a', 'org:b'] }, own)).toBe(
    label(authors, [readableBy(['org:a', 'org:b'])]),
  )
  expect(carriedLabel({ authors, readers: [] }, own)).toBe(label(authors, [readableBy([])]))
})
test('a label carried whole keeps every clause, and whether it was assigned', () => {
  const of = label(authors, [own, readableBy(['org:a'])])
  expect(carriedLabel({ authors, readers: of.readers }, own)).toBe(of)
  expect(carriedLabel({ authors, readers: 'everyone' }, own)).toBe(label(authors))
})
