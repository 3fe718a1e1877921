import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { answersAtOnce, revalidates } from './revalidates.ts'

describe('an input is checked again where it is used', () => {
  test.each([
    ['an object', z.object({ to: z.email(), n: z.number().min(1).optional() })],
    ['a refined object', z.object({ to: z.string() }).refine(({ to }) => to !== '')],
  ])('by %s', (_, schema) => {
    expect(revalidates(schema)).toBe(true)
  })

  test.each([
    ['a transform', z.object({ day: z.string().transform((day) => new Date(day)) })],
    ['coercion', z.object({ n: z.array(z.coerce.number()) })],
    ['a codec', z.object({ list: z.union([z.string(), z.preprocess(String, z.string())]) })],
  ])('but not by %s, whose output is no input', (_, schema) => {
    expect(revalidates(schema)).toBe(false)
  })
})

describe('a schema is asked without waiting', () => {
  test.each([
    [
      'of plain kinds',
      z.object({ to: z.email(), tags: z.array(z.enum(['a'])).max(3), n: z.int().nullable() }),
    ],
    ['of unions and records', z.union([z.record(z.string(), z.literal(1)), z.tuple([z.string()])])],
  ])('if it is %s', (_, schema) => {
    expect(answersAtOnce(schema)).toBe(true)
  })

  test.each([
    ['a check of its own', z.object({ to: z.string().refine(async () => Promise.reject(new Error('no'))) })],
    ['a check of the whole', z.object({ to: z.string() }).superRefine(async () => {})],
    ['a part that is found later', z.object({ to: z.lazy(() => z.string().refine(async () => true)) })],
    ['a custom part', z.array(z.custom(async () => true))],
    ['a promise', z.object({ to: z.promise(z.string()) })],
  ])('but not if it has %s', (_, schema) => {
    expect(answersAtOnce(schema)).toBe(false)
  })
})
