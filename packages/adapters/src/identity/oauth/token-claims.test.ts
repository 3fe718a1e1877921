import fc from 'fast-check'
import { expect, test } from 'vitest'
import { payloadOf, scopesOf, standardClaims } from './token-claims.ts'

const part = (json: unknown): string => Buffer.from(JSON.stringify(json)).toString('base64url')

test('whatever a server calls a token, reading it does not fail, and only a JWT has claims', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.string().map((text) => `${text}.${text}.${text}`),
    fc.json().map((text) => `${part({})}.${Buffer.from(text).toString('base64url')}.x`),
  )
  fc.assert(
    fc.property(anything, (token) => {
      const payload = payloadOf(token)
      if (payload === undefined) return
      expect(token.split('.')).toHaveLength(3)
      expect(Array.isArray(payload)).toBe(false)
      expect(() => standardClaims(payload)).not.toThrow()
    }),
  )
})

test('what a JWT says is read as it stands, and what is of the wrong kind is not taken for what is not there', () => {
  const claim = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()))
  fc.assert(
    fc.property(fc.record({ sub: claim, iss: claim, aud: claim, exp: claim, iat: claim }), (given) => {
      const { sub, iss, aud, exp, iat } = standardClaims(payloadOf(`${part({})}.${part(given)}.x`) ?? {})
      expect(sub).toBe(typeof given.sub === 'string' ? given.sub : undefined)
      expect(iss).toBe(typeof given.iss === 'string' ? given.iss : undefined)
      expect(aud).toEqual(
        Array.isArray(given.aud) ? given.aud : typeof given.aud === 'string' ? [given.aud] : undefined,
      )
      for (const [is, was] of [
        [exp, given.exp],
        [iat, given.iat],
      ])
        expect(is).toBe(typeof was === 'number' ? was : Number.NaN)
    }),
  )
})

test('scopes are names with spaces between, or a list', () => {
  fc.assert(
    fc.property(fc.array(fc.stringMatching(/^[a-z:.]+$/)), (names) => {
      expect(scopesOf(names)).toEqual(names)
      expect(scopesOf(names.join(' '))).toEqual(names)
    }),
  )
  expect(scopesOf(undefined)).toBeUndefined()
  expect(scopesOf(7)).toBeUndefined()
})
