import type { PrincipalId } from '../principal.ts'
import type { Bounds } from './bound.ts'
import type { Obligation } from './decision.ts'
import type { PolicyRequest } from './request.ts'

/**
 * What a rule asks of a request. It must answer true or false, at once: one that throws, or answers with
 * anything else (a promise too), turns the call into a deny.
 */
export type Condition = (request: PolicyRequest) => boolean

/** To which calls a rule speaks: to all where nothing is said. All that is said must hold. */
export interface RuleScope {
  readonly tools?: readonly string[] | '*'
  readonly when?: Condition
  /** Why, for people and the audit. Never shown to the model. */
  readonly reason?: string
}

/**
 * A permit can only ask that the labels are good. With this, and with no label in a `PolicyRequest`, nothing
 * that an outsider adds can make a permit speak.
 */
export interface PermitOptions extends RuleScope {
  /** Every author of what led to the call is one of these; `'trusted'` is the run's trusted set. */
  readonly allAuthorsIn?: readonly Exclude<PrincipalId, 'anyone'>[] | 'trusted'
  /** The call reaches none but these. */
  readonly audienceWithin?: readonly string[]
  /**
   * Bounds, by path of the input, within which alone the rule speaks. Where they bound every control argument
   * of the tool, the rule is a basis for an irreversible effect. Needs `tools` by name.
   */
  readonly basis?: Bounds
}

/** An ask or a deny can only ask that the labels are bad: more from outside never silences it. */
export interface RestrictOptions extends RuleScope {
  /** Some author of what led to the call is none of these. */
  readonly someAuthorOutside?: readonly Exclude<PrincipalId, 'anyone'>[] | 'trusted'
  /** The call reaches someone besides these, or it is not known whom. */
  readonly audienceOutside?: readonly string[]
}

export interface AskOptions extends RestrictOptions {
  /** Who may say yes; any registered approver where left out. */
  readonly approvers?: readonly string[]
}

export interface ObligateOptions extends RestrictOptions {
  readonly must: readonly Obligation[]
}

/** A developer's rule. Made by `permit`, `ask`, `deny` and `obligate`, and checked by `policy`. */
export type Rule =
  | { readonly kind: 'permit'; readonly name: string; readonly options: PermitOptions }
  | { readonly kind: 'ask'; readonly name: string; readonly options: AskOptions }
  | { readonly kind: 'deny'; readonly name: string; readonly options: RestrictOptions }
  | { readonly kind: 'obligate'; readonly name: string; readonly options: ObligateOptions }

/** Permits calls, unless another rule asks or denies. */
export function permit(name: string, options: PermitOptions = {}): Rule {
  return Object.freeze({ kind: 'permit', name, options })
}

/**
 * Makes calls wait for a person, unless another rule denies. Several rules with approvers need one in common.
 *
 * With a condition on labels it only restricts: a call that no other rule speaks about stays denied.
 */
export function ask(name: string, options: AskOptions = {}): Rule {
  return Object.freeze({ kind: 'ask', name, options })
}

/** Denies calls, whatever other rules say. */
export function deny(name: string, options: RestrictOptions = {}): Rule {
  return Object.freeze({ kind: 'deny', name, options })
}

/** Says what must be done for a permit to count. Permits nothing itself. */
export function obligate(name: string, options: ObligateOptions): Rule {
  return Object.freeze({ kind: 'obligate', name, options })
}

/**
 * Permits every call of a tool that has a contract: authority, the flow rules, risk and approvals still apply.
 * For those who have no rules of their own yet, and as a base on which asks and denies stand.
 */
export const permitContracted: Rule = permit('permit-contracted', {
  reason: 'The tool has a contract, and the policy leaves the rest to its flow rules and risk.',
})
