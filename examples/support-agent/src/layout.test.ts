import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hang, WIDTH } from './layout.ts'

test('no text makes a line wider than the screen, or reaches the terminal as a command', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400, unit: 'binary' }), (text) => {
      for (const line of hang('head  ', text)) {
        expect(line.length).toBeLessThanOrEqual(WIDTH)
        expect(line).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }
    }),
  )
  expect(hang('', 'a \u001B[31mred\u202E word').join('')).toBe('a \uFFFD[31mred\uFFFD word')
})

test('words stay whole where they fit, and none is lost', () => {
  const words = Array.from({ length: 80 }, (_, index) => `word${index}`)
  const lines = hang('head  ', words.join(' '))
  expect(lines.length).toBeGreaterThan(1)
  expect(lines.map((line) => line.slice(6)).join(' ')).toBe(words.join(' '))
})
