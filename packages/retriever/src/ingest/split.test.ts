import fc from 'fast-check'
import { expect, test } from 'vitest'
import { splitText } from './split.ts'

test('a text that fits is one passage, and none at all is no passage', () => {
  expect(splitText('One. Two.\n\nThree.')).toEqual(['One. Two.\n\nThree.'])
  expect(splitText(' \n\t ')).toEqual([])
})

test('the end of a paragraph is better than that of a sentence, and that than that of a word', () => {
  const of = (text: string): string | undefined => splitText(text, { maxLength: 40, overlap: 0 })[0]
  expect(of('One two three. Four five six.\n\nSeven eight. Nine ten eleven.')).toBe(
    'One two three. Four five six.',
  )
  expect(of('One two three four five. Six seven eight nine ten eleven.')).toBe('One two three four five.')
  expect(of('One two three four five six seven eight nine ten')).toBe(
    'One two three four five six seven eight',
  )
  expect(of('x'.repeat(100))).toBe('x'.repeat(40))
})

test('a passage begins with the end of the one before', () => {
  const [first = '', second = ''] = splitText('word '.repeat(30), { maxLength: 50, overlap: 15 })
  expect(first.length).toBeLessThanOrEqual(50)
  expect(second.startsWith('word')).toBe(true)
  expect(splitText('word '.repeat(30), { maxLength: 50, overlap: 15 }).join('').length).toBeGreaterThan(150)
})

test('for any text, no character is lost, moved or cut in two, and no passage is too long', () => {
  const texts = fc.string({
    unit: fc.constantFrom('a', 'b', ' ', '\n', '.', '。', '😀', 'é', '\n\n'),
    maxLength: 400,
  })
  fc.assert(
    fc.property(
      texts,
      fc.integer({ min: 20, max: 80 }),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      (text, maxLength, part) => {
        const overlap = Math.floor(maxLength * part)
        const passages = splitText(text, { maxLength, overlap })
        let reached = 0
        for (const passage of passages) {
          expect(passage.length).toBeLessThanOrEqual(maxLength)
          expect(passage.isWellFormed()).toBe(true)
          // Somewhere at or before where the last one ended; what lies between is white space.
          const at = text.indexOf(passage, Math.max(0, reached - overlap - maxLength))
          expect(at).toBeGreaterThanOrEqual(0)
          if (at > reached) expect(text.slice(reached, at).trim()).toBe('')
          reached = Math.max(reached, at + passage.length)
        }
        expect(text.slice(reached).trim()).toBe('')
      },
    ),
    { numRuns: 500 },
  )
})

test('a length or an overlap that cannot be is refused by name', () => {
  expect(() => splitText('x', { maxLength: 5 })).toThrow(/split\.maxLength/)
  expect(() => splitText('x', { maxLength: 100, overlap: 51 })).toThrow(/split\.overlap/)
})
