import type { Peer } from './peer.ts'

const MODEL = `
[request_definition]
r = call, act
[policy_definition]
p = act, rule, eft
[policy_effect]
e = some(where (p.eft == allow)) && !some(where (p.eft == deny))
[matchers]
m = r.act == p.act && eval(p.rule)
`

const DENIES = [
  'r.call.hour < 6 || r.call.hour >= 22',
  'r.call.classification != "public" && r.call.classification != "internal"',
  'r.call.calls >= 1000000',
  'r.call.isSuspended == true',
  'r.call.role == "intern" && r.call.isEgress == true',
  'r.call.refusals > 20',
  'r.call.subjectLength > 200',
  'r.call.to == r.call.user',
  'r.call.timeZone == "Antarctica/Troll"',
]

export const casbin: Peer = {
  package: 'casbin',
  measures: 'the rules alone, as policies over attributes; nothing recorded',
  async load() {
    const { newEnforcer, newModelFromString } = await import('casbin')
    const enforcer = await newEnforcer(newModelFromString(MODEL))
    await enforcer.addPolicy('sendEmail', 'r.call.tenant == "acme" || r.call.tenant == "initech"', 'allow')
    for (const rule of DENIES) await enforcer.addPolicy('sendEmail', rule, 'deny')
    return (facts) => {
      const call = { ...facts, subjectLength: facts.subject.length }
      return () => enforcer.enforce(call, 'sendEmail')
    }
  },
}
