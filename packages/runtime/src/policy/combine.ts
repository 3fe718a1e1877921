import type { Json } from '../json/plain.ts'
import { canonicalJson } from '../json/plain.ts'
import type { Place } from '../json/path.ts'
import type { Decision, Obligation, Reason } from './decision.ts'

/** The reason given where no rule of a policy speaks about a call: silence is a deny. */
export const NO_RULE_SPEAKS: Reason = Object.freeze({
  step: 'policy',
  rule: 'no-rule-speaks',
  outcome: 'deny',
  text: 'No rule of the policy permits this call or asks about it.',
})

const CONFLICTING_REPLACEMENTS: Reason = Object.freeze({
  step: 'policy',
  rule: 'conflicting-replacements',
  outcome: 'deny',
  text: 'Two obligations replace the same part of the input with different values.',
})

const NOTHING_TO_DO: readonly [] = Object.freeze([])

/**
 * One decision from all reasons: deny overrides, then ask, then permit; no reason at all is a deny.
 *
 * The order of the reasons does not matter, and a further ask or deny never loosens the answer. A reason with
 * an outcome that is none of the three counts as a deny, and so do obligations that cannot all be met.
 */
export function combine(reasons: readonly Reason[], obligations: readonly Obligation[] = []): Decision {
  if (reasons.length === 0) return deny([NO_RULE_SPEAKS])
  const outcome = strictest(reasons)
  if (outcome === 'deny') return deny(reasons)
  if (obligations.length === 0) return Object.freeze({ outcome, reasons, obligations: NOTHING_TO_DO })
  const due = distinct(obligations)
  if (conflict(due)) return deny([...reasons, CONFLICTING_REPLACEMENTS])
  return Object.freeze({ outcome, reasons, obligations: due })
}

/** The strictest outcome among reasons; a deny where there is none. */
export function strictest(reasons: readonly Reason[]): Decision['outcome'] {
  let outcome: Decision['outcome'] | undefined
  for (const reason of reasons) {
    if (reason.outcome === 'permit') outcome ??= 'permit'
    else if (reason.outcome === 'ask') outcome = 'ask'
    else return 'deny'
  }
  return outcome ?? 'deny'
}

/**
 * Who may approve, when several rules say so: only whom all of them name. Undefined is any registered
 * approver, an empty list nobody at all.
 */
export function combineApprovers(
  ...lists: readonly (readonly string[] | undefined)[]
): readonly string[] | undefined {
  let all: readonly string[] | undefined
  for (const list of lists) {
    if (list === undefined) continue
    all = all === undefined ? list : all.filter((one) => list.includes(one))
  }
  return all
}

function deny(reasons: readonly Reason[]): Decision {
  return Object.freeze({ outcome: 'deny', reasons, obligations: NOTHING_TO_DO })
}

function distinct(obligations: readonly Obligation[]): readonly Obligation[] {
  if (obligations.length === 1) return obligations
  const byText = new Map(obligations.map((one) => [canonicalJson(one as unknown as Json), one]))
  return Object.freeze([...byText.values()])
}

// Run on distinct obligations, so equal places have different values. A place inside another conflicts too:
// which of the two were done last would decide what runs.
function conflict(due: readonly Obligation[]): boolean {
  const places = due.filter((one) => one.kind === 'replace').map((one) => one.place)
  return places.some((a, i) => places.some((b, j) => i !== j && begins(a, b)))
}

function begins(a: Place, b: Place): boolean {
  return a.length <= b.length && a.every((step, i) => String(step) === String(b[i]))
}
