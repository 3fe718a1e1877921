import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuardError } from '../errors.ts'
import { label } from '../label/label.ts'
import { join } from '../label/join.ts'
import { strictest } from './combine.ts'
import { type PolicyAnswer, type PolicyEngine, askPolicy, engineOf } from './engine.ts'
import { labelView } from './label-view.ts'
import { policy, policySource } from './policy.ts'
import type { PolicyRequest } from './request.ts'
import { type Rule, ask, deny, obligate, permit, permitContracted } from './rules.ts'

const request: PolicyRequest = {
  subject: 'user:alice',
  actor: 'agent:support@1',
  attributes: { team: 'support' },
  tenant: 'acme',
  run: 'run-1',
  session: undefined,
  tool: 'issueRefund',
  effect: 'irreversible',
  egress: false,
  risk: 'high',
  action: 'issueRefund',
  resource: { type: 'order', id: 'ORD-1' },
  classification: undefined,
  input: { orderId: 'ORD-1', amount: 20 },
  time: new Date('2026-03-02T10:00:00Z'),
  timeZone: 'Europe/London',
  turn: 1,
  counts: { calls: () => 0, refusals: () => 0 },
}
const trusted = new Set(['developer', 'user:alice', 'agent:support@1'])
const clean = labelView(label(['developer', 'user:alice']), trusted, ['user:alice'])
const dirty = labelView(label(['developer', 'anyone']), trusted, ['user:alice'])
const signal = new AbortController().signal

const decide = (rules: readonly Rule[], asked: Partial<PolicyRequest> = {}, labels = clean): PolicyAnswer =>
  engineOf(policy({ version: '1', rules })).decide({ ...request, ...asked }, labels, {
    signal,
  }) as PolicyAnswer
const outcome = (...args: Parameters<typeof decide>): string => strictest(decide(...args).reasons)

