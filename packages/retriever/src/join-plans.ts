import type { Filter } from './filter.ts'
import type { Plan } from './permissions.ts'
import type { IndexPlan } from './search-index.ts'

/** What the user and the agent may both be shown, as one condition of a search. */
export interface JoinedPlan {
  readonly plan: IndexPlan
  /** False where a source could not list all that it permits: results may lack something. */
  readonly complete: boolean
  /** True where a source could say nothing before the search, so that only the recheck stands between. */
  readonly postcheck: boolean
}

/** Both plans at once: what one of them does not permit is not permitted. */
export function joinPlans(one: Plan, other: Plan): JoinedPlan {
  const complete = [one, other].every((plan) => plan.kind !== 'ids' || plan.complete)
  const postcheck = one.kind === 'postcheck' || other.kind === 'postcheck'
  return { plan: both(beforehand(one), beforehand(other)), complete, postcheck }
}

function beforehand(plan: Plan): IndexPlan {
  return plan.kind === 'postcheck' ? { kind: 'all' } : plan
}

function both(one: IndexPlan, other: IndexPlan): IndexPlan {
  if (one.kind === 'none' || other.kind === 'none') return { kind: 'none' }
  if (one.kind === 'all') return other
  if (other.kind === 'all') return one
  if (one.kind === 'ids' && other.kind === 'ids') {
    const ids = new Set(other.ids)
    return { kind: 'ids', ids: one.ids.filter((id) => ids.has(id)), complete: one.complete && other.complete }
  }
  return { kind: 'filter', filter: { op: 'and', filters: [asFilter(one), asFilter(other)] } }
}

function asFilter(plan: Extract<IndexPlan, { kind: 'ids' | 'filter' }>): Filter {
  return plan.kind === 'filter' ? plan.filter : { op: 'in', field: '$id', values: plan.ids }
}
