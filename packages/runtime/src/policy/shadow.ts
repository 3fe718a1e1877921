import type { Json } from '../json/plain.ts'
import { canonicalJson } from '../json/plain.ts'
import { strictest } from './combine.ts'
import { isThenable } from './consult.ts'
import type { Awaitable, Decision } from './decision.ts'
import { type PolicyAnswer, type PolicyEngine, askPolicy, engineOf } from './engine.ts'
import type { LabelView } from './label-view.ts'
import type { Policy, PolicySource } from './policy.ts'
import type { PolicyRequest } from './request.ts'

/** A call on which the policy in force and the candidate do not agree. */
export interface ShadowDifference {
  readonly request: PolicyRequest
  readonly enforced: { readonly outcome: Decision['outcome']; readonly answer: PolicyAnswer }
  /** What the candidate would have done; undefined where it could not be evaluated, which would be a deny. */
  readonly candidate: { readonly outcome: Decision['outcome']; readonly answer: PolicyAnswer } | undefined
}

/**
 * Runs a candidate beside the policy in force, and reports where it would do something else: another outcome,
 * other approvers, obligations or bases.
 *
 * The answer is always that of `enforced`. A candidate or a report that fails, or takes its time, changes
 * nothing and holds nothing up; what `report` throws is dropped.
 */
export function shadow(
  candidate: Policy | PolicySource | PolicyEngine,
  options: {
    enforced: Policy | PolicySource | PolicyEngine
    report: (difference: ShadowDifference) => Awaitable<void>
  },
): PolicyEngine {
  const { report } = options
  const [tried, enforced] = [asEngine(candidate), asEngine(options.enforced)]
  return Object.freeze({
    get version() {
      return enforced.version
    },
    decide(request: PolicyRequest, labels: LabelView, within: { signal: AbortSignal }) {
      const compare = (answer: PolicyAnswer): PolicyAnswer => {
        void beside(tried, request, labels, within, answer, report)
        return answer
      }
      const answer = enforced.decide(request, labels, within)
      return isThenable(answer) ? answer.then(compare) : compare(answer)
    },
  })
}

function asEngine(given: Policy | PolicySource | PolicyEngine): PolicyEngine {
  return 'decide' in given ? given : engineOf(given)
}

// An async function runs at once up to its first await, so a candidate that answers at once sees the counters
// and labels as they stand; and whatever throws in it ends here.
async function beside(
  candidate: PolicyEngine,
  request: PolicyRequest,
  labels: LabelView,
  within: { signal: AbortSignal },
  answer: PolicyAnswer,
  report: (difference: ShadowDifference) => Awaitable<void>,
): Promise<void> {
  try {
    const would = await attempt(() => askPolicy(candidate, request, labels, within))
    if (would !== undefined && saying(would) === saying(answer)) return
    const outcome = strictest(answer.reasons)
    await report({
      request,
      enforced: { outcome, answer },
      candidate: would && { outcome: strictest(would.reasons), answer: would },
    })
  } catch {
    // A report is a convenience; the decision stands without it.
  }
}

async function attempt<T>(make: () => Awaitable<T>): Promise<T | undefined> {
  try {
    return await make()
  } catch {
    return undefined
  }
}

function saying({ reasons, obligations, approvers, bases }: PolicyAnswer): string {
  const outcome = strictest(reasons)
  const granted = bases.map(({ tools }) => tools)
  const who = outcome === 'ask' && approvers ? text(approvers) : null
  return canonicalJson([
    outcome,
    who,
    outcome === 'deny' ? [] : text(obligations),
    outcome === 'deny' ? [] : text(granted),
  ])
}

function text(list: readonly unknown[]): string[] {
  return list.map((one) => canonicalJson(one as Json)).toSorted()
}
