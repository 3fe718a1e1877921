import { expect, test } from 'vitest'
import { label } from '../label/label.ts'
import { type PolicyAnswer, type PolicyEngine, engineOf } from './engine.ts'
import { labelView } from './label-view.ts'
import { policy } from './policy.ts'
import type { PolicyRequest } from './request.ts'
import { type Rule, ask, deny, obligate, permit, permitContracted } from './rules.ts'
import { type ShadowDifference, shadow } from './shadow.ts'

const request: PolicyRequest = {
  subject: 'user:alice',
  actor: 'agent:support@1',
  attributes: {},
  tenant: undefined,
  run: 'r',
  session: undefined,
  tool: 'pay',
  effect: 'write',
  egress: false,
  risk: 'low',
  action: 'pay',
  resource: { type: 'tool', id: 'pay' },
  classification: undefined,
  input: { amount: 5 },
  time: new Date(0),
  timeZone: 'UTC',
  turn: 1,
  counts: { calls: () => 0, refusals: () => 0 },
}
const view = labelView(label(['developer']), new Set(['developer']), [])
const signal = new AbortController().signal
const engine = (...rules: Rule[]): PolicyEngine => engineOf(policy({ version: `v${rules.length}`, rules }))
const settle = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

async function differences(enforced: PolicyEngine, candidate: PolicyEngine): Promise<ShadowDifference[]> {
  const seen: ShadowDifference[] = []
  await shadow(candidate, { enforced, report: (one) => void seen.push(one) }).decide(request, view, {
    signal,
  })
  await settle()
  return seen
}

test('a candidate that would deny is reported, and the call stays permitted', async () => {
  const seen: ShadowDifference[] = []
  const both = shadow(engine(permitContracted, deny('new')), {
    enforced: engine(permitContracted),
    report: (one) => void seen.push(one),
  })
  const answer = both.decide(request, view, { signal }) as PolicyAnswer
  expect([both.version, answer.version, answer.reasons.map(({ outcome }) => outcome)]).toEqual([
    'v1',
    'v1',
    ['permit'],
  ])
  await settle()
  expect(seen).toMatchObject([
    { request: { tool: 'pay' }, enforced: { outcome: 'permit' }, candidate: { outcome: 'deny' } },
  ])
})

test('a candidate that would permit does not loosen the policy in force', async () => {
  const both = shadow(engine(permitContracted), { enforced: engine(deny('all')), report: () => {} })
  expect((await both.decide(request, view, { signal })).reasons).toMatchObject([{ outcome: 'deny' }])
})

test('a candidate that decides alike by other rules is not reported', async () => {
  expect(await differences(engine(permitContracted), engine(permit('other')))).toEqual([])
})

test('other approvers, obligations or bases are reported', async () => {
  expect(await differences(engine(ask('a')), engine(ask('a', { approvers: ['boss'] })))).toHaveLength(1)
  const review = obligate('o', { must: [{ kind: 'flag-for-review' }] })
  expect(await differences(engine(permitContracted), engine(permitContracted, review))).toHaveLength(1)
  const bounded = permit('b', { tools: ['pay'], basis: { amount: { atMost: 9 } } })
  expect(await differences(engine(permitContracted), engine(bounded))).toHaveLength(1)
})

test('a candidate that fails is reported as one that could not be evaluated', async () => {
  for (const decide of [
    () => {
      throw new Error('x')
    },
    () => Promise.reject(new Error('x')),
  ])
    expect(await differences(engine(permitContracted), { version: 'c', decide })).toMatchObject([
      { candidate: undefined },
    ])
})

test('a report that throws or rejects, and a candidate that never answers, change nothing', async () => {
  const enforced = engine(permitContracted)
  const hanging: PolicyEngine = { version: 'c', decide: () => new Promise(() => {}) }
  for (const report of [
    () => {
      throw new Error('x')
    },
    () => Promise.reject(new Error('x')),
  ])
    for (const candidate of [engine(deny('d')), hanging])
      expect(await shadow(candidate, { enforced, report }).decide(request, view, { signal })).toMatchObject({
        version: 'v1',
      })
  await settle()
})

test('a policy in force that fails stays a failure', async () => {
  const failing: PolicyEngine = { version: 'e', decide: () => Promise.reject(new Error('down')) }
  await expect(
    shadow(engine(permitContracted), { enforced: failing, report: () => {} }).decide(request, view, {
      signal,
    }),
  ).rejects.toThrow('down')
})

test('policies are tried as they are, without an engine made for them', async () => {
  const seen: ShadowDifference[] = []
  const enforced = policy({ version: 'now', rules: [permitContracted] })
  const candidate = policy({ version: 'next', rules: [deny('no-pay', { tools: ['pay'] })] })
  const tried = shadow(candidate, { enforced, report: (one) => void seen.push(one) })
  expect((await tried.decide(request, view, { signal })).reasons[0]?.outcome).toBe('permit')
  await settle()
  expect(seen.map(({ candidate: would }) => would?.outcome)).toEqual(['deny'])
})
