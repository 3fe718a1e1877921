import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { definitionOf, digestOf, type JsonObject, type ToolDefinition } from './definition.ts'
import { differences } from './difference.ts'

const full: ToolDefinition = {
  name: 'send',
  title: 'Send',
  description: 'Send a mail.',
  inputSchema: {
    type: 'object',
    properties: { to: { type: 'string', description: 'Whom.' }, body: { type: 'string', maxLength: 10 } },
    required: ['to'],
  },
  outputSchema: { type: 'object', properties: { id: { type: 'string', description: 'Which.' } } },
  annotations: { title: 'Send', readOnlyHint: false, destructiveHint: true, openWorldHint: true },
}

// Arbitrary code points take fast-check seconds to begin with; these are the ones that hide something.
const hidden = [
  '\u200b',
  '\u{e0041}',
  '\u202e',
  '\u0007',
  '\ufe0f',
  '\u2800',
  '\u3164',
  '\u00ad',
  '\u2028',
  '\ue000',
]
const words = fc
  .array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 4 }), fc.constantFrom(...hidden)), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''))

/** Every place in a value, as a list of keys. */
function places(value: unknown, here: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [here]
  return Object.entries(value).flatMap(([key, part]) => places(part, [...here, key]))
}

function changed(value: unknown, [step, ...rest]: readonly string[], to: unknown): unknown {
  if (step === undefined) return to
  const copy: Record<string, unknown> | unknown[] = Array.isArray(value)
    ? [...(value as unknown[])]
    : { ...(value as object) }
  ;(copy as Record<string, unknown>)[step] = changed((value as JsonObject)[step], rest, to)
  return copy
}

const at = (value: unknown, place: readonly string[]): unknown =>
  place.reduce<unknown>((here, step) => (here as JsonObject)[step], value)

describe('the digest of a definition', () => {
  test('changes with every place in it, by whatever is put there', () => {
    fc.assert(
      fc.property(fc.constantFrom(...places(full)), words, fc.boolean(), (place, text, flag) => {
        const before = at(full, place)
        const now =
          typeof before === 'boolean' ? !before : flag ? `${String(before)}${text}\u200b` : `${text}.`
        fc.pre(now !== before)
        const other = definitionOf(changed(full, place, now))
        // It may be no definition any more; it is never the same one.
        if (other === undefined) return
        expect(digestOf(other)).not.toBe(digestOf(full))
        expect(differences(full, other).length).toBeGreaterThan(0)
      }),
    )
  })

  test('does not change with the order of keys, nor with what is not acted upon', () => {
    const reordered = (value: unknown): unknown =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? value
        : Object.fromEntries(
            Object.entries(value)
              .toReversed()
              .map(([key, part]) => [key, reordered(part)]),
          )
    const same = definitionOf({
      ...(reordered(full) as object),
      _meta: { x: 1 },
      icons: [{ src: 'https://a.example' }],
    })
    expect(same === undefined ? undefined : digestOf(same)).toBe(digestOf(full))
  })
})

test.each<[string, unknown]>([
  ['nothing', undefined],
  ['a list', []],
  ['no name', { ...full, name: '' }],
  ['no schema', { ...full, inputSchema: undefined }],
  ['a description that is no text', { ...full, description: { toString: 'x' } }],
  ['half of a surrogate pair', { ...full, description: 'a\ud800' }],
  ['more than anyone reads', { ...full, description: 'x'.repeat(200_000) }],
  ['a number that is none', { ...full, inputSchema: { type: 'object', minProperties: Number.NaN } }],
])('%s is no definition', (_, given) => {
  expect(definitionOf(given)).toBeUndefined()
})

test('a difference hides nothing: it is written in characters that a screen shows', () => {
  fc.assert(
    fc.property(words, (description) => {
      const other = definitionOf({ ...full, description })
      if (other === undefined) return
      for (const { accepted = '', listed = '', path } of differences(full, other))
        expect(`${accepted}${listed}${path}`).not.toMatch(
          /[\p{Cc}\p{Cf}\p{Co}\p{Default_Ignorable_Code_Point}]/u,
        )
    }),
  )
  expect(differences(full, { ...full, description: 'Send\u{e0041} a\u202e mail.\u200b' })).toEqual([
    { path: 'description', accepted: '"Send a mail."', listed: '"Send\\u{e0041} a\\u{202e} mail.\\u{200b}"' },
  ])
})
