import type { JSONSchema7 } from 'json-schema'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { Json } from '../json/plain.ts'
import { inputShape } from './input-shape.ts'

type Row = readonly [place: string, value: unknown, what?: 'key' | 'default']

function rows(schema: z.ZodType | JSONSchema7, input: Json): Row[] {
  const json =
    schema instanceof z.ZodType
      ? (z.toJSONSchema(schema, { target: 'draft-7', io: 'input' }) as JSONSchema7)
      : schema
  return inputShape(json)(input).map(({ place, value, isKey, isDefault }): Row => {
    const path = place.join('.')
    return isKey ? [path, value, 'key'] : isDefault ? [path, value, 'default'] : [path, value]
  })
}

describe('the leaves of an input', () => {
  test('are its values, by position in lists', () => {
    const schema = z.object({ to: z.array(z.string()), note: z.string() })
    expect(rows(schema, { to: ['a', 'b'], note: 'x' })).toEqual([
      ['to.0', 'a'],
      ['to.1', 'b'],
      ['note', 'x'],
    ])
  })

  test('are what is left out, too: a missing filter is the widest of all', () => {
    const schema = z.object({ where: z.object({ id: z.string().optional() }).optional() })
    expect(rows(schema, {})).toEqual([['where', undefined]])
    expect(rows(schema, { where: {} })).toEqual([['where.id', undefined]])
  })

  test('are empty containers and nulls', () => {
    const schema = z.object({
      where: z.record(z.string(), z.string()),
      ids: z.array(z.string()),
      by: z.null(),
    })
    expect(rows(schema, { where: {}, ids: [], by: null })).toEqual([
      ['where', {}],
      ['ids', []],
      ['by', null],
    ])
  })

  test('are the keys of free-form objects, and the values under them', () => {
    expect(rows(z.object({ set: z.record(z.string(), z.string()) }), { set: { role: 'admin' } })).toEqual([
      ['set.role', 'role', 'key'],
      ['set.role', 'admin'],
    ])
    expect(rows(z.looseObject({ a: z.string() }), { a: 'x', extra: { b: 1 } })).toEqual([
      ['a', 'x'],
      ['extra', 'extra', 'key'],
      ['extra.b', 'b', 'key'],
      ['extra.b', 1],
    ])
  })

  test('are told from the developer’s defaults, present or left out', () => {
    const schema = z.object({ limit: z.number().default(10), tags: z.array(z.string()).default([]) })
    expect(rows(schema, { limit: 10, tags: [] })).toEqual([
      ['limit', 10, 'default'],
      ['tags', [], 'default'],
    ])
    expect(rows(schema, { limit: 11 })).toEqual([
      ['limit', 11],
      ['tags', undefined, 'default'],
    ])
    expect(rows(schema, { limit: '10' })).toContainEqual(['limit', '10'])
  })

  test('follow unions, references and tuples', () => {
    const branch = z.union([
      z.object({ by: z.literal('id'), id: z.string() }),
      z.object({ by: z.literal('all'), force: z.boolean().default(false) }),
    ])
    expect(rows(branch, { by: 'all' })).toContainEqual(['force', undefined, 'default'])
    expect(rows(branch, { by: 'id', id: 'x', other: 'y' })).toContainEqual(['other', 'other', 'key'])
    const tree: JSONSchema7 = {
      $ref: '#/definitions/node',
      definitions: {
        node: {
          type: 'object',
          properties: { id: { type: 'string' }, next: { $ref: '#/definitions/node' } },
        },
      },
    }
    expect(rows(tree, { id: 'a', next: { id: 'b' } })).toEqual([
      ['id', 'a'],
      ['next.id', 'b'],
      ['next.next', undefined],
    ])
    expect(
      rows({ type: 'array', items: [{ type: 'string' }, { type: 'number', default: 3 }] }, ['a', 3]),
    ).toEqual([
      ['0', 'a'],
      ['1', 3, 'default'],
    ])
  })

  test('of a schema that refers to itself for ever, or to nothing, are found all the same', () => {
    const loop: JSONSchema7 = { $ref: '#/definitions/a', definitions: { a: { $ref: '#/definitions/a' } } }
    expect(rows(loop, { x: 1 })).toEqual([
      ['x', 'x', 'key'],
      ['x', 1],
    ])
    expect(rows({ $ref: '#/definitions/missing' }, 'x')).toEqual([['', 'x']])
  })

  test('are all there is where a tool declares no schema', () => {
    expect(inputShape(undefined)({ to: 'eve', where: {} }).map(({ place }) => place.join('.'))).toEqual([
      'to',
      'where',
    ])
  })
})
