import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createScrub } from './scrub.ts'

// Visible ASCII, as a token may be (and base64 needs a few bytes to be known by).
const token = fc
  .array(fc.integer({ min: 0x21, max: 0x7e }), { minLength: 12, maxLength: 60 })
  .map((codes) => String.fromCharCode(...codes))

const WRITINGS: readonly ((token: string) => string)[] = [
  (value) => value,
  (value) => `Bearer ${value}`,
  (value) => encodeURIComponent(value),
  (value) => `?access_token=${encodeURIComponent(value)}&x=1`,
  (value) => JSON.stringify({ token: value }),
  (value) => Buffer.from(value).toString('hex'),
  (value) => Buffer.from(value).toString('base64'),
  (value) => Buffer.from(value).toString('base64url'),
  (value) => `Basic ${Buffer.from(`user:${value}`).toString('base64')}`,
  (value) => Buffer.from(JSON.stringify({ a: value, b: 1 })).toString('base64url'),
]

/** Whether the value can be had from a text by undoing what programs do. */
function givesAway(text: string, value: string): boolean {
  const decoded = [text]
  for (const part of text.match(/[\w%+/=.~!*'()-]{8,}/g) ?? []) {
    try {
      decoded.push(decodeURIComponent(part))
    } catch {
      // Not percent-encoded.
    }
    decoded.push(Buffer.from(part, 'base64').toString('latin1'), Buffer.from(part, 'hex').toString('latin1'))
  }
  return decoded.some((one) => one.includes(value))
}

describe('a text', () => {
  test('does not give a value away in the spellings of programs, whatever stands around it', () => {
    fc.assert(
      fc.property(
        token,
        fc.constantFrom(...WRITINGS),
        fc.string(),
        fc.string(),
        (value, write, before, after) => {
          const { text, found } = createScrub([value]).text(`${before} ${write(value)} ${after}`)
          expect(found).toBe(true)
          expect(givesAway(text, value)).toBe(false)
        },
      ),
      { numRuns: 500 },
    )
  })

  test('that does not hold it stays as it is', () => {
    fc.assert(
      fc.property(token, fc.string(), (value, text) => {
        fc.pre(!text.includes(value))
        expect(createScrub([value]).text(text)).toEqual({ text, found: false })
      }),
    )
  })
})

describe('a result', () => {
  test('loses it from values and keys, and says where', () => {
    const value = 'CANARY-0123456789'
    const { value: scrubbed, places } = createScrub([value]).json({
      ok: true,
      headers: { authorization: `Bearer ${value}` },
      list: [1, { [value]: 'x' }],
    })
    expect(scrubbed).toEqual({
      ok: true,
      headers: { authorization: 'Bearer [secret]' },
      list: [1, { '[secret]': 'x' }],
    })
    expect(places).toEqual(['headers.authorization', 'list.1'])
  })

  test('is the same object where it holds none', () => {
    fc.assert(
      fc.property(token, fc.jsonValue(), (value, json) => {
        fc.pre(!JSON.stringify(json).includes(value))
        expect(createScrub([value]).json(json as never).value).toBe(json)
      }),
    )
  })

  test('never holds it, wherever it stood', () => {
    fc.assert(
      fc.property(token, fc.constantFrom(...WRITINGS), fc.jsonValue(), (value, write, json) => {
        const { value: scrubbed } = createScrub([value]).json([
          json,
          { [write(value)]: [write(value)] },
        ] as never)
        expect(givesAway(JSON.stringify(scrubbed), value)).toBe(false)
      }),
    )
  })
})

describe('an error', () => {
  const value = 'CANARY-0123456789'
  const scrubbed = (error: unknown): string => {
    const { error: out, found } = createScrub([value]).error(error)
    expect(found).toBe(true)
    return `${String(out)} ${(out as Error).stack} ${JSON.stringify(out)} ${String((out as Error).cause)}`
  }

  test.for<[string, unknown]>([
    ['its message', new TypeError(`401 for Bearer ${value}`)],
    ['a cause', new Error('failed', { cause: new Error('inner', { cause: { headers: [value] } }) })],
    ['a property', Object.assign(new Error('failed'), { config: { headers: { authorization: value } } })],
    [
      'a property that is not enumerable',
      Object.defineProperty(new Error('failed'), 'request', { value: { token: value } }),
    ],
    ['toJSON', Object.assign(new Error('failed'), { toJSON: () => ({ token: value }) })],
    ['a getter', Object.defineProperty(new Error('failed'), 'token', { get: () => value, enumerable: true })],
    ['one of several', new AggregateError([new Error('a'), new Error(value)], 'failed')],
    ['no error at all', { message: value }],
    ['a string', value],
  ])('that holds it in %s is replaced by one that does not', ([, error]) => {
    expect(scrubbed(error)).not.toContain('CANARY')
  })

  test('that cannot be looked through is replaced, and one in a cycle is looked through', () => {
    const hostile = Object.defineProperty(new Error('failed'), Symbol.for('nodejs.util.inspect.custom'), {
      value: () => {
        throw new Error('no')
      },
    })
    expect(createScrub([value]).error(hostile)).toMatchObject({ found: true, error: { message: 'failed' } })
    const cycle = Object.assign(new Error('failed'), { self: {} as object })
    cycle.self = { cycle, headers: [value] }
    expect(scrubbed(cycle)).not.toContain('CANARY')
  })

  test('keeps its name and words', () => {
    expect(createScrub([value]).error(new TypeError(`for ${value}`)).error).toMatchObject({
      name: 'TypeError',
      message: 'for [secret]',
    })
    const plain = new RangeError('elsewhere')
    expect(createScrub([value]).error(plain)).toEqual({ error: plain, found: false })
  })
})
