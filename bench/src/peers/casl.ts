import type { Peer } from './peer.ts'

const WORKING_HOURS = Array.from({ length: 16 }, (_, index) => index + 6)

/** The ability is made once a user, as its documentation has it; deciding is one `can`. */
export const casl: Peer = {
  package: '@casl/ability',
  measures: 'the rules alone, with an ability made before; nothing recorded',
  batch: 50,
  async load() {
    const { createMongoAbility, subject } = await import('@casl/ability')
    return (facts) => {
      const never = (conditions: Record<string, unknown>): object => ({
        action: 'sendEmail',
        subject: 'Call',
        inverted: true,
        conditions,
      })
      const ability = createMongoAbility([
        { action: 'sendEmail', subject: 'Call', conditions: { tenant: { $in: ['acme', 'initech'] } } },
        never({ hour: { $nin: WORKING_HOURS } }),
        never({ classification: { $nin: ['public', 'internal'] } }),
        never({ calls: { $gte: 1_000_000 } }),
        never({ isSuspended: true }),
        never({ role: 'intern', isEgress: true }),
        never({ refusals: { $gt: 20 } }),
        never({ subjectLength: { $gt: 200 } }),
        never({ to: facts.user }),
        never({ timeZone: 'Antarctica/Troll' }),
      ] as never)
      const call = subject('Call', { ...facts, subjectLength: facts.subject.length })
      return () => ability.can('sendEmail', call)
    }
  },
}