describe('the developer’s rules', () => {
  test('no rule speaking is a deny', () => {
    const answer = decide([permit('mail', { tools: ['sendEmail'] }), deny('never', { when: () => false })])
    expect(answer.reasons).toEqual([expect.objectContaining({ rule: 'no-rule-speaks', outcome: 'deny' })])
  })

  test('permitContracted permits, an ask makes it ask, a deny makes it a deny', () => {
    expect(outcome([permitContracted])).toBe('permit')
    expect(outcome([ask('a'), permitContracted])).toBe('ask')
    expect(outcome([ask('a'), permitContracted, deny('d')])).toBe('deny')
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('secret of the rule')
      },
    ],
    ['answers with undefined', () => undefined],
    ['answers with a truthy value', () => 'yes'],
    ['answers with a promise', () => Promise.resolve(true)],
    ['answers with a promise that fails', () => Promise.reject(new Error('late'))],
  ])('a rule that %s denies', (_, when) => {
    for (const rule of [permit, ask, deny]) {
      const { reasons } = decide([permitContracted, rule('faulty', { when: when as never })])
      expect(strictest(reasons)).toBe('deny')
      expect(reasons).toContainEqual(
        expect.objectContaining({ rule: 'faulty', text: expect.stringContaining('ERR_POLICY') }),
      )
      expect(JSON.stringify(reasons)).not.toContain('secret')
    }
    expect(
      outcome([
        permitContracted,
        obligate('faulty', { when: when as never, must: [{ kind: 'flag-for-review' }] }),
      ]),
    ).toBe('deny')
  })

  test('a permit that needs trusted authors falls silent once a web page was read', () => {
    for (const allAuthorsIn of ['trusted', ['developer', 'user:alice']] as const) {
      const rules = [permit('own words', { allAuthorsIn })]
      expect([outcome(rules), outcome(rules, {}, dirty)]).toEqual(['permit', 'deny'])
    }
  })

  test('a permit for an audience falls silent when the call reaches beyond it, or nobody knows whom', () => {
    const rules = [permit('inside', { audienceWithin: ['user:alice', 'org:acme'] })]
    const reaching = (audience?: string[]): string =>
      outcome(rules, {}, labelView(label(['developer']), trusted, audience))
    expect([reaching(['org:acme']), reaching(['user:eve']), reaching(undefined)]).toEqual([
      'permit',
      'deny',
      'deny',
    ])
    const stop = [permitContracted, deny('outside', { audienceOutside: ['user:alice'] })]
    expect(outcome(stop, {}, labelView(label(['developer']), trusted, undefined))).toBe('deny')
    expect(outcome(stop)).toBe('permit')
  })

  test('an ask for untrusted authors asks once a web page was read', () => {
    const rules = [
      permitContracted,
      ask('outsiders', { someAuthorOutside: 'trusted', approvers: ['user:boss'] }),
    ]
    expect([outcome(rules), outcome(rules, {}, dirty)]).toEqual(['permit', 'ask'])
    expect(decide(rules, {}, dirty).approvers).toEqual(['user:boss'])
  })

  test('an ask that only untrusted authors bring about lets nothing through that no other rule speaks of', () => {
    const rules = [ask('outsiders', { someAuthorOutside: 'trusted' })]
    expect([outcome(rules), outcome(rules, {}, dirty)]).toEqual(['deny', 'deny'])
    expect(outcome([ask('always')], {}, dirty)).toBe('ask')
  })

  test('rules that ask with no approver in common deny', () => {
    expect(outcome([ask('a', { approvers: ['x'] }), ask('b', { approvers: ['y'] })])).toBe('deny')
    expect(decide([ask('a', { approvers: ['x', 'y'] }), ask('b', { approvers: ['y'] })]).approvers).toEqual([
      'y',
    ])
  })

  test('a permit with a basis speaks only within its bounds, and gives a grant', () => {
    const rules = [
      permit('small', { tools: ['issueRefund'], basis: { orderId: { any: true }, amount: { atMost: 50 } } }),
    ]
    expect(decide(rules).bases).toMatchObject([{ from: 'rule', by: 'small', tools: { issueRefund: {} } }])
    expect(outcome(rules)).toBe('permit')
    for (const amount of [51, -1, '20', null, [60], []])
      expect(decide(rules, { input: { orderId: 'ORD-1', amount } })).toMatchObject({
        bases: [],
        reasons: [{ outcome: 'deny' }],
      })
    expect(outcome(rules, { input: { orderId: 'ORD-1' } })).toBe('deny')
  })

  test('an obligation permits nothing, and comes with what others permit', () => {
    const cap = obligate('cap', {
      when: ({ input }) => Number(input['amount']) > 10,
      must: [{ kind: 'replace', place: ['amount'], value: 10 }],
    })
    expect(outcome([cap])).toBe('deny')
    expect(decide([cap, permitContracted]).obligations).toEqual([
      { kind: 'replace', place: ['amount'], value: 10 },
    ])
    expect(decide([cap, permitContracted], { input: { amount: 5 } }).obligations).toEqual([])
  })

  test('a tool with a name from Object.prototype is ruled like any other', () => {
    expect(outcome([permit('x', { tools: ['toString'] })], { tool: 'constructor' })).toBe('deny')
  })
})

const authors = fc.array(fc.constantFrom('developer', 'user:alice', 'org:acme', 'party:eve', 'anyone'), {
  minLength: 1,
  maxLength: 4,
})
const someone = fc.uniqueArray(
  fc.constantFrom<('developer' | 'user:alice' | 'org:acme' | 'party:eve')[]>(
    'developer',
    'user:alice',
    'org:acme',
    'party:eve',
  ),
  { minLength: 1 },
)
const set = fc.oneof(fc.constant('trusted' as const), someone)
const when = fc.option(
  fc.constantFrom<((asked: PolicyRequest) => boolean)[]>(
    () => true,
    () => false,
    () => {
      throw new Error('x')
    },
  ),
  { nil: null },
)
const options = <K extends string>(key: K): fc.Arbitrary<object> =>
  fc
    .record({ [key]: set, when })
    .map((made) => Object.fromEntries(Object.entries(made).filter(([, value]) => value !== null)))
const rule = fc.oneof(
  options('allAuthorsIn').map((made) => (name: string) => permit(name, made)),
  options('someAuthorOutside').map((made) => (name: string) => ask(name, made)),
  options('someAuthorOutside').map((made) => (name: string) => deny(name, made)),
)
const rules = fc
  .array(rule, { minLength: 1, maxLength: 6 })
  .map((made) => made.map((make, i) => make(`rule-${i}`)))
