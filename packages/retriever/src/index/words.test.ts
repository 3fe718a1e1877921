import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tsqueryOf, tsvectorOf, wordsOf } from './words.ts'

test('words are found whatever their case, form and script', () => {
  expect(wordsOf('The ＱＵＩＣＫ fox’s 2nd report.')).toEqual(['the', 'quick', 'fox', 's', '2nd', 'report'])
  expect(wordsOf('契約書を確認する')).toContain('契約')
  expect(wordsOf('e\u0301te\u0301')).toEqual(wordsOf('été'))
  expect(wordsOf('…')).toEqual([])
})

const texts = fc
  .array(fc.oneof(fc.nat(0x10_ffff), fc.nat(127)), { maxLength: 40 })
  .map((points) => String.fromCodePoint(...points))

test('nothing in a text can end a word of a tsvector or a tsquery', () => {
  fc.assert(
    fc.property(texts, (text) => {
      expect(tsvectorOf(text)).toMatch(/^(?:'[^'\\\0]+':[\d,]+(?: |$))*$/u)
      expect(tsqueryOf(text) ?? '').toMatch(/^(?:'[^'\\\0]+'(?: \| |$))*$/u)
      expect(tsvectorOf(text).isWellFormed()).toBe(true)
    }),
    { numRuns: 200 },
  )
})
