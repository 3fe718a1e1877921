/**
 * The ten rules that every peer decides by, in plain words:
 *
 *  1. A user of the tenants acme and initech may call sendEmail. What no rule permits is denied.
 *  2. Nothing is called before 06:00 or from 22:00 on, on the user's own clock.
 *  3. Nothing is called whose classification is above internal.
 *  4. Nothing is called by an agent that has made a million calls of sendEmail in this run.
 *  5. Nothing is called for a suspended user.
 *  6. Nothing that reaches outside is called for an intern.
 *  7. Nothing is called by an agent that was refused more than twenty times in this run.
 *  8. Nothing is called with a subject line of more than 200 characters.
 *  9. Nobody has mail sent to their own address.
 * 10. Nothing is called for a user whose time zone is Antarctica/Troll, where nobody works.
 *
 * The first permits, the others deny, and a deny wins. What a peer has no word for is worked out by its caller, as
 * its user would: the hour on the user's clock, the length of the subject line, counts. Ours works these out itself.
 */
export interface Facts {
  readonly user: string
  readonly tenant: string
  readonly role: 'lead' | 'intern'
  readonly isSuspended: boolean
  readonly timeZone: string
  /** On the user's clock. */
  readonly hour: number
  readonly classification: 'public' | 'internal' | 'secret'
  readonly isEgress: boolean
  readonly calls: number
  readonly refusals: number
  readonly to: string
  readonly subject: string
  readonly body: string
}

/** A call that the first rule permits and no other denies. */
export const PERMITTED: Facts = {
  user: 'alice@acme.example',
  tenant: 'acme',
  role: 'lead',
  isSuspended: false,
  timeZone: 'UTC',
  hour: 10,
  classification: 'internal',
  isEgress: true,
  calls: 3,
  refusals: 1,
  to: 'bob.jones@partner.example',
  subject: 'The minutes of Tuesday',
  body: 'Hello Bob, here are the minutes, and what we agreed on. Best wishes',
}

/** For each rule, what turns the permitted call into one that it alone denies. */
export const DENIED: readonly (readonly [rule: string, change: Partial<Facts>])[] = [
  ['mail-of-the-tenants', { tenant: 'globex' }],
  ['outside-hours', { hour: 23 }],
  ['too-secret', { classification: 'secret' }],
  ['too-many-calls', { calls: 1_000_000 }],
  ['suspended', { isSuspended: true }],
  ['interns-outside', { role: 'intern' }],
  ['refused-often', { refusals: 21 }],
  ['long-subject', { subject: 'x'.repeat(201) }],
  ['to-oneself', { to: 'alice@acme.example' }],
  ['zone-not-served', { timeZone: 'Antarctica/Troll' }],
]
