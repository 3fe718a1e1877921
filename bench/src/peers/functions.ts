import type { Peer } from './peer.ts'
import type { Facts } from './rules.ts'

const denies: readonly ((facts: Facts) => boolean)[] = [
  ({ hour }) => hour < 6 || hour >= 22,
  ({ classification }) => classification !== 'public' && classification !== 'internal',
  ({ calls }) => calls >= 1_000_000,
  ({ isSuspended }) => isSuspended,
  ({ role, isEgress }) => role === 'intern' && isEgress,
  ({ refusals }) => refusals > 20,
  ({ subject }) => subject.length > 200,
  ({ to, user }) => to === user,
  ({ timeZone }) => timeZone === 'Antarctica/Troll',
]

/** What any engine adds to: ten functions. */
export const functions: Peer = {
  way: 'ten functions',
  measures: 'the rules as plain functions, no engine',
  batch: 200,
  load: async () => (facts) => () =>
    (facts.tenant === 'acme' || facts.tenant === 'initech') && !denies.some((deny) => deny(facts)),
}
