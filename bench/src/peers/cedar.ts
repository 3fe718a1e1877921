import type { Peer } from './peer.ts'

const SCHEMA = `
entity User = { tenant: String, role: String, isSuspended: Bool, timeZone: String, address: String };
entity Tool = { classification: String, isEgress: Bool };
action call appliesTo {
  principal: User,
  resource: Tool,
  context: { hour: Long, calls: Long, refusals: Long, subjectLength: Long, to: String },
};
`

const forbid = (when: string): string => `forbid(principal, action, resource) when { ${when} };`

// By id, so that a reason names a rule.
const POLICIES = {
  'mail-of-the-tenants':
    'permit(principal, action == Action::"call", resource == Tool::"sendEmail") when { principal.tenant == "acme" || principal.tenant == "initech" };',
  'outside-hours': forbid('context.hour < 6 || context.hour >= 22'),
  'too-secret': forbid('!(["public", "internal"].contains(resource.classification))'),
  'too-many-calls': forbid('context.calls >= 1000000'),
  suspended: forbid('principal.isSuspended'),
  'interns-outside': forbid('principal.role == "intern" && resource.isEgress'),
  'refused-often': forbid('context.refusals > 20'),
  'long-subject': forbid('context.subjectLength > 200'),
  'to-oneself': forbid('context.to == principal.address'),
  'zone-not-served': forbid('principal.timeZone == "Antarctica/Troll"'),
}

/** Policies and schema are parsed before; each request is validated, or a missing attribute would skip a forbid. */
export const cedar: Peer = {
  package: '@cedar-policy/cedar-wasm',
  measures:
    'the rules alone, parsed before; two entities and the request validated on each call; nothing recorded',
  async load() {
    const { preparsePolicySet, preparseSchema, statefulIsAuthorized } =
      await import('@cedar-policy/cedar-wasm/nodejs')
    for (const parsed of [
      preparsePolicySet('ten-rules', { staticPolicies: POLICIES }),
      preparseSchema('calls', SCHEMA),
    ])
      if (parsed.type !== 'success') throw new Error(parsed.errors.map(({ message }) => message).join('; '))
    return (facts) => {
      const principal = { type: 'User', id: facts.user }
      const resource = { type: 'Tool', id: 'sendEmail' }
      const { tenant, role, isSuspended, timeZone, classification, isEgress } = facts
      const { hour, calls, refusals, to } = facts
      const call: Parameters<typeof statefulIsAuthorized>[0] = {
        principal,
        action: { type: 'Action', id: 'call' },
        resource,
        context: { hour, calls, refusals, subjectLength: facts.subject.length, to },
        preparsedSchemaName: 'calls',
        validateRequest: true,
        preparsedPolicySetId: 'ten-rules',
        entities: [
          {
            uid: principal,
            attrs: { tenant, role, isSuspended, timeZone, address: facts.user },
            parents: [],
          },
          { uid: resource, attrs: { classification, isEgress }, parents: [] },
        ],
      }
      return () => {
        const answer = statefulIsAuthorized(call)
        if (answer.type !== 'success') throw new Error(answer.errors.map(({ message }) => message).join('; '))
        const { decision, diagnostics } = answer.response
        return decision === 'allow' && diagnostics.errors.length === 0
      }
    }
  },
}
