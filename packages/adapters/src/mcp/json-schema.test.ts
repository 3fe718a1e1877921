import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkOf, withoutDefaults } from './json-schema.ts'

test('no default is left in a schema, and everything that a default says nothing about is', () => {
  const schema = {
    type: 'object',
    default: { to: 'eve' },
    properties: {
      default: { type: 'string', default: 'eve' },
      to: { anyOf: [{ type: 'string', default: 'eve' }, { type: 'null' }] },
      list: { type: 'array', items: { type: 'string', default: 'eve' }, enum: [{ default: 'kept' }] },
    },
    $defs: { default: { default: 'eve', const: { default: 'kept' } } },
    required: ['default'],
  }
  expect(withoutDefaults(schema)).toEqual({
    type: 'object',
    properties: {
      default: { type: 'string' },
      to: { anyOf: [{ type: 'string' }, { type: 'null' }] },
      list: { type: 'array', items: { type: 'string' }, enum: [{ default: 'kept' }] },
    },
    $defs: { default: { const: { default: 'kept' } } },
    required: ['default'],
  })
})

test('a default at any depth of a schema is taken out', () => {
  const { schema } = fc.letrec<{ schema: object }>((tie) => ({
    schema: fc.oneof(
      { depthSize: 'small' },
      fc.constant({ type: 'string', default: 'eve' }),
      fc.record({
        properties: fc.dictionary(fc.string({ maxLength: 5 }), tie('schema'), { maxKeys: 3 }),
        default: fc.constant('eve'),
      }),
      fc.record({ items: tie('schema'), default: fc.constant('eve') }),
      fc.record({ anyOf: fc.array(tie('schema'), { maxLength: 3 }), not: tie('schema') }),
    ),
  }))
  fc.assert(
    fc.property(schema, (given) => {
      expect(JSON.stringify(withoutDefaults(given as never))).not.toContain('"eve"')
    }),
  )
})

test.each<[object, unknown, boolean]>([
  [{ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }, { n: 1 }, true],
  [{ type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] }, { n: '1' }, false],
  [
    {
      $schema: 'http://json-schema.org/draft-07/schema#',
      type: 'array',
      items: [{ type: 'string' }],
      additionalItems: false,
    },
    ['a', 1],
    false,
  ],
  [{ type: 'string', pattern: '[' }, 'a', false],
  [{ $defs: { a: { type: 'string' } }, $ref: '#/$defs/a' }, 'x', true],
])('%j holds of %j: %s', (schema, value, expected) => {
  expect(checkOf(schema as never)?.(value) ?? false).toBe(expected)
})

test.each<object>([
  { $schema: 'https://evil.example/schema' },
  { $ref: 'https://evil.example/schema.json' },
  { properties: { a: { items: { $ref: 'file:///etc/passwd' } } } },
  { $ref: '#/$defs/missing' },
])('%j cannot be checked, and is not fetched', (schema) => {
  expect(checkOf(schema as never)).toBeUndefined()
})
