import type { ApprovalOutcome } from './control/approval.ts'
import type { Decided } from './decide.ts'
import type { HeldLimits } from './limit-settle.ts'
import type { Snapshot } from './ledger/ledger.ts'
import type { GuardedTool, Perform } from './tool.ts'

/** One call, as it arrives at the enforcement point. */
export interface Invocation {
  readonly call: string
  readonly tool: GuardedTool
  readonly input: unknown
  /** What stood in the prompt that led to it. */
  readonly snapshot: Snapshot
  readonly signal?: AbortSignal | undefined
  /** A look-up of the guard's own: it never asks a person, it fails. */
  readonly isLookup?: boolean
  /** A call that a tool makes in turn, or a look-up of one: it runs in the room that the outer call has. */
  readonly isNested?: boolean
  /** What stops the call that this one is made by. */
  readonly within?: AbortSignal | undefined
  readonly perform: Perform
  /** Hears values that a generator tool yields before its last. They go to the application, not to the model. */
  readonly onPreliminary?: ((value: unknown) => void) | undefined
}

/** How far a call got, for whoever has to undo it. */
export interface Progress {
  decided: Decided | undefined
  /** What the call holds of its turn. */
  reserved: string | undefined
  readonly held: HeldLimits
  approval: Extract<ApprovalOutcome, { outcome: 'approved' }> | undefined
}
