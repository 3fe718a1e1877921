import { UnavailableError } from '../errors.ts'
import { NO_RULE_SPEAKS } from './combine.ts'
import { consult } from './consult.ts'
import type { Awaitable, Obligation, Reason } from './decision.ts'
import { evaluator, type Evaluate } from './evaluate.ts'
import type { TaskGrant } from './grant.ts'
import type { LabelView } from './label-view.ts'
import { type Policy, type PolicySource, rulesOf } from './policy.ts'
import type { PolicyRequest } from './request.ts'

/** What a policy says about one call, before it is combined with flow rules and risk. */
export interface PolicyAnswer {
  /** The version of the policy that said it. */
  readonly version: string
  /** Every rule that spoke. Never empty: silence is the reason `no-rule-speaks`. */
  readonly reasons: readonly Reason[]
  readonly obligations: readonly Obligation[]
  /** Who may approve, if it comes to that; any registered approver where undefined. */
  readonly approvers: readonly string[] | undefined
  /** Bounded grants of the permits that spoke; the call is within each. */
  readonly bases: readonly TaskGrant[]
}

/**
 * Decides by a developer's rules: step 6. The built-in one is `engineOf`; others ask a policy server.
 *
 * An engine for a server must keep to what `LabelView` tells, and fail where it could not evaluate a rule.
 */
export interface PolicyEngine {
  /** The version in force now. */
  readonly version: string
  decide(request: PolicyRequest, labels: LabelView, options: { signal: AbortSignal }): Awaitable<PolicyAnswer>
}

/**
 * The built-in engine: answers at once, and asks the source for the policy in force at each decision.
 *
 * @throws {ConfigError} If the policy was not made by `policy`.
 */
export function engineOf(source: Policy | PolicySource): PolicyEngine {
  const evaluators = new WeakMap<Policy, Evaluate>()
  const current = 'current' in source ? () => source.current() : () => source
  const evaluate = (): Evaluate => {
    const now = current()
    const known = evaluators.get(now)
    if (known) return known
    const made = evaluator(now.version, rulesOf(now))
    evaluators.set(now, made)
    return made
  }
  evaluate()
  return Object.freeze({
    get version() {
      return current().version
    },
    decide: (request: PolicyRequest, labels: LabelView) => evaluate()(request, labels),
  })
}

/**
 * What an engine says, or an error: for whoever enforces.
 *
 * An engine that throws, answers with something else than an answer, or has not answered when `signal` aborts
 * is out of reach. One that gives no reason has said nothing, which is a deny.
 *
 * @throws {UnavailableError} `ERR_POLICY_UNAVAILABLE`, as a throw or a rejection.
 */
export function askPolicy(
  engine: PolicyEngine,
  request: PolicyRequest,
  labels: LabelView,
  options: { signal: AbortSignal },
): Awaitable<PolicyAnswer> {
  return consult(
    () => engine.decide(request, labels, options),
    readAnswer,
    (cause) =>
      new UnavailableError('ERR_POLICY_UNAVAILABLE', 'The policy could not be evaluated.', { cause }),
    options.signal,
  )
}

function readAnswer(answer: PolicyAnswer): PolicyAnswer {
  const { version, reasons, obligations, approvers, bases } = answer
  if (typeof version !== 'string' || !Array.isArray(reasons) || !Array.isArray(obligations))
    throw new TypeError('The policy engine gave something else than an answer.')
  if (!Array.isArray(bases) || !(approvers === undefined || Array.isArray(approvers)))
    throw new TypeError('The policy engine gave something else than an answer.')
  return reasons.length > 0 ? answer : { ...answer, reasons: [NO_RULE_SPEAKS] }
}
