import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cleanText } from './clean-text.ts'

const asTags = (text: string): string =>
  String.fromCodePoint(...[...text].map((one) => 0xe0000 + (one.codePointAt(0) ?? 0)))

test.for<[string, string, string, number]>([
  ['NUL', 'a\0b', 'a\uFFFDb', 1],
  ['control characters', 'a\u0007\u001Bb\u009F', 'a\uFFFD\uFFFDb\uFFFD', 3],
  ['half of a surrogate pair', 'a\uD83Db\uDE00', 'a\uFFFDb\uFFFD', 2],
  ['ASCII hidden in tags', `a${asTags('rm')}b`, 'a\uFFFD\uFFFDb', 2],
  ['bytes hidden in variation selectors', 'a\uFE0F\u{E0101}\u{E0102}b', 'a\uFE0F\uFFFD\uFFFDb', 2],
  ['bits hidden in zero widths', 'a\u200B\u200C\u200B\u200Cb', 'a\uFFFD\uFFFD\uFFFD\uFFFDb', 4],
  ['line ends of every kind', 'a\r\nb\rc\u2028d\u0085e\ff', 'a\nb\nc\nd\ne\nf', 0],
  ['a byte order mark', '\uFEFFa', 'a', 0],
])('%s', ([, given, text, replaced]) => {
  expect(cleanText(given)).toEqual({ text, replaced })
})

test.for(['🏴󠁧󠁢󠁥󠁮󠁧󠁿 flags', '👩‍👩‍👧 families', 'می‌خواهم', '葛󠄀城', '❤️', 'ü\u0308\tx', '\u202Bעברית\u202C'])(
  'what writing needs is left alone: %s',
  (given) => {
    expect(cleanText(given)).toEqual({ text: given, replaced: 0 })
  },
)

test('any text becomes one that can be kept, and clean text stays as it is', () => {
  fc.assert(
    fc.property(
      // Any code point; `unit: 'binary'` takes seconds to be made ready.
      fc.array(fc.nat(0x10_ffff), { maxLength: 10 }).map((points) => String.fromCodePoint(...points)),
      fc.string({ unit: fc.nat(0xffff).map((c) => String.fromCharCode(c)) }),
      (a, b) => {
        const { text } = cleanText(a + b)
        expect(text.isWellFormed()).toBe(true)
        expect(text).not.toMatch(/[^\P{Cc}\t\n]/u)
        expect(cleanText(text)).toEqual({ text, replaced: 0 })
      },
    ),
  )
})
