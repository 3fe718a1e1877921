import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { linksIn, structure } from './links.ts'

const hrefs = (text: string): string[] => linksIn(text).map(({ href }) => href)

describe('every way to write a link is found', () => {
  test.for<[string, string]>([
    ['[t](https://evil.example/p "x")', 'https://evil.example/p'],
    ['[t](\n  <https://evil.example/a b>)', 'https://evil.example/a b'],
    ['[a\nb](/relative)', '/relative'],
    ['[t](/never-closed', '/never-closed'],
    ['![alt](/pixel.png?d=1)', '/pixel.png?d=1'],
    ['[x]: /target', '/target'],
    ['> [x]:\n> <https://evil.example>', 'https://evil.example'],
    ['<https://evil.example/p>', 'https://evil.example/p'],
    ['<vscode:extension/evil>', 'vscode:extension/evil'],
    ['<a href="/p">t</a>', '/p'],
    ["<A\n HREF='/p'>", '/p'],
    ['<a href=/p>', '/p'],
    ['<a href="&#104;ttps://evil.example/?a=1&amp;b=2">', 'https://evil.example/?a=1&b=2'],
    ['<img src=/p', '/p'],
    ['<img alt="<" src=/p>', '/p'],
    ['<!-- <img src=/p> -->', '/p'],
    ['<title><img src=/p></title>', '/p'],
    ['<img srcset="/a 1x, //evil.example/b 2x">', '//evil.example/b'],
    ['<iframe src="/frame"></iframe>', '/frame'],
    ['<iframe srcdoc="x">', 'javascript:'],
    ['<link rel=stylesheet href=/s.css>', '/s.css'],
    ['<meta http-equiv="refresh" content="0; url=/next">', '/next'],
    ['<form action="/steal">', '/steal'],
    ['<button formaction="/steal">', '/steal'],
    ['<svg><image xlink:href="/p"/></svg>', '/p'],
    ['<p onclick="go()">', 'javascript:'],
    ['<script>', 'javascript:'],
    ['<style>', 'data:text/css'],
    ['<p style="background:url(/p)">', '/p'],
    ['<p style="background:u\\72l(/p)">', 'data:text/css'],
    ['background: url( "/p" )', '/p'],
    ['[t](javascript:alert(1))', 'javascript:alert(1)'],
    ['[t](&#x6a;avascript:alert(1))', 'javascript:alert(1)'],
    ['<img src="data:image/svg+xml,x">', 'data:image/svg+xml,x'],
    ['go to https://evil.example/p.', 'https://evil.example/p'],
    ['slack://open?x=1', 'slack://open?x=1'],
    ['www.evil.example', 'http://www.evil.example'],
    ['see //evil.example/p', '//evil.example/p'],
    ['evil.example/path', 'http://evil.example/path'],
    ['evil.unheardof/path', 'http://evil.unheardof/path'],
    ['data.evil.com', 'http://data.evil.com'],
    ['\\\\evil.example\\share', 'file://evil.example/share'],
    ['https&colon;&sol;&sol;evil.example', 'https://evil.example'],
    ['https%3A%2F%2Fevil.example%2Fp', 'https://evil.example/p'],
    ['https\\://evil.example', 'https://evil.example'],
    ['ht\u200Btps://evil.example/p', 'https://evil.example/p'],
    ['https://ev\u202Eil.example/p', 'https://evil.example/p'],
    ['[t]\u200B(/p)', '/p'],
    ['<\u2060img src=/p>', '/p'],
    ['ｈｔｔｐｓ：／／evil.example', 'https://evil.example'],
    ['mailto:a@b.example?body=secret', 'mailto:a@b.example?body=secret'],
    ['[t](mailto:a@b.example?subject=x)', 'mailto:a@b.example?subject=x'],
  ])('%s', ([text, href]) => {
    expect(hrefs(text)).toContain(href)
  })
})

test.for([
  'Write to alice@shop.example or <alice@shop.example>, or [mail](mailto:alice@shop.example).',
  'If a < b and c > d, then a[i] = b[j] // done',
  'Map<string, List<number>> in index.ts and package.json:12',
  'JavaScript: the good parts. Data: none. e.g. 3.14, v1.2.3, 10.0.0.1',
  'She said [sic] (twice) and [1]: see the manual.',
  '**bold**, `code`, a list:\n- [ ] one\n- [x] two\n\n| a | b |',
])('ordinary text has no links: %s', (text) => {
  expect(hrefs(text)).toEqual([])
})

test('a link is told by where it stands, and whether it loads without a click', () => {
  expect(linksIn('see ![a](https://evil.example) here')).toEqual([
    { href: 'https://evil.example', start: 4, end: 30, image: true, form: 'markdown' },
  ])
  expect(linksIn('<a href="https://evil.example">x</a>')).toEqual([
    { href: 'https://evil.example', start: 0, end: 31, image: false, form: 'html' },
  ])
})

test('a destination that renderers read as two places is reported as both', () => {
  expect(hrefs('[t](https://ok.example&period;evil.example/)')).toEqual(
    expect.arrayContaining(['https://ok.example.evil.example/', 'https://ok.example&period;evil.example/']),
  )
})

test('a second URL glued to the first is a link of its own', () => {
  expect(hrefs('https://ok.example/a,https://evil.example/b')).toEqual([
    'https://ok.example/a',
    'https://evil.example/b',
  ])
})

// A quadratic scan of one of these takes longer than the limit.
test.each([
  '[',
  '](',
  '![](',
  '\n[a]:',
  '<a b="',
  '//a.com/',
  'mailto:',
  '&#1',
  '[a](b (',
  'url(',
  'http://a,',
  'a.',
  '<',
  'ｈ',
])('hostile text takes time in proportion to its length: %j many times over', { timeout: 10_000 }, (unit) => {
  expect(() => linksIn(unit.repeat(200_000 / unit.length))).not.toThrow()
})

test('plain words hold no link, whether or not they are searched for one', () => {
  const piece = fc.oneof(
    fc.stringMatching(/^[\w \t\n,;!?'"*+$-]{1,8}$/),
    fc.stringMatching(/^ \w{0,3}\d\.\d{1,3}\.?[ \t\n]$/),
    fc.stringMatching(/^\.{0,3}[.:][ \t\n]$/).filter((end) => !end.includes('.:')),
    fc.constantFrom(
      'http',
      'https',
      'www',
      'www. ',
      'javascript: ',
      'data: ',
      'evil',
      '.\n',
      'com',
      'mailto: ',
    ),
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const text = pieces.join('')
      expect(linksIn(text)).toEqual([])
      expect(structure(text)).toEqual({ constructs: [], regions: [] })
      expect(structure(`${text} %`)).toEqual({ constructs: [], regions: [] })
      // The sign is plain too, yet no plain word: with it the whole search is made.
      expect(linksIn(`${text} %`)).toEqual([])
    }),
    { numRuns: 2000 },
  )
})

test('without a sign of markup no text has any, whether or not it is searched for', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[\w \t\n,;'".:/-]{0,30}$/), (text) => {
      expect(structure(`${text} %`)).toEqual({ constructs: [], regions: [] })
      expect(structure(`${text} %`, { midLine: true })).toEqual({ constructs: [], regions: [] })
    }),
    { numRuns: 2000 },
  )
})
