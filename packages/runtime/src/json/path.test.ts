import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { at, leaves, pathMap, type Place, withLeaf } from './path.ts'
import { type Json, plainJson } from './plain.ts'

const json = fc
  .jsonValue({ maxDepth: 3 })
  .map((value) => plainJson(value))
  .filter((plain) => plain.ok)
  .map((plain) => (plain.ok ? plain.value : null))

const step = fc.constantFrom('a', 'b', '*', '**', '0')
const path = fc.array(step, { minLength: 1, maxLength: 4 }).map((steps) => steps.join('.'))
const place: fc.Arbitrary<Place> = fc.array(
  fc.oneof(fc.constantFrom<string | number>('a', 'b', '#', 'a\u0000b'), fc.nat(3)),
  {
    maxLength: 5,
  },
)

const declare = (paths: readonly string[]): Record<string, string> =>
  Object.fromEntries(paths.map((one) => [one, one]))
const lengthOf = (one: string): number => one.split('.').filter((part) => part !== '**').length

describe('pathMap', () => {
  test.each([
    ['to', ['to']],
    ['recipients', ['recipients', 0]],
    ['items.id', ['items', 3, 'id']],
    ['items.*.id', ['items', 3, 'id']],
    ['items.*', ['items', 3]],
    ['matrix', ['matrix', 1, 2]],
    ['matrix.*', ['matrix', 1, 2]],
    ['**', []],
    ['**.id', ['id']],
    ['**.id', ['a', 0, 'b', 'id']],
    ['a.**', ['a']],
    ['', []],
  ] as [string, Place][])("'%s' covers %j", (declared, where) => {
    expect(pathMap({ [declared]: 1 }).find(where)).toBe(1)
  })

  test.each([
    ['to', ['to', 'x']],
    ['items.*', ['items', 3, 'id']],
    ['a.0', ['a', 5, 0]],
    ['*', ['a', 'b']],
    ['a', []],
    ['', ['a']],
    ['a.b', ['a.b']],
  ] as [string, Place][])("'%s' does not cover %j", (declared, where) => {
    expect(pathMap({ [declared]: 1 }).find(where)).toBeUndefined()
  })

  test('the longest path wins, then the one with the fewest wildcards', () => {
    const map = pathMap({
      '**': 'rest',
      '*': 'one',
      'a.*': 'near',
      'a.b': 'exact',
      '**.c': 'any c',
      'a.*.c': 'this c',
    })
    expect(map.find(['z'])).toBe('one')
    expect(map.find(['a', 'b'])).toBe('exact')
    expect(map.find(['a', 'x'])).toBe('near')
    expect(map.find(['a', 'x', 'c'])).toBe('this c')
    expect(map.find(['q', 'r', 's', 'c'])).toBe('any c')
    expect(map.find(['c'])).toBe('any c')
    expect(map.find(['q', 'r'])).toBe('rest')
  })

  test('what is said of one position is not said of another, whichever was asked for first', () => {
    const map = pathMap({ 'pair.0': 'minted' })
    expect(map.find(['pair', 0])).toBe('minted')
    expect(map.find(['pair', 1])).toBeUndefined()
  })

  test('a key made to look like a position or like two keys finds nothing that was found for those', () => {
    const map = pathMap({ 'items.*': 'item', 'a.b': 'b of a', list: 'list' })
    expect(map.find(['list', 0])).toBe('list')
    expect(map.find(['list', '#'])).toBeUndefined()
    expect(map.find(['a', 'b'])).toBe('b of a')
    expect(map.find(['a\u0000b'])).toBeUndefined()
    expect(map.find(['a1:b'])).toBeUndefined()
  })

  test('the order of declaration and the order of questions never matter', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(path, { maxLength: 6 }),
        fc.array(place, { maxLength: 6 }),
        (paths, places) => {
          const forward = pathMap(declare(paths))
          const backward = pathMap(declare(paths.toReversed()))
          places.forEach((where) => forward.find(where))
          for (const where of places.toReversed()) {
            expect(backward.find(where)).toBe(forward.find(where))
            expect(pathMap(declare(paths)).find(where)).toBe(forward.find(where))
          }
        },
      ),
    )
  })

  test('no covering path is longer than the one that wins', () => {
    fc.assert(
      fc.property(fc.uniqueArray(path, { maxLength: 6 }), place, (paths, where) => {
        const found = pathMap(declare(paths)).find(where)
        const covering = paths.filter((one) => pathMap({ [one]: true }).find(where) === true)
        expect(covering.length > 0).toBe(found !== undefined)
        for (const one of covering) expect(lengthOf(one)).toBeLessThanOrEqual(lengthOf(found as string))
      }),
    )
  })
})

describe('leaves, at and withLeaf', () => {
  test('every leaf stands where it says', () => {
    fc.assert(
      fc.property(json, (value) => {
        for (const leaf of leaves(value)) expect(at(value, leaf.place)).toEqual(leaf.value)
      }),
    )
  })

  test('replacing a leaf changes that leaf and no other', () => {
    fc.assert(
      fc.property(json, fc.nat(), (value, n) => {
        const all = leaves(value)
        const target = all[n % all.length] as (typeof all)[number]
        const changed = withLeaf(value, target.place, 'changed')
        expect(at(changed, target.place)).toBe('changed')
        expect(leaves(changed).filter(({ place: where }) => where !== target.place)).toHaveLength(all.length)
        for (const other of all.filter((one) => one !== target))
          expect(at(changed, other.place)).toEqual(other.value)
      }),
    )
  })

  test('a container with nothing in it is a leaf', () => {
    expect(leaves({ where: {}, ids: [] })).toEqual([
      { place: ['where'], value: {} },
      { place: ['ids'], value: [] },
    ])
  })

  test('nothing is found on a prototype, in a string or beside the items of a list', () => {
    const value: Json = { list: [1, 2], name: 'abc' }
    expect(at(value, ['toString'])).toBeUndefined()
    expect(at(value, ['list', 'length'])).toBeUndefined()
    expect(at(value, ['name', 0])).toBeUndefined()
    expect(at(value, ['list', 1])).toBe(2)
  })
})
