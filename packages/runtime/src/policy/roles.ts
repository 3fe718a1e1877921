import { ConfigError } from '../errors.ts'
import type { Authority, AuthorityAnswer, AuthorityQuestion } from './authority.ts'

type Resource = `${string}:${string}`

/** Who may do what, as data. An action `'*'` is every action. Groups have names such as `group:support`. */
export interface RolesAndRelations {
  /** What each role may do. */
  readonly roles?: Readonly<Record<string, readonly string[]>>
  /** The roles of principals and groups; one with a tenant holds for questions of that tenant alone. */
  readonly assignments?: Readonly<
    Record<string, readonly (string | { readonly role: string; readonly tenant: string })[]>
  >
  /** The members of groups: principals, and other groups. */
  readonly groups?: Readonly<Record<string, readonly string[]>>
  /** Facts such as `['user:alice', 'owner', 'order:ORD-1']`. */
  readonly relations?: readonly (readonly [who: string, relation: string, resource: Resource])[]
  /** What a relation to a resource of a type lets its holder do to it. */
  readonly allow?: readonly RelationRule[]
  /** What is never allowed; each key that is there must fit. */
  readonly deny?: readonly DenyRule[]
}

export interface RelationRule {
  readonly relation: string
  readonly type: string
  readonly actions: readonly string[]
}

export interface DenyRule {
  readonly principal?: string
  readonly actions?: readonly string[]
  readonly resource?: Resource
  readonly tenant?: string
}

/** One fact, to be granted or revoked while agents run. */
export type Fact =
  | { readonly principal: string; readonly role: string; readonly tenant?: string }
  | { readonly relation: readonly [who: string, relation: string, resource: Resource] }
  | { readonly group: string; readonly member: string }

/** An authority in memory. The next question sees a change, the whole of it. */
export interface RolesAuthority extends Authority {
  authorize(question: AuthorityQuestion): AuthorityAnswer
  /** Adds a fact; false where it stood already. @throws {ConfigError} If it names a role that there is not. */
  grant(fact: Fact): boolean
  /** Takes a fact away; false where there was none. */
  revoke(fact: Fact): boolean
}

/**
 * An authority of roles and relations, held in memory.
 *
 * Deny wins, and silence is a no. A principal may do what its groups may, nested ones too;
 * `agent:support@2.4.1` may also do what `agent:support` may.
 *
 * @throws {ConfigError} If a key is unknown, a list is none, a role does not exist, or a resource is not
 * `type:id`.
 */
export function rolesAndRelations(given: RolesAndRelations): RolesAuthority {
  checkKeys('authority', given, ['roles', 'assignments', 'groups', 'relations', 'allow', 'deny'])
  const roles = new Map(
    Object.entries(given.roles ?? {}).map(([role, actions]) => [role, texts(`roles.${role}`, actions)]),
  )
  const allow = (given.allow ?? []).map((rule, i) => {
    checkKeys(`authority.allow[${i}]`, rule, ['relation', 'type', 'actions'])
    const { relation, type } = rule
    texts(`allow[${i}]`, [relation, type])
    return { relation, type, actions: texts(`allow[${i}].actions`, rule.actions) }
  })
  const deny = (given.deny ?? []).map(readDeny)
  // Each fact is one entry, so granting and revoking are one step and cannot be seen half done.
  const facts = new Set<string>()
  const groupsOf = new Map<string, Set<string>>()
  const rolesOf = new Map<string, Map<string, { role: string; tenant: string | undefined }>>()

  const grant = (fact: Fact): boolean => {
    const key = keyOf(fact)
    if ('role' in fact && !roles.has(fact.role))
      throw new ConfigError(
        'authority role',
        fact.role,
        [...roles.keys()].join(', ') || 'no role, since there is none',
      )
    if (facts.has(key)) return false
    if ('role' in fact)
      entry(rolesOf, fact.principal, () => new Map()).set(key, { role: fact.role, tenant: fact.tenant })
    if ('group' in fact) entry(groupsOf, fact.member, () => new Set()).add(fact.group)
    facts.add(key)
    return true
  }
  const revoke = (fact: Fact): boolean => {
    const key = keyOf(fact)
    if ('role' in fact) rolesOf.get(fact.principal)?.delete(key)
    if ('group' in fact) groupsOf.get(fact.member)?.delete(fact.group)
    return facts.delete(key)
  }
  const authorize = ({ principal, action, resource, tenant }: AuthorityQuestion): AuthorityAnswer => {
    const names = closure(principal, groupsOf)
    const target = `${resource.type}:${resource.id}`
    const refused = deny.some(
      (rule) =>
        (rule.principal === undefined || names.has(rule.principal)) &&
        (rule.actions === undefined || covers(rule.actions, action)) &&
        (rule.resource === undefined || rule.resource === target) &&
        (rule.tenant === undefined || rule.tenant === tenant),
    )
    if (refused) return { allowed: false, reason: 'a deny of the authority' }
    for (const name of names) {
      for (const held of rolesOf.get(name)?.values() ?? [])
        if (held.tenant === undefined || held.tenant === tenant)
          if (covers(roles.get(held.role) ?? NOTHING, action))
            return { allowed: true, reason: `role ${held.role} of ${name}` }
      for (const rule of allow)
        if (rule.type === resource.type && covers(rule.actions, action))
          if (facts.has(JSON.stringify(['relation', name, rule.relation, target])))
            return { allowed: true, reason: `${rule.relation} through ${name}` }
    }
    return { allowed: false, reason: 'no role and no relation allows it' }
  }

  for (const [principal, held] of Object.entries(given.assignments ?? {}))
    for (const one of list(`assignments.${principal}`, held))
      grant(
        typeof one === 'string'
          ? { principal, role: one }
          : { principal, role: one.role, tenant: one.tenant },
      )
  for (const [group, members] of Object.entries(given.groups ?? {}))
    for (const member of texts(`groups.${group}`, members)) grant({ group, member })
  for (const relation of list('relations', given.relations ?? [])) grant({ relation })
  return Object.freeze({ authorize, grant, revoke })
}

