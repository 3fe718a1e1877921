import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type JsonSchema, schemaDefault, schemaHas, schemaLeaves } from './json-schema.ts'

const tree = z.object({
  name: z.string(),
  get children(): z.ZodArray<typeof tree> {
    return z.array(tree)
  },
})
const input = z.toJSONSchema(
  z.object({
    to: z.array(z.object({ address: z.string(), name: z.string().optional() })),
    mode: z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('one'), id: z.string() }),
      z.object({ kind: z.literal('all'), limit: z.number().default(10) }),
    ]),
    headers: z.record(z.string(), z.string()),
    pair: z.tuple([z.string(), z.number()]),
    note: z.string().nullable(),
    tree,
    anything: z.unknown(),
  }),
  { io: 'input' },
) as JsonSchema

describe('the leaves of a schema', () => {
  test('are found through lists, unions, tuples, free-form keys and recursion', () => {
    const byPath = Object.fromEntries(schemaLeaves(input).map((leaf) => [leaf.path, leaf]))
    expect(Object.keys(byPath)).toEqual([
      'anything',
      'headers.*',
      'mode.id',
      'mode.kind',
      'mode.limit',
      'note',
      'pair.0',
      'pair.1',
      'to.*.address',
      'to.*.name',
      'tree.children.*',
      'tree.name',
    ])
    expect(byPath['headers.*']).toMatchObject({ freeForm: true })
    expect(byPath['to.*.name']).toMatchObject({ optional: true, freeForm: false, place: ['to', 0, 'name'] })
    expect(
      schemaLeaves({ properties: { a: { anyOf: [{ type: 'null' }, { type: 'string' }] } } })[0]?.schema.type,
    ).toBe('string')
  })

  test('of a schema that refers only to itself are none, and end', () => {
    expect(schemaLeaves({ $ref: '#' })).toEqual([])
    expect(schemaLeaves({ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } })).toEqual([])
  })
})

test.each([
  'to.*.address',
  'to.address',
  'to.0.address',
  'headers.x-mine',
  'mode.limit',
  'tree.children.*.children.*.name',
  '**.address',
  'anything.at.all',
  'pair.1',
])("'%s' is a path of it", (path) => expect(schemaHas(input, path)).toBe(true))
test.each([
  'to.adress',
  'cc',
  'headers.a.b',
  'mode.all',
  'note.text',
  'pair.name',
  'tree.kids',
  'constructor',
  'to.length',
])("'%s' is no path of it", (path) => expect(schemaHas(input, path)).toBe(false))

test('a default counts only where every alternative agrees', () => {
  const split: JsonSchema = {
    anyOf: [
      { properties: { target: { type: 'string', default: 'all' } } },
      { properties: { target: { type: 'string' } } },
    ],
  }
  expect(schemaDefault(split, ['target'])).toBeUndefined()
  expect(schemaDefault(input, ['mode', 'limit'])).toBe(10)
})

test('a reference that leads out of the document leaves everything open', () => {
  expect(
    schemaHas({ type: 'object', properties: { a: { $ref: 'https://example.com/schema' } } }, 'a.b.c'),
  ).toBe(true)
})
