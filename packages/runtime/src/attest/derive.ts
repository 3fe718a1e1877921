import { evaluate } from './derive/evaluate.ts'
import { numberOf } from './derive/decimal.ts'
import { parse } from './derive/parse.ts'
import { type Reading, reading } from './derive/reading.ts'
import { Refusal } from './derive/refusal.ts'
import type { DeriveScope, Derived, Read } from './derive/scope.ts'
import { type Value, isoDate, isoMoment } from './derive/value.ts'
import type { JsonScalar } from '../json/plain.ts'

export { DERIVE_DESCRIPTION, DERIVE_INPUT } from './derive/describe.ts'
export type * from './derive/scope.ts'

/**
 * Compute a value from attested values, and say how well it stands.
 *
 * The expression is the model's, so it is taken to be hostile: it is bounded so that few values can be reached
 * from what is attested (sums of leaves used once, one factor that the user gave, no text but whole leaves), and
 * so that it ends (100 parts, 10,000 reads). The outcome stands no better than the weakest thing that it read,
 * and is labelled with all of them, the rows that a filter or `max` passed over included.
 *
 * Never throws on account of the expression or of the results: what cannot be derived is a refusal with a
 * reason, and a message that holds no value. Numbers are computed as exact decimals.
 */
export function derive(expression: string, scope: DeriveScope): Derived {
  try {
    const read = reading(scope)
    const { value, leaf } = outcome(evaluate(parse(expression), read), read)
    return Object.freeze({ ok: true, value, ...read.sum(), ...(leaf === undefined ? {} : { leaf }) })
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return Object.freeze({ ok: false, reason: error.reason, message: error.message })
  }
}

function outcome(value: Value, read: Reading): { value: JsonScalar; leaf?: Read } {
  switch (value.kind) {
    case 'number':
      return { value: numberOf(value.value) }
    case 'day':
      return { value: isoDate(value.value) }
    case 'moment':
      return { value: isoMoment(value.value) }
    case 'node': {
      const { tool, index, place } = value.node
      return { value: read.leaf(value.node), leaf: Object.freeze({ tool, index, place }) }
    }
    case 'list':
    case 'text':
      throw new Refusal('not-a-leaf', 'The outcome must be a number, a date or one whole value of a result.')
    default:
      return value satisfies never
  }
}