const NOTHING: ReadonlySet<string> = new Set()

/** The names a principal goes by: its own, an agent's without its version, and all groups, however nested. */
function closure(principal: string, groupsOf: ReadonlyMap<string, ReadonlySet<string>>): ReadonlySet<string> {
  const names = new Set([principal])
  const at = principal.lastIndexOf('@')
  if (principal.startsWith('agent:') && at > 0) names.add(principal.slice(0, at))
  // A set that grows while it is walked visits what was added, each once: groups that hold each other end.
  for (const name of names) for (const group of groupsOf.get(name) ?? []) names.add(group)
  return names
}

function covers(actions: ReadonlySet<string>, action: string): boolean {
  return actions.has(action) || actions.has('*')
}

function keyOf(fact: Fact): string {
  if ('role' in fact) {
    // A tenant that is there with no value must not make the role hold in every tenant.
    texts('a role given', 'tenant' in fact ? [fact.principal, fact.tenant] : [fact.principal])
    return JSON.stringify(['role', fact.principal, fact.role, fact.tenant ?? null])
  }
  if ('group' in fact) {
    texts('a group', [fact.group, fact.member])
    return JSON.stringify(['group', fact.group, fact.member])
  }
  texts('a relation', fact.relation)
  const [who, relation, resource] = fact.relation
  return JSON.stringify(['relation', who, relation, checkResource('a relation', resource)])
}

function readDeny(rule: DenyRule, i: number): Omit<DenyRule, 'actions'> & { actions?: ReadonlySet<string> } {
  const key = `deny[${i}]`
  checkKeys(`authority.${key}`, rule, ['principal', 'actions', 'resource', 'tenant'])
  const { principal, actions, resource, tenant } = rule
  if (resource !== undefined) checkResource(`${key}.resource`, resource)
  return {
    ...(principal === undefined ? {} : { principal }),
    ...(resource === undefined ? {} : { resource }),
    ...(tenant === undefined ? {} : { tenant }),
    ...(actions === undefined ? {} : { actions: texts(`${key}.actions`, actions) }),
  }
}

function checkResource(key: string, given: unknown): string {
  if (typeof given !== 'string' || given.indexOf(':') < 1)
    throw new ConfigError(`authority.${key}`, given, 'a resource as type:id')
  return given
}

// An empty deny would deny everything, and a key with no value would make it wider than was meant.
function checkKeys(key: string, given: object, known: readonly string[]): void {
  if (typeof given !== 'object' || given === null || Reflect.ownKeys(given).length === 0)
    throw new ConfigError(key, given, `an object with ${known.join(', ')}`)
  for (const [name, value] of Object.entries(given))
    if (!known.includes(name) || value === undefined)
      throw new ConfigError(`${key}.${name}`, value, `a value for one of ${known.join(', ')}`)
}

function texts(key: string, given: readonly (string | undefined)[]): ReadonlySet<string> {
  const all = list(key, given)
  if (all.length === 0 || !all.every((one) => typeof one === 'string' && one !== ''))
    throw new ConfigError(`authority.${key}`, given, 'names that are not empty')
  return new Set(all as readonly string[])
}

function list<T>(key: string, given: readonly T[]): readonly T[] {
  if (!Array.isArray(given)) throw new ConfigError(`authority.${key}`, given, 'a list')
  return given as readonly T[]
}

function entry<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
