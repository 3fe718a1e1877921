import type { Awaitable } from '../policy/decision.ts'

/** Something a person should look at. It holds no value that a user or a document wrote. */
export interface Alert {
  /**
   * `violations` and `cost-rate` stopped the run. `budget` refused a model request. The others come from the
   * baseline: more calls than usual, a tool never used before, results larger or more tokens than usual.
   * `destination`: a tool tried to take its credential elsewhere.
   */
  readonly kind:
    | 'violations'
    | 'cost-rate'
    | 'budget'
    | 'destination'
    | 'calls'
    | 'first-use'
    | 'volume'
    | 'tokens'
  readonly run: string
  readonly session: string | undefined
  readonly subject: string
  /** `agent:id@version`. */
  readonly agent: string
  readonly tenant: string | undefined
  readonly tool: string | undefined
  readonly at: Date
  readonly text: string
  /** Whether the run was halted for it. */
  readonly halted: boolean
}

/** How an alert reaches a person. It is in the audit as well, so a throw loses nothing and stops nothing. */
export type RaiseAlert = (alert: Alert, options: { readonly signal: AbortSignal }) => Awaitable<void>
