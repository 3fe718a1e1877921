import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalJson, type Json, mutableCopy, plainJson } from './plain.ts'

const json = fc.jsonValue({ maxDepth: 4 }).filter((value) => !JSON.stringify(value).includes('__proto__'))

describe('plain JSON', () => {
  test('is what JSON.stringify would say, frozen through and through', () => {
    fc.assert(
      fc.property(json, (value) => {
        const plain = plainJson(value)
        if (!plain.ok) return expect(plain.reason).toContain('Unicode')
        expect(JSON.stringify(plain.value)).toBe(JSON.stringify(value))
        const frozen = (one: unknown): boolean =>
          typeof one !== 'object' ||
          one === null ||
          (Object.isFrozen(one) && Object.values(one).every(frozen))
        expect(frozen(plain.value)).toBe(true)
      }),
    )
  })

  test('is a copy: what its source does later changes nothing', () => {
    const source = { to: 'bob', lines: [{ n: 1 }] }
    const plain = plainJson(source)
    source.to = 'eve'
    source.lines[0] = { n: 2 }
    expect(plain).toEqual({ ok: true, value: { to: 'bob', lines: [{ n: 1 }] } })
  })

  test('leaves out what is undefined, as JSON does', () => {
    expect(plainJson({ a: undefined, b: 1 })).toEqual({ ok: true, value: { b: 1 } })
  })

  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  class Money {
    amount = 5
  }
  test.each<[string, unknown]>([
    ['a Map', new Map([['a', 1]])],
    ['a Date', new Date(0)],
    ['an instance of a class', new Money()],
    ['binary data', new Uint8Array(3)],
    ['a stream', new ReadableStream()],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['a bigint', 1n],
    ['NaN', Number.NaN],
    ['infinity', Number.POSITIVE_INFINITY],
    ['a cycle', cyclic],
    ['a hole in a list', [undefined]],
    ['nothing', undefined],
    ['a lone surrogate', '\ud800'],
    ['a property named __proto__', JSON.parse('{"__proto__": {"admin": true}}')],
    ['an object that inherits', Object.create({ admin: true })],
  ])('refuses %s, and says so without its value', (_, value) => {
    const plain = plainJson(value)
    expect(plain.ok).toBe(false)
    expect(plainJson({ deep: [{ value: value ?? [undefined] }] }).ok).toBe(false)
  })

  test('calls no code of the value', () => {
    let called = 0
    const value = {
      get to() {
        called += 1
        return 'eve'
      },
    }
    expect(plainJson(value)).toEqual({ ok: false, reason: 'an accessor property' })
    expect(plainJson({ toJSON: 'not a function' }).ok).toBe(true)
    expect(called).toBe(0)
  })

  test.each<[string, unknown]>([
    ['too many values', Array.from({ length: 20 }, () => 1)],
    ['too much text', 'x'.repeat(101)],
    ['too much text in keys', { ['x'.repeat(101)]: 1 }],
    ['nested too deep', [[[[[[1]]]]]]],
  ])('refuses %s', (_, value) => {
    expect(plainJson(value, { nodes: 10, depth: 4, characters: 100 }).ok).toBe(false)
  })

  test('says the same of equal values, whatever the order of their keys', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).toReversed())
        expect(canonicalJson(turned)).toBe(canonicalJson(value))
      }),
    )
  })

  test('can be copied for an owner who may change it', () => {
    const plain = plainJson({ lines: [{ n: 1 }] }) as { value: Json }
    const copy = mutableCopy(plain.value) as { lines: { n: number }[] }
    ;(copy.lines[0] as { n: number }).n = 2
    expect(plain.value).toEqual({ lines: [{ n: 1 }] })
  })
})
