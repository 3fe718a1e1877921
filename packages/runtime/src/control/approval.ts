import type { Json } from '../json/plain.ts'
import type { Awaitable } from '../policy/decision.ts'

/** One exact call, as a person says yes to it. Everything here is covered by the digest that they sign. */
export interface ApprovalCall {
  readonly tool: string
  /** Where the call goes: the audience of a tool's credential, the host of a URL. */
  readonly destination: string | undefined
  /** The input that will be executed. */
  readonly input: Json
  /** The authors of each control leaf as they stood, by path. */
  readonly labels: Json
  readonly run: string
  readonly tenant: string | undefined
  readonly subject: string
  /** `agent:id@version`. */
  readonly agent: string
  /** Who may say yes; any registered approver where undefined. */
  readonly approvers: readonly string[] | undefined
  readonly contractDigest: string
  readonly policyVersion: string
}

/** An argument that came from somewhere other than the user, for a person to judge. */
export interface ApprovalSource {
  /** The argument, as a path. */
  readonly path: string
  readonly value: string
  /** Where the value came from, in words of ours: `result of searchDocs`. */
  readonly from: string
  readonly authors: readonly string[]
}

/** What a person needs to decide, worded by the guard and never by the model. Values in it are shown escaped. */
export interface ApprovalFacts {
  readonly what: string
  readonly toWhom: readonly string[]
  readonly sources: readonly ApprovalSource[]
  readonly reasons: readonly string[]
}

/** A question to a person about one call. Its digest covers the call, the request's id and its expiry. */
export interface ApprovalRequest extends ApprovalCall {
  readonly id: string
  readonly asked: Date
  readonly expires: Date
  /** SHA-256 in hex over RFC 8785 canonical JSON; what the approver signs. */
  readonly digest: string
  /** Safe to print: control, invisible and bidirectional characters are escaped, long values cut with a note. */
  readonly facts: ApprovalFacts
}

/**
 * The way a request reaches a person. The agent must not be able to write to it: the signing key belongs to the
 * person's side, never to the tools.
 */
export interface ApprovalChannel {
  /**
   * Show a request to a person; resolve with their signed decision (a compact JWS), or with undefined if it
   * will arrive later through `Approvals.decide`. A throw is a refusal: the call is denied as unavailable.
   * The signal fires when nobody waits for the answer any more.
   */
  present(request: ApprovalRequest, options: { readonly signal: AbortSignal }): Awaitable<string | undefined>
}

/** Who answered, for the audit. */
export interface ApprovalAnswer {
  readonly requestId: string
  readonly digest: string
  readonly by: string
  /** When the approver authenticated (`auth_time`), where their statement says. */
  readonly authenticatedAt: Date | undefined
  readonly decidedAfterMs: number
}

/** Only `approved` lets the call go on; every other outcome is a refusal. */
export type ApprovalOutcome =
  | ({ readonly outcome: 'approved' } & ApprovalAnswer)
  | ({ readonly outcome: 'rejected' } & ApprovalAnswer)
  | { readonly outcome: 'pending' | 'expired' | 'stale'; readonly requestId: string }

export interface AskOptions {
  readonly signal: AbortSignal
  /** How long the request stays open, in milliseconds. Default: as configured. */
  readonly deadlineMs?: number
  /**
   * Answer from this request only, as an application does that resumes by the request's id. A call that is not, byte for byte, the one that it was made for is `stale`,
   * and nobody is asked.
   */
  readonly requestId?: string
  /**
   * The user's turn. A no to a call stands for identical calls of the same turn, so that a model cannot ask
   * until someone gives in; where left out, until the request's deadline.
   */
  readonly turn?: number
}

/** Single-use, expiring approvals of exact calls. */
export interface Approvals {
  /**
   * Spend a signed approval of exactly this call, or ask a person and wait for one.
   *
   * An approval is consumed once: two identical calls need two. `pending` means that nobody answered in
   * `waitMs`; the same call made again later picks up the same request. No answer by the deadline is `expired`.
   *
   * @throws {UnavailableError} `ERR_APPROVALS_UNAVAILABLE`, if the channel or the store fails.
   */
  ask(call: ApprovalCall & { readonly facts: ApprovalFacts }, options: AskOptions): Promise<ApprovalOutcome>
  /**
   * Ask a person about a call that is not being made yet, unless they were asked already. Spends nothing; the
   * call finds the answer when it is made.
   *
   * @throws {UnavailableError} `ERR_APPROVALS_UNAVAILABLE`, if the store fails.
   */
  request(call: ApprovalCall & { readonly facts: ApprovalFacts }, options: AskOptions): Promise<void>
  /**
   * Take in a decision that came out of band: a compact JWS over the digest of an open request.
   *
   * @throws {ApprovalError} If it does not verify (`REQUIRED`), fits no open request (`STALE`) or is late (`EXPIRED`).
   */
  decide(statement: string, options?: { readonly signal?: AbortSignal }): Promise<void>
  /** Requests that are open and undecided, oldest first. */
  pending(options?: { readonly signal?: AbortSignal }): Promise<readonly ApprovalRequest[]>
}
