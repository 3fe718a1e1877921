import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { filtered } from './guard-server-filter.ts'

const CALLER = {} as never
const textOf = (result: object): string => JSON.stringify(result)

describe('what leaves of a result', () => {
  test('a hidden field is in no part of it, however deep it stands and however it is said', () => {
    const inside = fc.letrec<{ value: unknown }>((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        fc.string(),
        fc.integer(),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(fc.constantFrom('a', 'b', 'internal', 'cost'), tie('value'), { maxKeys: 4 }),
      ),
    })).value
    fc.assert(
      fc.property(fc.array(inside), fc.boolean(), (lines, isStructured) => {
        const value = {
          lines: lines.map((one) => ({ cost: 'CANARY', kept: one })),
          internal: { deep: ['CANARY'] },
        }
        const content = [
          { type: 'text', text: JSON.stringify(value) },
          { type: 'text', text: 'cost CANARY' },
        ]
        const result = { content, ...(isStructured ? { structuredContent: value } : {}) }
        const shown = filtered(result, { hide: ['internal', 'lines.cost'] }, CALLER)
        expect(textOf(shown)).not.toContain('CANARY')
        // What is not hidden is as it was.
        const [block] = shown['content'] as { text: string }[]
        expect(JSON.parse(block?.text ?? '')).toEqual({ lines: value.lines.map(({ kept }) => ({ kept })) })
      }),
    )
  })

  test.each([
    ['no result at all', 'text', {}],
    ['an error of its own words', { isError: true, content: [{ type: 'text', text: 'CANARY' }] }, {}],
    [
      'a filter that fails',
      { content: [{ type: 'text', text: 'CANARY' }] },
      {
        filter: () => {
          throw new Error('CANARY')
        },
      },
    ],
    ['a filter that returns nothing', { content: [] }, { filter: () => undefined as never }],
  ])('%s is a failure, and says nothing more', (_, result, rule) => {
    expect(filtered(result, rule, CALLER)).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'The tool failed.' }],
    })
  })

  test('an error that may be shown has its secrets redacted, and nothing but its text', () => {
    const result = {
      isError: true,
      content: [
        { type: 'text', text: 'no row; tried postgres://app:hunter2@db/x' },
        { type: 'image', data: 'CANARY' },
      ],
      structuredContent: 'CANARY',
    }
    expect(filtered(result, { errors: 'redacted' }, CALLER)).toEqual({
      isError: true,
      content: [{ type: 'text', text: 'no row; tried postgres://app:[redacted]@db/x' }],
    })
  })

  test('what is called a password is one, and what a client only hands back is left as it is', () => {
    const requestState = `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.${'c'.repeat(20)}`
    expect(
      filtered({ structuredContent: { db_password: 'tea', note: requestState }, requestState }, {}, CALLER),
    ).toEqual({
      structuredContent: { db_password: '[redacted]', note: '[redacted]' },
      requestState,
    })
  })
})
