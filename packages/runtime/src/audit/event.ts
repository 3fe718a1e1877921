import type { Effect, Risk } from '../contract/contract.ts'
import type { Json } from '../json/plain.ts'
import type { Label } from '../label/label.ts'
import type { Reason } from '../policy/decision.ts'

/** Whose event it is: the same for all events of a run. */
export interface AuditContext {
  readonly run?: string | undefined
  readonly session?: string | undefined
  readonly trace?: string | undefined
  readonly subject?: string | undefined
  /** `agent:id@version`. */
  readonly agent?: string | undefined
  /** The actors behind the agent, nearest first (the nesting of `act` in RFC 8693). */
  readonly delegation?: readonly string[] | undefined
  readonly tenant?: string | undefined
  /** The event that started the run, where no person did. */
  readonly trigger?: string | undefined
}

/** How one control argument stood when the call was decided on. */
export interface ArgumentStanding {
  readonly path: string
  /** `quoted`, `bound`, `minted`, `derived`, `approved`, `choice`, `trusted-cause` or `unattested`. */
  readonly standing: string
  readonly authors: readonly string[]
  /** The chunks that it was found in, by their id in the run's ledger. */
  readonly chunks: readonly number[]
}

export interface AuditedApproval {
  readonly requestId: string
  readonly by?: string | undefined
  /** ISO 8601. */
  readonly authenticatedAt?: string | undefined
  readonly decidedAfterMs?: number | undefined
}

/** How the subject of a run was authenticated. */
export interface AuditedAuthentication {
  /** `unstated`: the application named a user and did not say. `none`: the agent acts for itself. */
  readonly kind: 'jwt' | 'session' | 'none' | 'unstated'
  /** The issuer of the token, or the name of the application's session. */
  readonly by?: string | undefined
  /** When the user proved who they are, ISO 8601. */
  readonly at?: string | undefined
  readonly acr?: string | undefined
  /** When the run may do nothing more, ISO 8601. */
  readonly until?: string | undefined
}

interface CallFacts {
  readonly call: string
  readonly tool: string
}

/** A call was decided on. A permit is written before the effect, so that a crash leaves a trace of it. */
export interface DecisionFact extends CallFacts {
  readonly type: 'decision'
  readonly outcome: 'permit' | 'ask' | 'deny'
  /** The error's code, where the call was refused. */
  readonly code?: string | undefined
  readonly turn: number
  readonly step?: number | undefined
  readonly effect: Effect
  readonly risk: Risk
  readonly action: string
  readonly resource: { readonly type: string; readonly id: string }
  /** Leaves that `arguments` does not name are content, and are written as their length alone. */
  readonly input: Json
  readonly cause: Label | undefined
  readonly causeChunks: readonly number[]
  readonly arguments: readonly ArgumentStanding[]
  /** The rules that spoke. */
  readonly reasons: readonly Reason[]
  /** Kinds of obligations. */
  readonly obligations: readonly string[]
  readonly approval?: AuditedApproval | undefined
  readonly contractDigest?: string | undefined
  readonly policyVersion?: string | undefined
  /** What a rule on trial would have said; nothing was enforced. */
  readonly shadow?: boolean | undefined
}

export interface OutcomeFact extends CallFacts {
  readonly type: 'outcome'
  readonly status: 'ok' | 'error' | 'aborted' | 'timeout' | 'discarded'
  readonly code?: string | undefined
  readonly latencyMs: number
  readonly resultDigest?: string | undefined
  /** UTF-16 units of the result as JSON, or bytes of binary. */
  readonly resultSize?: number | undefined
  readonly chunks?: readonly number[] | undefined
  readonly tokens?: { readonly input?: number | undefined; readonly output?: number | undefined } | undefined
  readonly cost?: number | undefined
}

export interface ToolRefusedFact {
  readonly type: 'tool-refused'
  readonly server: string
  /** The server's own name of it. */
  readonly tool: string
  readonly because: string
}

