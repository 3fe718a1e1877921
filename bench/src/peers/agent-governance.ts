import type { Decide, Peer } from './peer.ts'
import type { Facts } from './rules.ts'

const RULES = [
  ['mail-of-the-tenants', "tool == 'sendEmail' and tenant in ['acme', 'initech']"],
  ['outside-hours', 'hour < 6 or hour >= 22'],
  ['too-secret', "classification not in ['public', 'internal']"],
  ['too-many-calls', 'calls >= 1000000'],
  ['suspended', 'isSuspended == true'],
  ['interns-outside', "role == 'intern' and isEgress == true"],
  ['refused-often', 'refusals > 20'],
  ['long-subject', 'subjectLength > 200'],
  // Its conditions compare an attribute with a constant only, so the caller compares the two addresses.
  ['to-oneself', 'isToOneself == true'],
  ['zone-not-served', "timeZone == 'Antarctica/Troll'"],
] as const

async function engine(isAudited: boolean): Promise<(facts: Facts) => Decide> {
  const { AuditLogger, ConflictResolutionStrategy, PolicyEngine } =
    await import('@microsoft/agent-governance-sdk')
  const policies = new PolicyEngine([], ConflictResolutionStrategy.DenyOverrides)
  policies.loadPolicy({
    name: 'ten-rules',
    default_action: 'deny',
    rules: RULES.map(([name, condition], index) => ({
      name,
      condition,
      ruleAction: index === 0 ? ('allow' as const) : ('deny' as const),
    })),
  })
  const audit = new AuditLogger()
  return (facts) => {
    const context = {
      ...facts,
      tool: 'sendEmail',
      subjectLength: facts.subject.length,
      isToOneself: facts.to === facts.user,
    }
    return () => {
      const { allowed } = policies.evaluatePolicy('agent', context)
      if (isAudited)
        audit.log({ agentId: 'agent', action: 'sendEmail', decision: allowed ? 'allow' : 'deny' })
      return allowed
    }
  }
}

export const agentGovernance: Peer = {
  package: '@microsoft/agent-governance-sdk',
  measures: 'the rules alone, as conditions in text; nothing recorded',
  load: () => engine(false),
}

export const agentGovernanceAudited: Peer = {
  package: '@microsoft/agent-governance-sdk',
  way: 'with its audit',
  measures: 'the rules, and an entry in its hash-chained audit log (agent, action, decision)',
  load: () => engine(true),
}
