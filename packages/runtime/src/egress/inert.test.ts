import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerFilter } from './answer-filter.ts'
import { inert, stripLinks } from './inert.ts'
import { linksIn } from './links.ts'

const allowed = (href: string): boolean => /^https:\/\/ok\.example(?:\/|$)/.test(href)
const bad = (text: string): unknown[] => linksIn(text).filter(({ href }) => !allowed(href))

// What markup is made of, so that random joins give every half-open state.
const ATOMS =
  '[ ] ( ) < > ! ]( ]: ](< ␣ ⏎ ⏎⏎ ⇥ " \' = a img - src= ␣src=/x href=" style=" / // : . @ # ?q /p | ` \\ >⏎ [a]:␣ url( <!-- --> ' +
  '&lt; &#x6a; &colon; %2F ∅ é 。 www. http: javascript: https://evil.example/d https://ok.example/a evil.com ' +
  'mailto:a@b.co?x data:text/html, /rel'
const SPELT: Record<string, string> = { '␣': ' ', '⏎': '\n', '⇥': '\t', '∅': '\u200B' }
const atoms = ATOMS.split(' ').map((atom) => atom.replaceAll(/[␣⏎⇥∅]/g, (mark) => SPELT[mark] as string))
const texts = fc.array(fc.constantFrom(...atoms), { maxLength: 24 }).map((parts) => parts.join(''))

describe('what the reader sees in place of a link', () => {
  test.for<[string, string]>([
    ['[here](https://evil.example/p?d=secret "t")', 'here [link removed: evil[.]example]'],
    ['![alt](https://evil.example/p?d=secret)', 'alt [image removed: evil[.]example]'],
    ['(see https://evil.example/p?d=secret).', '(see [link removed: evil[.]example]).'],
    ['<https://evil.example/secret>', '[link removed: evil[.]example]'],
    ['<img src="//evil.example/secret">', '[image removed: evil[.]example]'],
    ['[t](javascript:alert(1))', 't [link removed: javascript]'],
    ['Read README.md first', 'Read README[.]md first'],
    ['calls[0](argument)', 'calls[0] (argument)'],
    ['<img src=/x>', '‹img src=/x>'],
    ['[x]: https://evil.example/secret', '[link removed: evil[.]example]'],
  ])('%s', ([text, shown]) => {
    expect(inert(text, allowed).text).toBe(shown)
  })
})

test('allowed links and images are left as they are', () => {
  const text =
    'a [b](https://ok.example/c_(d) "e") ![f](https://ok.example/g) <a href="https://ok.example/?h=1&amp;i=2">j</a> https://ok.example/k.'
  expect(inert(text, allowed)).toEqual({ text, removed: [] })
})

test('what was removed is told, with its whole address', () => {
  expect(inert('x https://evil.example/p?d=1', allowed).removed).toEqual([
    { href: 'https://evil.example/p?d=1', start: 2, end: 28, image: false, form: 'bare' },
  ])
})

test('stripping takes out the link and keeps its words', () => {
  expect(
    stripLinks('Pay [here](https://evil.example/p) now ![x](https://evil.example/i)', allowed).text,
  ).toBe('Pay here now x')
})

test('no disallowed link is left, whatever the text', () => {
  for (const filter of [inert, stripLinks])
    fc.assert(
      fc.property(texts, (text) => {
        expect(bad(filter(text, allowed).text)).toEqual([])
      }),
      { numRuns: 4000 },
    )
})

test('making inert twice changes nothing more', () => {
  fc.assert(
    fc.property(texts, (text) => {
      const once = inert(text, allowed).text
      expect(inert(once, allowed)).toEqual({ text: once, removed: [] })
    }),
    { numRuns: 4000 },
  )
})

const streamed = (text: string, cuts: readonly number[]): string => {
  const stream = answerFilter({ allowed })
  let out = ''
  let at = 0
  for (const cut of cuts) {
    out += stream.push(text.slice(at, at + cut))
    at += cut
  }
  return out + stream.push(text.slice(at)) + stream.end()
}

describe('streamed', () => {
  const cuts = fc.array(fc.nat(9), { maxLength: 60 })

  test('no disallowed link is left, however the text is split', () => {
    fc.assert(
      fc.property(texts, cuts, (text, at) => {
        expect(bad(streamed(text, at))).toEqual([])
      }),
      { numRuns: 6000 },
    )
  })

  test('ordinary answers read the same as unstreamed', () => {
    const text =
      'Dear Ann,\n\nsee [the *good* page](https://evil.example/p "x") and https://ok.example/a (if a < b > c).\n\n' +
      '[x]: /u\n![i](https://evil.example/i)\n'
    fc.assert(
      fc.property(cuts, (at) => {
        expect(streamed(text, at)).toBe(inert(text, allowed).text)
      }),
    )
  })

  test('prose is shown word by word', () => {
    const stream = answerFilter({ allowed })
    expect(stream.push('Your order is on ')).toBe('Your order is on ')
    expect(stream.push('its way to [')).toBe('its way to ')
    expect(stream.push('sic] Berlin now')).toBe('[sic] Berlin ')
    expect(stream.end()).toBe('now')
  })

  test.for(['<img alt=', '[a](', '![', 'https://evil.example/', '[a]: ', 'url('])(
    'what follows %s is held back for 8 kB and let go broken',
    (opening) => {
      const stream = answerFilter({ allowed })
      let out = stream.push(opening)
      let silent = 0
      for (let i = 0; i < 300; i += 1) {
        const more = stream.push('x'.repeat(64))
        silent = more === '' ? silent + 64 : 0
        expect(silent).toBeLessThan(8400)
        out += more
      }
      out += stream.push(' src=/x>) [y](/z)\n') + stream.end()
      expect(bad(out)).toEqual([])
    },
  )

  test('a stream that has ended takes no more', () => {
    const stream = answerFilter({ allowed })
    stream.end()
    expect(() => stream.push('x')).toThrow('ended')
  })
})
