import { UnavailableError } from '@gatewright/runtime'
import type { Filter } from '../filter.ts'
import type { IndexPlan, IndexScope } from '../search-index.ts'
import { accessPart, type AccessPart, wallOf } from './access-part.ts'
import { canBeKept } from './check-document.ts'
import { checkFilter } from './evaluate-filter.ts'
import { filterToSql } from './filter-to-sql.ts'
import type { AccessListsOf, ReadableLists } from './sql-lists.ts'
import { arrayText, quotedParameters } from './sql-parameters.ts'
import { LISTED } from './sql-read.ts'

/** What the functions that read are told of who asks, and of what they may be given. */
export interface Asking {
  readonly role: string
  readonly tenant: string
  /** Of which state of the access lists all of this is true; null for any. */
  readonly revision: string | null
  /** The access lists of what may be found, where they are named. */
  readonly permitted: string | null
  /** Those of the wall under it; null where they are the same, and sent once. */
  readonly wall: string | null
  /** The wall as a condition on access lists, where they are too many to name. */
  readonly wallText: string | null
  /** All that has to hold of a passage, unless it is that its list is among those. */
  readonly condition: string | null
  readonly values: string
  readonly efSearch: number
}

/** A plan and the walls of a scope, taken apart into what is said of access lists and what else is said. */
export interface Asked {
  readonly lists: AccessListsOf
  readonly rest: AccessPart['rest']
  readonly ids: readonly string[] | undefined
}

/** @throws {ConfigError} On a filter that is not one. */
export function askedOf(plan: IndexPlan, scope: IndexScope): Asked {
  if (plan.kind === 'filter') checkFilter(plan.filter)
  const { access, rest } = plannedPart(plan)
  return {
    lists: { tenant: scope.tenant ?? '', type: scope.type, wall: wallOf(scope), plan: access },
    rest,
    ids: plan.kind === 'ids' ? plan.ids : undefined,
  }
}

/** With the lists that are known, by number where they `areNamed`, or else by what they have to say. */
export function askingWith(
  s: string,
  { lists: { tenant, type, wall, plan }, rest, ids }: Asked,
  known: ReadableLists,
  areNamed: boolean,
): Asking {
  const into = quotedParameters(s, tenant)
  const ofLists = (conditions: readonly Filter[]): string[] =>
    conditions.map((one) => filterToSql(one, into.speaking('of lists')))
  const own = (of: string): string[] => [
    `${of}.tenant = ${into.add(tenant, 'text')}`,
    `${of}.type = ${into.add(type, 'text')}`,
  ]
  const others = rest.map((one) => filterToSql(one, into.speaking('of passages')))
  if (ids !== undefined) others.push(`p.document = any(${into.add(ids.filter(canBeKept), 'text[]')})`)

  const permitted = areNamed ? known.permitted.ids : undefined
  const isWalled = wall.length > 0
  const walled = isWalled && areNamed ? known.wall.ids : undefined
  const saysOfLists = [...wall, ...plan]
  let condition: readonly string[]
  if (saysOfLists.length === 0 && others.length > 0) condition = [...own('p'), ...others]
  else if (permitted !== undefined) condition = others.length > 0 ? [LISTED, ...others] : []
  else {
    const said = ofLists(saysOfLists).join(' and ')
    // A sub-select of one value: a join would undo the order of the approximate index.
    const may = said === '' ? [] : [`coalesce((select ${said} from ${s}.acls a where a.id = p.acl), false)`]
    condition = [...own('p'), ...may, ...others]
  }
  return {
    role: isWalled ? `${s}_reader` : `${s}_planned`,
    tenant,
    revision: (permitted ?? walled) === undefined ? null : known.permitted.revision,
    permitted: permitted ?? null,
    wall: walled === permitted ? null : (walled ?? null),
    wallText: isWalled && walled === undefined ? [...own('a'), ...ofLists(wall)].join(' and ') : null,
    condition: condition.length === 0 ? null : condition.join(' and '),
    values: arrayText(into.values),
    efSearch: others.length > 0 ? known.permitted.efSearchOfFew : known.permitted.efSearch,
  }
}

function plannedPart(plan: IndexPlan): AccessPart {
  switch (plan.kind) {
    case 'none':
    case 'all':
    case 'ids':
      return { access: [], rest: [] }
    case 'filter':
      return accessPart(plan.filter)
    default:
      plan satisfies never
      throw new UnavailableError(
        'ERR_POLICY_UNAVAILABLE',
        'A plan is of a kind that this index does not know.',
      )
  }
}
