import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../errors.ts'
import { destinations, originAllowed } from './destinations.ts'

const list = [
  'https://docs.example',
  'https://*.shop.example',
  'https://api.example:8443',
  'http://plain.example',
  'https://bücher.example',
]

describe('a listed origin is allowed', () => {
  test.for([
    'https://docs.example',
    'https://docs.example/a?b=c#d',
    'https://DOCS.example:443/',
    'https://eu.shop.example/x',
    'https://a.b.shop.example/x',
    'https://api.example:8443/x',
    'http://plain.example/x',
    'https://bücher.example/x',
    'https://xn--bcher-kva.example/x',
  ])('%s', (href) => {
    expect(originAllowed(href, list)).toBe(true)
  })
})

describe('anything else is refused', () => {
  test.for([
    'https://evil.example/https://docs.example',
    'https://docs.example.evil.example',
    'https://shop.example/',
    'https://evilshop.example/',
    'https://api.example/',
    'http://docs.example/',
    'https://plain.example/',
    'https://user@docs.example/',
    'https://docs.example@evil.example/',
    'https://docs.example./',
    'https://docs%2eexample/',
    'https://docs。example/',
    'https://ｄocs.example/',
    'https://do\u200Bcs.example/',
    'https:\\\\docs.example/',
    'https:/docs.example/',
    'https:docs.example',
    '//docs.example/',
    '/relative',
    ' https://docs.example/',
    'https://docs.exa\nmple/',
    'javascript:alert(1)',
    'data:text/html,x',
    'ftp://docs.example/',
    'blob:https://docs.example/x',
    '',
  ])('%s', (href) => {
    expect(originAllowed(href, list)).toBe(false)
  })
})

test('an address, localhost or an internal name cannot even be listed', () => {
  const hosts = [
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0177.0.0.1',
    '127.1',
    '[::1]',
    '[::ffff:127.0.0.1]',
    '169.254.169.254',
  ]
  const names = [
    'localhost',
    'app.localhost',
    'intranet',
    'db.internal',
    'printer.local',
    'metadata.google.internal',
    'x.home.arpa',
  ]
  for (const host of [...hosts, ...names]) {
    expect(() => destinations([`https://${host}`])).toThrow(ConfigError)
    expect(originAllowed(`https://${host}/`, ['https://*.internal.example', 'https://docs.example'])).toBe(
      false,
    )
  }
})

test('a list that is not one of origins is refused, naming the entry', () => {
  for (const entry of [
    'docs.example',
    'https://docs.example/path',
    'https://*',
    '*',
    'https://a.*.example',
    'ftp://docs.example',
    '',
  ])
    expect(() => destinations(['https://docs.example', entry])).toThrow(/allowlist\.1/)
})

test('an empty list allows nothing', () => {
  fc.assert(
    fc.property(fc.webUrl(), (href) => {
      expect(originAllowed(href, [])).toBe(false)
    }),
  )
})

test('whatever is allowed leads, for a browser, to a listed host', () => {
  const parts = 'https: // / \\ @ : docs.example evil.example . %2e ? # 443 x'.split(' ')
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...parts), { maxLength: 8 }), (written) => {
      const href = written.join('')
      const elsewhere =
        originAllowed(href, ['https://docs.example']) && new URL(href).origin !== 'https://docs.example'
      expect(elsewhere).toBe(false)
    }),
    { numRuns: 3000 },
  )
})