const rank: Record<string, number> = { permit: 0, ask: 1, deny: 2 }

describe('whatever the rules', () => {
  test('more authors never loosen the answer', () => {
    fc.assert(
      fc.property(rules, authors, authors, (all, before, after) => {
        const seen = label(before)
        const view = (of: typeof seen): ReturnType<typeof labelView> => labelView(of, trusted, [])
        const one = rank[outcome(all, {}, view(seen))]
        expect(rank[outcome(all, {}, view(join(seen, label(after))))]).toBeGreaterThanOrEqual(
          one ?? Number.NaN,
        )
      }),
    )
  })

  test('their order does not matter, and another ask or deny never loosens the answer', () => {
    fc.assert(
      fc.property(rules, authors, fc.boolean(), (all, by, asks) => {
        const view = labelView(label(by), trusted, [])
        const one = outcome(all, {}, view)
        expect(outcome(all.toReversed(), {}, view)).toBe(one)
        const more = [...all, asks ? ask('more') : deny('more')]
        const silent = decide(all, {}, view).reasons.some(({ rule: name }) => name === 'no-rule-speaks')
        // Where nothing spoke, an ask speaks: the one way in which a further rule lets a person decide.
        const least = silent && asks ? 'ask' : one
        expect(rank[outcome(more, {}, view)]).toBeGreaterThanOrEqual(rank[least] ?? Number.NaN)
      }),
    )
  })
})

const unavailable = (error: unknown): boolean =>
  GuardError.isInstance(error) && error.code === 'ERR_POLICY_UNAVAILABLE'

const fails = async (answer: () => unknown, within: AbortSignal = signal): Promise<boolean> => {
  const engine: PolicyEngine = { version: 'x', decide: answer as PolicyEngine['decide'] }
  try {
    await askPolicy(engine, request, clean, { signal: within })
    return false
  } catch (error) {
    return unavailable(error)
  }
}

describe('an engine in use', () => {
  test('a policy replaced while agents run decides the next call, under its own version', () => {
    const source = policySource(policy({ version: '1', rules: [permitContracted] }))
    const engine = engineOf(source)
    expect(engine.decide(request, clean, { signal })).toMatchObject({
      version: '1',
      reasons: [{ outcome: 'permit' }],
    })
    source.replace(policy({ version: '2', rules: [deny('stop')] }))
    expect(engine.version).toBe('2')
    expect(engine.decide(request, clean, { signal })).toMatchObject({
      version: '2',
      reasons: [{ outcome: 'deny' }],
    })
  })

  test('something that is no policy makes no engine', () => {
    expect(() => engineOf({ version: '1', rules: [permitContracted] })).toThrow(/policy\(\)/)
  })

  test('the built-in engine answers at once', () => {
    expect(
      askPolicy(engineOf(policy({ version: '1', rules: [permitContracted] })), request, clean, { signal }),
    ).toMatchObject({ version: '1' })
  })

  test('an engine that throws, rejects, answers with something else or never answers is a deny', async () => {
    expect(
      await fails(() => {
        throw new Error('down')
      }),
    ).toBe(true)
    expect(await fails(() => Promise.reject(new Error('down')))).toBe(true)
    expect(await fails(() => undefined)).toBe(true)
    expect(await fails(() => Promise.resolve({ allowed: true }))).toBe(true)
    expect(await fails(() => new Promise(() => {}), AbortSignal.timeout(5))).toBe(true)
    expect(await fails(() => new Promise(() => {}), AbortSignal.abort())).toBe(true)
  })

  test('an engine that gives no reason has said nothing, which is a deny', async () => {
    const engine: PolicyEngine = {
      version: 'x',
      decide: () =>
        Promise.resolve({ version: 'x', reasons: [], obligations: [], approvers: undefined, bases: [] }),
    }
    expect((await askPolicy(engine, request, clean, { signal })).reasons).toMatchObject([
      { rule: 'no-rule-speaks', outcome: 'deny' },
    ])
  })
})