/** No token, no header and no argument is in it. */
export interface RequestRefusedFact {
  readonly type: 'request-refused'
  /** Who refused: the address of the server, or the name of what stands before it. */
  readonly server: string
  readonly because: string
  /** Of the answer, where it was one of HTTP. */
  readonly status?: number | undefined
  /** What was asked for, where that was read, as whoever asked spelled it. */
  readonly method?: string | undefined
  readonly tool?: string | undefined
  /** The client of the token, where it was good. */
  readonly client?: string | undefined
}

/** What happened; the context, the time and the position are added when it is recorded. */
export type AuditFact =
  | {
      readonly type: 'run-started'
      readonly mode: string
      readonly resumed: boolean
      readonly policyVersion?: string | undefined
      readonly contractsDigest?: string | undefined
      readonly authentication?: AuditedAuthentication | undefined
      /** The run that it is part of. */
      readonly parent?: string | undefined
    }
  | {
      readonly type: 'run-ended'
      readonly status: 'ended' | 'halted' | 'aborted' | 'failed'
      readonly calls: number
      readonly refusals: number
      readonly durationMs: number
    }
  | { readonly type: 'turn'; readonly turn: number; readonly chunks?: readonly number[] | undefined }
  | DecisionFact
  | OutcomeFact
  | (CallFacts &
      AuditedApproval & {
        readonly type: 'approval'
        readonly outcome: 'asked' | 'approved' | 'rejected' | 'pending' | 'expired' | 'stale'
        readonly digest?: string | undefined
      })
  | {
      readonly type: 'halt'
      readonly action: 'halt' | 'resume'
      readonly scope: Json
      readonly by: string
      readonly reason: string
    }
  | {
      readonly type: 'relabel'
      readonly kind: 'endorse' | 'declassify'
      readonly from: Label
      readonly to: Label
      readonly by: string
      readonly reason: string
      readonly chunk?: number | undefined
    }
  | {
      readonly type: 'grant'
      readonly action: 'given' | 'used' | 'ended'
      readonly by: string
      readonly tools: readonly string[]
      readonly expires?: string | undefined
      readonly chunks?: readonly number[] | undefined
    }
  /** A token was got for a run, refused as it came back, or revoked; never the token itself. */
  | {
      readonly type: 'credential'
      readonly action: 'issued' | 'refused' | 'revoked'
      /** As in the inventory. */
      readonly id?: string | undefined
      readonly issuer: string
      readonly audience: string
      readonly scopes?: readonly string[] | undefined
      /** ISO 8601. */
      readonly expires?: string | undefined
      /** What was wrong with it, in a word. */
      readonly reason?: string | undefined
      /** Whether the issuer says that it is gone. */
      readonly confirmed?: boolean | undefined
    }
  /** A result did not fit what its contract says; all of it was labelled as authored by anyone. */
  | (CallFacts & { readonly type: 'contract-mismatch'; readonly paths: readonly string[] })
  /** Results of earlier turns were taken out of a prompt, since they may no longer be shown. */
  | {
      readonly type: 'withheld'
      readonly tool: string
      readonly turn: number
      /** Those that were taken out whole. */
      readonly chunks: readonly number[]
      /** Those of which a part may still be shown. */
      readonly inPart: readonly number[]
    }
  /** A tool ran, or was about to, in a call that the guard never saw the model make. */
  | (CallFacts & { readonly type: 'call-unknown' })
  /** A tool of a server is not offered in this run. */
  | ToolRefusedFact
  /** A server under guard refused a request, or a proxy a call, before anything was decided on. */
  | RequestRefusedFact
  /** Something that a person should look at; no value of a user or a document is in it. */
  | {
      readonly type: 'alert'
      readonly kind: string
      readonly tool?: string | undefined
      readonly text: string
      /** Whether the run was halted for it. */
      readonly halted: boolean
    }
  /** The final answer passed its checks, or had things taken out. */
  | { readonly type: 'answer'; readonly links: number; readonly images: number; readonly secrets: number }

export type AuditEvent = AuditContext & {
  /** ISO 8601, UTC. */
  readonly time: string
  /** Position among all events of this guard in this process, from 1. */
  readonly sequence: number
} & AuditFact
