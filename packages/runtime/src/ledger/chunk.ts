import type { Label } from '../label/label.ts'
import type { Json } from '../json/plain.ts'

/** Where a chunk of context came from. */
export type Origin =
  | {
      readonly kind: 'instructions' | 'tool-definition' | 'user-message' | 'participant-message' | 'constant'
    }
  | { readonly kind: 'marked' | 'file' | 'history' | 'memory' | 'trigger'; readonly from?: string }
  | { readonly kind: 'tool-result' | 'tool-error'; readonly call: string; readonly tool: string }
  | { readonly kind: 'model-output'; readonly step: number }
  | { readonly kind: 'relabelled'; readonly by: string; readonly reason: string }

/** A piece of context with one label and one origin. */
export interface Chunk {
  /** Position in the run's ledger. */
  readonly id: number
  readonly origin: Origin
  readonly label: Label
  /** What selected it: the cause of the call that brought it. Joined into later causes, so that pruning restores no trust. */
  readonly selectedBy: Label | undefined
  readonly parents: readonly number[]
  readonly content: Json
  readonly turn: number
}
