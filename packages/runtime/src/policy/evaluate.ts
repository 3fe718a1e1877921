import { combineApprovers, NO_RULE_SPEAKS } from './combine.ts'
import type { Reason } from './decision.ts'
import type { PolicyAnswer } from './engine.ts'
import type { LabelView } from './label-view.ts'
import type { PolicyRequest } from './request.ts'
import type { CheckedRule, Voice } from './rule-check.ts'

export type Evaluate = (request: PolicyRequest, labels: LabelView) => PolicyAnswer

const NO_APPROVER_IN_COMMON: Reason = Object.freeze({
  step: 'policy',
  rule: 'no-approver-in-common',
  outcome: 'deny',
  text: 'Several rules ask, and no approver is named by all of them.',
})

// A tool name comes from a contract, so there are few; dynamic ones must still not make the table grow for ever.
const MOST_TOOLS = 1000

/** The evaluation of checked rules. Where one rule speaks, or none, the answer was made beforehand. */
export function evaluator(version: string, rules: readonly CheckedRule[]): Evaluate {
  const silent = answerOf(version, [])
  const alone = new Map(rules.map(({ voice }) => [voice, answerOf(version, [voice])]))
  const byTool = new Map<string, readonly CheckedRule[]>()
  const rulesFor = (tool: string): readonly CheckedRule[] => {
    const known = byTool.get(tool)
    if (known) return known
    const found = rules.filter(({ tools }) => tools === undefined || tools.has(tool))
    if (byTool.size < MOST_TOOLS) byTool.set(tool, found)
    return found
  }
  return (request, labels) => {
    let first: Voice | undefined
    let more: Voice[] | undefined
    for (const rule of rulesFor(request.tool)) {
      const voice = voiceOf(rule, request, labels)
      if (voice === undefined) continue
      if (first === undefined) first = voice
      else (more ??= [first]).push(voice)
    }
    if (first === undefined) return silent
    return more === undefined ? (alone.get(first) ?? answerOf(version, [first])) : answerOf(version, more)
  }
}

// `when` comes first: whether it fails must not depend on labels, or a failure that better labels bring about
// could be silenced by worse ones.
function voiceOf(rule: CheckedRule, request: PolicyRequest, labels: LabelView): Voice | undefined {
  const { when } = rule
  if (when !== undefined) {
    let holds: unknown
    try {
      holds = when(request)
    } catch {
      return faulty(rule, 'threw')
    }
    if (holds === false) return undefined
    if (holds !== true) {
      // Nobody will await it, and an unhandled rejection would end the process.
      if (holds instanceof Promise) holds.catch(() => undefined)
      return faulty(
        rule,
        holds instanceof Promise ? 'answered with a promise' : 'answered neither true nor false',
      )
    }
  }
  if (rule.labels !== undefined && !rule.labels(labels)) return undefined
  if (rule.bounds !== undefined && !rule.bounds.holdFor(request.input)) return undefined
  return rule.voice
}

function faulty({ name }: CheckedRule, did: string): Voice {
  const text = `ERR_POLICY: the condition of the rule '${name}' ${did}, so the call is denied.`
  const reason: Reason = { step: 'policy', rule: name, outcome: 'deny', text }
  return { reason, settles: true, obligations: [], approvers: undefined, basis: undefined }
}

function answerOf(version: string, voices: readonly Voice[]): PolicyAnswer {
  const reasons = voices.flatMap(({ reason }) => reason ?? [])
  if (!voices.some(({ settles }) => settles)) reasons.push(NO_RULE_SPEAKS)
  const approvers = combineApprovers(...voices.map((voice) => voice.approvers))
  if (approvers?.length === 0) reasons.push(NO_APPROVER_IN_COMMON)
  return Object.freeze({
    version,
    reasons: Object.freeze(reasons),
    obligations: Object.freeze(voices.flatMap(({ obligations }) => obligations)),
    approvers,
    bases: Object.freeze(voices.flatMap(({ basis }) => basis ?? [])),
  })
}
