import type { Risk } from '../contract/contract.ts'
import type { Obligation, Reason } from './decision.ts'

/** What a risk class means for a call that everything else allows: step 7. */
export interface RiskAnswer {
  readonly reason: Reason
  readonly obligations: readonly Obligation[]
}

const ANSWERS: Readonly<Record<Risk, RiskAnswer>> = Object.freeze({
  low: answer('risk-low', 'permit', 'Low risk: permitted.'),
  medium: answer('risk-medium', 'permit', 'Medium risk: permitted, and flagged for review afterwards.', [
    Object.freeze({ kind: 'flag-for-review' }),
  ]),
  high: answer('risk-high', 'ask', 'High risk: a person decides.'),
  critical: answer('risk-critical', 'deny', 'Critical risk: never done by an agent.'),
})

const UNKNOWN = answer('risk-unknown', 'deny', 'The risk class is none that is known.')

/** Low permits; medium permits and flags for review; high asks; critical, and anything else, denies. */
export function riskAnswer(risk: Risk): RiskAnswer {
  return Object.hasOwn(ANSWERS, risk) ? ANSWERS[risk] : UNKNOWN
}

function answer(
  rule: string,
  outcome: Reason['outcome'],
  text: string,
  obligations: readonly Obligation[] = [],
): RiskAnswer {
  const reason: Reason = Object.freeze({ step: 'risk', rule, outcome, text })
  return Object.freeze({ reason, obligations: Object.freeze([...obligations]) })
}
