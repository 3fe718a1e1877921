import type { Json } from '../json/plain.ts'
import type { Place } from '../json/path.ts'

/** Where in the decision path an answer was given. */
export type Step =
  | 'halt'
  | 'identity'
  | 'contract'
  | 'authority'
  | 'flow'
  | 'policy'
  | 'risk'
  | 'approval'
  | 'limits'
  | 'credential'
  | 'execute'

/** Why, for people and for the audit. Never shown to the model. */
export interface Reason {
  readonly step: Step
  /** A stable name: `unattested-argument`, `reader-not-admitted`, or a developer's rule. */
  readonly rule: string
  readonly outcome: 'permit' | 'ask' | 'deny'
  readonly text: string
  /** The argument it is about, as a path. */
  readonly path?: string
}

/** What must be done for a permit to count; one that cannot be done turns it into a deny. */
export type Obligation =
  | { readonly kind: 'replace'; readonly place: Place; readonly value: Json }
  | { readonly kind: 'flag-for-review' }

/** The answer to one call. `permit` holds only together with its obligations. */
export type Decision =
  | {
      readonly outcome: 'permit'
      readonly reasons: readonly Reason[]
      readonly obligations: readonly Obligation[]
    }
  | {
      readonly outcome: 'ask'
      readonly reasons: readonly Reason[]
      readonly obligations: readonly Obligation[]
    }
  | { readonly outcome: 'deny'; readonly reasons: readonly Reason[]; readonly obligations: readonly [] }

/** Something that may be a promise: a port that answers at once costs no turn of the event loop. */
export type Awaitable<T> = T | PromiseLike<T>
