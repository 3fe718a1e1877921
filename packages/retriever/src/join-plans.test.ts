import fc from 'fast-check'
import { expect, test } from 'vitest'
import { evaluateFilter } from './index/evaluate-filter.ts'
import { joinPlans } from './join-plans.ts'
import type { Plan } from './permissions.ts'
import { documentOf, randomFilter, randomFrom } from './testing/index-world.ts'

const IDS = ['a', 'b', 'c']
const ids = fc.subarray(IDS)
const plans: fc.Arbitrary<Plan> = fc.oneof(
  fc.constantFrom<Plan>({ kind: 'none' }, { kind: 'all' }, { kind: 'postcheck' }),
  fc.record({ ids, complete: fc.boolean() }).map((of): Plan => ({ kind: 'ids', ...of })),
  fc.nat().map((seed): Plan => ({ kind: 'filter', filter: randomFilter(randomFrom(seed)) })),
)

function permits(plan: Plan, id: string): boolean {
  if (plan.kind === 'ids') return plan.ids.includes(id)
  if (plan.kind === 'filter')
    return evaluateFilter(
      plan.filter,
      documentOf(id, { attributes: { a: 'x', b: 1 }, readers: ['user:bob'] }),
    )
  return plan.kind !== 'none'
}

test('two plans joined permit what both permit, and nothing else', () => {
  fc.assert(
    fc.property(plans, plans, (one, other) => {
      const { plan } = joinPlans(one, other)
      for (const id of IDS) expect(permits(plan, id)).toBe(permits(one, id) && permits(other, id))
    }),
    { numRuns: 1000 },
  )
})

test('a list that is not complete, and a plan that says nothing, are told on', () => {
  const part: Plan = { kind: 'ids', ids: ['a'], complete: false }
  expect(joinPlans(part, { kind: 'all' })).toMatchObject({ complete: false, postcheck: false })
  expect(joinPlans({ kind: 'all' }, part)).toMatchObject({ complete: false })
  expect(joinPlans({ kind: 'postcheck' }, part)).toMatchObject({ postcheck: true, plan: { kind: 'ids' } })
  expect(joinPlans({ kind: 'postcheck' }, { kind: 'none' }).plan).toEqual({ kind: 'none' })
})
