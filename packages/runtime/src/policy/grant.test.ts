import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bounds } from './bound.ts'
import { type TaskGrant, grantAllows, grantBoundsAll, narrow, taskGrant } from './grant.ts'

const grant = (args: Bounds, from: TaskGrant['from'] = 'rule', tool = 'pay'): TaskGrant =>
  taskGrant({ from, by: 'x', tools: { [tool]: { args } } })

describe('a call inside a grant', () => {
  test('a tool that the grant does not name is outside, whatever its name', () => {
    expect(grantAllows(grant({}), 'pay', { any: 1 })).toBe(true)
    for (const tool of ['mail', 'constructor', '__proto__'])
      expect(grantAllows(grant({}), tool, {})).toBe(false)
  })

  test('an amount goes from zero to its bound, as a number', () => {
    const upTo50 = grant({ amount: { atMost: 50 } })
    for (const amount of [0, 50]) expect(grantAllows(upTo50, 'pay', { amount })).toBe(true)
    for (const amount of [50.01, -1, '20', '2e1', null, true, [], {}])
      expect(grantAllows(upTo50, 'pay', { amount })).toBe(false)
  })

  test('a value is one of those listed, of the same type', () => {
    const listed = grant({ to: { oneOf: ['a@x.example', 7] } })
    expect(grantAllows(listed, 'pay', { to: 'a@x.example' })).toBe(true)
    for (const to of ['A@x.example', '7', 'a@x.example ', null])
      expect(grantAllows(listed, 'pay', { to })).toBe(false)
  })

  test('every element of a list is bounded', () => {
    const listed = grant({ to: { oneOf: ['a', 'b'] } })
    expect(grantAllows(listed, 'pay', { to: ['a', 'b'] })).toBe(true)
    expect(grantAllows(listed, 'pay', { to: ['a', 'eve'] })).toBe(false)
    expect(grantAllows(listed, 'pay', { to: [] })).toBe(false)
  })

  test('leaving a bounded argument out is outside, unless null was listed', () => {
    const filter = grant({ 'where.id': { oneOf: ['7'] } })
    expect(grantAllows(filter, 'pay', { where: { id: '7' } })).toBe(true)
    expect(grantAllows(filter, 'pay', { where: {} })).toBe(false)
    expect(grantAllows(filter, 'pay', {})).toBe(false)
    expect(grantAllows(grant({ cc: { oneOf: [null] } }), 'pay', {})).toBe(true)
    expect(grantAllows(grant({ cc: { any: true } }), 'pay', {})).toBe(true)
  })
})

describe('a grant as a basis', () => {
  const places = [['to'], ['amount']]

  test('needs every control argument bounded', () => {
    expect(grantBoundsAll(grant({ to: { oneOf: ['a'] } }), 'pay', places)).toBe(false)
    expect(grantBoundsAll(grant({ to: { oneOf: ['a'] }, amount: { any: true } }), 'pay', places)).toBe(true)
    expect(grantBoundsAll(grant({ to: { any: true }, amount: { any: true } }), 'pay', places)).toBe(false)
    expect(grantBoundsAll(grant({ '**': { any: true } }), 'pay', places)).toBe(false)
    expect(grantBoundsAll(grant({ to: { oneOf: ['a'] } }), 'mail', [['to']])).toBe(false)
  })

  test('is none for a tool that has no control argument', () => {
    expect(grantBoundsAll(grant({ to: { oneOf: ['a'] } }), 'pay', [])).toBe(false)
  })

  test('is never a model’s, not even where it narrows a rule’s', () => {
    const bounds: Bounds = { to: { oneOf: ['a'] }, amount: { atMost: 1 } }
    expect(grantBoundsAll(grant(bounds, 'model'), 'pay', places)).toBe(false)
    expect(grantBoundsAll(narrow(grant({}, 'rule'), grant(bounds, 'model')), 'pay', places)).toBe(false)
    expect(grantBoundsAll(grant(bounds, 'person'), 'pay', places)).toBe(true)
    expect(grantBoundsAll(narrow(grant(bounds, 'rule'), grant({}, 'model')), 'pay', places)).toBe(true)
  })
})

