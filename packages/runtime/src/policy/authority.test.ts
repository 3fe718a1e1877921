import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuardError } from '../errors.ts'
import { type Authority, type Parties, effective } from './authority.ts'
import type { Reason } from './decision.ts'

const signal = new AbortController().signal
const question = { action: 'issueRefund', resource: { type: 'order', id: 'ORD-1' } }
const parties: Parties = { subject: 'user:alice', actor: 'agent:support@1' }
const letting = (...allowed: string[]): Authority => ({
  authorize: ({ principal }) => ({ allowed: allowed.includes(principal), reason: 'listed' }),
})
const later = (authority: Authority): Authority => ({
  authorize: (asked, options) => Promise.resolve(authority.authorize(asked, options)),
})

describe('a call may do only what everyone concerned may do', () => {
  test('the user alone, or the agent alone, is not enough', () => {
    expect(effective(letting('user:alice', 'agent:support@1'), parties, question, { signal })).toMatchObject({
      outcome: 'permit',
    })
    expect(effective(letting('user:alice'), parties, question, { signal })).toMatchObject({
      outcome: 'deny',
      rule: 'actor-lacks-authority',
    })
    expect(effective(letting('agent:support@1'), parties, question, { signal })).toMatchObject({
      outcome: 'deny',
      rule: 'subject-lacks-authority',
    })
  })

  test('an author named as well needs it too, and what anyone wrote never has it', () => {
    const all = letting('user:alice', 'agent:support@1', 'party:bob', 'anyone')
    const by = (...authors: Parties['authors'] & readonly unknown[]): unknown =>
      effective(all, { ...parties, authors }, question, { signal })
    expect(by('party:bob')).toMatchObject({ outcome: 'permit' })
    expect(by('party:bob', 'party:eve')).toMatchObject({ outcome: 'deny', rule: 'author-lacks-authority' })
    expect(by('anyone')).toMatchObject({ outcome: 'deny', rule: 'author-lacks-authority' })
  })

  test('it is the intersection, at once or later, and a further author never widens it', async () => {
    const someone = fc.constantFrom(
      'user:alice',
      'agent:support@1',
      'party:bob',
      'party:eve',
      'anyone',
    ) as fc.Arbitrary<'anyone'>
    await fc.assert(
      fc.asyncProperty(
        fc.array(someone),
        fc.array(someone),
        fc.boolean(),
        async (allowed, authors, waits) => {
          const authority = waits ? later(letting(...allowed)) : letting(...allowed)
          const { outcome } = await effective(authority, { ...parties, authors }, question, { signal })
          const all = [parties.subject, parties.actor, ...authors].every(
            (one) => one !== 'anyone' && allowed.includes(one as 'anyone'),
          )
          expect(outcome).toBe(all ? 'permit' : 'deny')
        },
      ),
    )
  })
})

test.each<[string, () => unknown]>([
  [
    'throws',
    () => {
      throw new Error('password=1')
    },
  ],
  ['rejects', () => Promise.reject(new Error('password=1'))],
  ['says yes in another shape', () => ({ allowed: 'yes', reason: '' })],
  ['answers with true', () => true],
  ['answers with nothing', () => undefined],
])('an authority that %s is out of reach, which is no permit', async (_, authorize) => {
  const authority = { authorize } as unknown as Authority
  const asked = async (): Promise<Reason> => effective(authority, parties, question, { signal })
  const error = await asked().catch((cause: unknown) => cause)
  expect(GuardError.isInstance(error) && [error.code, error.message]).toEqual([
    'ERR_AUTHORITY_UNAVAILABLE',
    'The authority could not be asked.',
  ])
})

test('an authority that never answers is out of reach once the run is stopped', async () => {
  const stop = new AbortController()
  const answer = Promise.resolve(
    effective({ authorize: () => new Promise(() => {}) }, parties, question, { signal: stop.signal }),
  )
  stop.abort()
  await expect(answer).rejects.toMatchObject({ code: 'ERR_AUTHORITY_UNAVAILABLE' })
})
