import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { answerFilter } from './answer-filter.ts'
import { linksIn } from './links.ts'

const allowed = (href: string): boolean => href.startsWith('https://ok.example/')
const token = `ghp_${'aB3dE5gH7jK9'.repeat(3)}`
const password = 'x9Kq2vTzB7wL4mN8cR5d'
const body = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n'
const key = (lines: number): string =>
  `-----BEGIN PRIVATE ${'KEY'}-----\n${body.repeat(lines)}-----END PRIVATE ${'KEY'}-----`

function filtered(text: string, cuts: readonly number[]): { text: string; secrets: number } {
  const filter = answerFilter({ allowed })
  let out = ''
  let at = 0
  for (const cut of cuts) {
    out += filter.push(text.slice(at, at + cut))
    at += cut
  }
  out += filter.push(text.slice(at)) + filter.end()
  return { text: out, secrets: filter.secrets }
}

describe('a streamed answer', () => {
  test('holds no secret and no disallowed link, however it is split', () => {
    const text = `Use ${token} with [this](https://evil.example/?k=${token}).\n\npassword = "${password}"\nAuthorization: Bearer ${password}\n${key(3)}\nDone, see https://ok.example/a.\n`
    const whole = filtered(text, [])
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 80 }), (cuts) => {
        const { text: out } = filtered(text, cuts)
        expect(out).not.toContain(token)
        expect(out).not.toContain(password)
        expect(out).not.toContain('MIIE')
        expect(linksIn(out).map(({ href }) => href)).toEqual(['https://ok.example/a'])
        expect(out).toBe(whole.text)
      }),
    )
    expect(whole.secrets).toBe(5)
  })

  test('drops every line of a private key longer than what is held back', () => {
    const { text } = filtered(
      `before\n${key(400)}\nafter\n`,
      Array.from({ length: 2000 }, () => 20),
    )
    expect(text).not.toMatch(/[A-Za-z0-9+/]{30}/)
    expect(text).toContain('before')
    expect(text).toContain('after')
  })

  test('an allowed link that carries a secret is not let through', () => {
    const { text } = filtered(`https://ok.example/?k=${token}`, [])
    expect(text).not.toContain(token)
  })

  test('what was removed can be told', () => {
    const filter = answerFilter({ allowed })
    filter.push('see https://evil.example/p now ')
    expect(filter.removed.map(({ href }) => href)).toEqual(['https://evil.example/p'])
  })
})
