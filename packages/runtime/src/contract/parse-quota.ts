import { z } from 'zod'
import type { Quota } from './contract.ts'

const words = (expected: string): { error: string } => ({ error: expected })
const amount = (of: string): z.ZodType<number> =>
  z.number(words(`a positive ${of}`)).positive(words(`a positive ${of}`))
const whole = (of: string): z.ZodType<number> =>
  z.int(words(`a positive whole number of ${of}`)).positive(words(`a positive whole number of ${of}`))

const PER = ['run', 'session', 'user', 'agent', 'tool', 'resource', 'tenant'] as const
const EACH = 'what one call takes: a number from 0 up, or the path of an argument for a cost'

/** What a quota counts. Exactly one of them stands in each. */
export const UNITS = ['calls', 'cost', 'bytes', 'wallMs'] as const

/** The shape of a quota; `quotaProblem` says the rest. */
export const quotaShape: Readonly<Record<string, z.ZodType>> = {
  calls: whole('calls').optional(),
  cost: amount('number').optional(),
  bytes: whole('bytes').optional(),
  wallMs: whole('milliseconds').optional(),
  each: z.union([z.number().nonnegative(), z.string().min(1)], words(EACH)).optional(),
  per: z.enum(PER, words(PER.map((one) => `'${one}'`).join(', '))),
  windowMs: whole('milliseconds').optional(),
  window: z.enum(['fixed', 'sliding'], words("'fixed' or 'sliding'")).optional(),
}

export const quota: z.ZodType = z.strictObject(
  quotaShape,
  words('{ calls | cost | bytes | wallMs, each?, per, windowMs?, window? }'),
)

/** What is wrong with a quota of the right shape: a unit too many, or no word on what one call takes. */
export function quotaProblem(
  given: Quota,
  deadlineMs: number | undefined,
): { key: string; given: unknown; expected: string } | undefined {
  const units = UNITS.filter((unit) => unit in given)
  if (units.length !== 1)
    return { key: units[1] ?? 'calls', given: units, expected: 'exactly one of calls, cost, bytes, wallMs' }
  const { each, window, windowMs } = given as { each?: unknown; window?: string; windowMs?: number }
  if (window === 'sliding' && windowMs === undefined)
    return { key: 'windowMs', given: windowMs, expected: 'a length for the sliding window' }
  const fits =
    units[0] === 'calls'
      ? each === undefined
      : units[0] === 'cost'
        ? typeof each === 'number' ||
          (typeof each === 'string' && each.split('.').every((step) => step !== ''))
        : typeof each === 'number' ||
          (units[0] === 'wallMs' && each === undefined && deadlineMs !== undefined)
  if (fits) return undefined
  const expected = units[0] === 'calls' ? 'nothing: a call is one call' : EACH
  return { key: 'each', given: each, expected }
}
