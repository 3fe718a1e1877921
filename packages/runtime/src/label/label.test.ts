import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { carriedLabel, isCarried, labelled } from './carried.ts'
import { declassify, endorse } from './endorse.ts'
import { covers, join, joinAll } from './join.ts'
import { allAuthorsIn, ANYONE, type Clause, type Label, label, readableBy } from './label.ts'

const name = fc.constantFrom('developer', 'user:alice', 'party:bob', 'operator:shop', 'org:acme', ANYONE)
const clause: fc.Arbitrary<Clause> = fc
  .tuple(fc.uniqueArray(name, { maxLength: 3 }), fc.boolean())
  .map(([members, assigned]) => readableBy(members, assigned))
const anyLabel: fc.Arbitrary<Label> = fc
  .tuple(fc.array(name, { minLength: 1, maxLength: 4 }), fc.array(clause, { maxLength: 3 }))
  .map(([authors, readers]) => label(authors, readers))
const crowd = fc
  .tuple(fc.integer({ min: 1, max: 90 }), fc.integer({ min: 0, max: 90 }), fc.integer({ min: 0, max: 40 }))
  .map(([many, from, clauses]) =>
    label(
      Array.from({ length: many }, (_, i) => `party:${from + i}`),
      Array.from({ length: clauses }, (_, i) => readableBy([`user:${from + i}`])),
    ),
  )
const either = fc.oneof(anyLabel, crowd)

/** Whether a principal may read under every clause. */
const admits = (of: Label, who: string): boolean => of.readers.every(({ members }) => members.includes(who))

describe('a join', () => {
  test('is associative, commutative and idempotent', () => {
    fc.assert(
      fc.property(either, either, either, (a, b, c) => {
        expect(join(join(a, b), c)).toBe(join(a, join(b, c)))
        expect(join(a, b)).toBe(join(b, a))
        expect(join(a, a)).toBe(a)
      }),
    )
  })

  test('is monotone: it never gains trust and never admits a reader', () => {
    const trusted = new Set(['developer', 'user:alice', 'party:1', 'party:2'])
    fc.assert(
      fc.property(either, either, name, (a, b, who) => {
        const both = join(a, b)
        expect(covers(both, a) && covers(both, b)).toBe(true)
        if (allAuthorsIn(both, trusted))
          expect(allAuthorsIn(a, trusted) && allAuthorsIn(b, trusted)).toBe(true)
        if (admits(both, who)) expect(admits(a, who) && admits(b, who)).toBe(true)
      }),
    )
  })

  test('of what is above is above', () => {
    fc.assert(
      fc.property(either, either, either, (a, b, c) => {
        expect(covers(join(join(a, b), c), join(a, c))).toBe(true)
      }),
    )
  })

  test('of none is undefined, of several their join', () => {
    const [a, b] = [label(['developer']), label([ANYONE])]
    expect(joinAll([])).toBeUndefined()
    expect(joinAll([a, b])).toBe(join(a, b))
  })
})

describe('a label', () => {
  test('that says the same is the same object, however it was spelled', () => {
    fc.assert(
      fc.property(anyLabel, (of) => {
        const again = label(
          [...of.authors.toReversed(), ...of.authors],
          of.readers
            .toReversed()
            .map(({ members, assigned }) => ({ members: members.toReversed(), assigned })),
        )
        expect(again).toBe(of)
      }),
    )
  })

  test('with anyone among its authors is anyone’s', () => {
    expect(label(['developer', ANYONE])).toBe(label([ANYONE]))
  })

  test('widens only towards anyone, and its readers only towards nobody', () => {
    fc.assert(
      fc.property(fc.integer({ min: 65, max: 80 }), fc.integer({ min: 33, max: 50 }), (authors, clauses) => {
        const of = label(
          Array.from({ length: authors }, (_, i) => `party:${i}`),
          Array.from({ length: clauses }, (_, i) => readableBy(['user:alice', `user:${i}`])),
        )
        expect(of.authors).toEqual([ANYONE])
        expect(admits(of, 'user:alice')).toBe(false)
        expect(of.readers.every(({ assigned }) => assigned)).toBe(true)
      }),
    )
    expect(label(Array.from({ length: 64 }, (_, i) => `party:${i}`)).authors).toHaveLength(64)
  })

  test('cannot be changed by who holds it, nor through what it was made from', () => {
    const members = ['user:alice']
    const of = label(['developer'], [{ members, assigned: true }])
    members.push('party:eve')
    expect(of.readers[0]?.members).toEqual(['user:alice'])
    expect([of, of.authors, of.readers, of.readers[0]?.members].every(Object.isFrozen)).toBe(true)
  })

  test('of nobody is none', () => {
    expect(() => label([])).toThrow('A label needs at least one author')
  })

  test('keeps an assigned clause apart from a default one with the same members', () => {
    expect(label(['developer'], [readableBy(['user:a'], true)])).not.toBe(
      label(['developer'], [readableBy(['user:a'], false)]),
    )
  })
})

describe('relaxing a label', () => {
  test('is a record of who did it and why, and leaves the old label alone', () => {
    const from = label(['party:bob', 'party:eve'], [readableBy(['user:alice'])])
    const record = endorse(from, ['party:eve'], 'user:alice', 'read it')
    expect(record).toMatchObject({ kind: 'endorse', from, by: 'user:alice', reason: 'read it' })
    expect(record.to.authors).toEqual(['party:bob', 'user:alice'])
    expect(record.to.readers).toEqual(from.readers)
    expect(from.authors).toEqual(['party:bob', 'party:eve'])
  })

  test('drops no author that was not named, and vouches for nothing where none was dropped', () => {
    const from = label([ANYONE])
    expect(endorse(from, ['party:eve'], 'user:alice', 'x').to).toBe(from)
    fc.assert(
      fc.property(anyLabel, fc.array(name), (of, dropped) => {
        const { to } = endorse(of, dropped, 'developer', 'x')
        for (const author of of.authors)
          if (!(dropped as string[]).includes(author)) expect(to.authors).toContain(author)
      }),
    )
  })

  test('lets others read, and trusts nobody more', () => {
    const from = label(['party:bob'], [readableBy(['user:alice'])])
    const { to, kind } = declassify(from, [readableBy(['org:acme'])], 'developer', 'public by now')
    expect([kind, to.authors]).toEqual(['declassify', from.authors])
    expect(admits(to, 'org:acme')).toBe(true)
  })
})

describe('a value that carries labels', () => {
  const DEFAULT = readableBy(['user:alice'], false)

  test('cannot be claimed by content: JSON holds no symbol', () => {
    const value = labelled({ text: 'x' }, { '**': { authors: ['developer'] } })
    expect(isCarried(value)).toBe(true)
    expect(isCarried(JSON.parse(JSON.stringify(value)))).toBe(false)
    expect([isCarried(null), isCarried('x'), isCarried(Object.create(value))]).toEqual([false, false, false])
  })

  test('is for the user and the agent unless it says for whom', () => {
    expect(carriedLabel({ authors: ['org:acme'] }, DEFAULT).readers).toEqual([DEFAULT])
    expect(carriedLabel({ authors: ['org:acme'], readers: ['group:hr'] }, DEFAULT).readers).toEqual([
      readableBy(['group:hr']),
    ])
  })
})
