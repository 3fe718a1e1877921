import type { Effect, Risk } from '../contract/contract.ts'
import type { Json } from '../json/plain.ts'
import type { PrincipalId } from '../principal.ts'

/** What is asked: may this actor, for this subject, do this to that. Holds no labels; see `Rule`. */
export interface PolicyRequest {
  readonly subject: PrincipalId
  readonly actor: PrincipalId
  readonly attributes: Readonly<Record<string, string | number | boolean>>
  readonly tenant: string | undefined
  readonly run: string
  readonly session: string | undefined
  readonly tool: string
  readonly effect: Effect
  readonly egress: boolean
  readonly risk: Risk
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  readonly classification: string | undefined
  /** The frozen input that will run if this is permitted. */
  readonly input: Readonly<Record<string, Json>>
  readonly time: Date
  /** IANA zone of the subject. */
  readonly timeZone: string
  readonly turn: number
  readonly counts: {
    /** Calls executed so far in this run: of one tool, or of all. */
    calls(tool?: string): number
    /** Refusals so far in this run. */
    refusals(): number
  }
}