const bound = fc.oneof(
  fc.record({ oneOf: fc.array(fc.constantFrom(1, 2, 3, null, 'a'), { minLength: 1, maxLength: 3 }) }),
  fc.record({ atMost: fc.nat(3) }),
  fc.constant({ any: true as const }),
)
const args = fc.dictionary(fc.constantFrom('x', 'y', '*', '**', 'x.y', 'x.*'), bound, { maxKeys: 3 })
const grants = fc
  .record({ from: fc.constantFrom<TaskGrant['from'][]>('rule', 'person', 'model'), args })
  .map((made) => grant(made.args, made.from))
const scalar = fc.constantFrom(1, 2, 3, 4, -1, null, 'a')
const part = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 2 }),
  fc.dictionary(fc.constantFrom('x', 'y'), scalar),
)
const input = fc.dictionary(fc.constantFrom('x', 'y', 'z'), part)

describe('narrowing', () => {
  test('a narrowed grant allows exactly what both allow, and is a basis only if a rule or a person bounds all', () => {
    fc.assert(
      fc.property(grants, grants, grants, input, (a, b, c, value) => {
        const all = [a, b, c].every((one) => grantAllows(one, 'pay', value))
        expect(grantAllows(narrow(narrow(a, b), c), 'pay', value)).toBe(all)
        expect(grantAllows(narrow(a, narrow(b, c)), 'pay', value)).toBe(all)
        const basis = [a, b, c].some((one) => grantBoundsAll(one, 'pay', [['x']]))
        expect(grantBoundsAll(narrow(narrow(a, b), c), 'pay', [['x']])).toBe(basis)
      }),
      { numRuns: 500 },
    )
  })

  test('what a model proposes adds no tool', () => {
    const proposed = taskGrant({ from: 'model', by: 'm', tools: { pay: {}, wipe: {} } })
    const narrowed = narrow(grant({ amount: { atMost: 5 } }), proposed)
    expect(Object.keys(narrowed.tools)).toEqual(['pay'])
    expect(grantAllows(narrowed, 'wipe', {})).toBe(false)
    expect(grantAllows(narrowed, 'pay', { amount: 6 })).toBe(false)
    expect(Object.keys(narrow(undefined, proposed).tools)).toEqual(['pay', 'wipe'])
  })

  test('a stored grant is read back with all that it was narrowed from', () => {
    const narrowed = narrow(grant({ amount: { atMost: 5 } }), grant({}, 'model'))
    const read = JSON.parse(JSON.stringify(narrowed)) as TaskGrant
    expect(grantAllows(read, 'pay', { amount: 5 })).toBe(true)
    expect(grantAllows(read, 'pay', { amount: 6 })).toBe(false)
  })
})

const bad =
  (given: object): (() => unknown) =>
  () =>
    taskGrant(given as TaskGrant)

test('a grant that is not usable is refused with its key', () => {
  expect(bad({ from: 'me', by: 'x', tools: {} })).toThrow(/grant\.from/)
  expect(bad({ from: 'rule', by: '', tools: {} })).toThrow(/grant\.by/)
  expect(bad({ from: 'rule', by: 'x', tools: ['pay'] })).toThrow(/grant\.tools/)
  expect(bad({ from: 'rule', by: 'x', tools: { pay: { arg: {} } } })).toThrow(/grant\.tools\['pay'\]\.arg/)
  for (const one of [
    {},
    { atMost: '5' },
    { atMost: Number.NaN },
    { oneOf: [] },
    { oneOf: [{}] },
    { any: false },
    { any: true, atMost: 1 },
  ])
    expect(bad({ from: 'rule', by: 'x', tools: { pay: { args: { amount: one } } } })).toThrow(/\['amount'\]/)
})

test('what was changed in a grant after it was made changes nothing', () => {
  const amount = { atMost: 5 }
  const made = grant({ amount })
  amount.atMost = 500
  expect(grantAllows(made, 'pay', { amount: 6 })).toBe(false)
})
