/** Everyone whom the source knows; a grant to it is for known principals of the tenant alone. */
export const EVERYONE = 'everyone'

/** Who belongs to what: users in groups, and groups in groups. */
export interface Members {
  add(group: string, member: string): void
  remove(group: string, member: string): void
  /** Make a principal known that is in no group. */
  introduce(principal: string): void
  /** Make a principal unknown, and take it out of every group. */
  forget(principal: string): void
  /** The principal and every group it is in, through any number of groups; nothing where it is not known. */
  expand(principal: string): ReadonlySet<string>
}

/** Groups may hold one another: a cycle makes them equal, and ends. `changed` hears of every change. */
export function createMembers(changed: () => void): Members {
  const known = new Set<string>()
  const groupsOf = new Map<string, Set<string>>()

  return {
    add(group, member) {
      changed()
      known.add(member)
      const groups = groupsOf.get(member) ?? new Set()
      groups.add(group)
      groupsOf.set(member, groups)
    },
    remove(group, member) {
      changed()
      groupsOf.get(member)?.delete(group)
    },
    introduce(principal) {
      changed()
      known.add(principal)
    },
    forget(principal) {
      changed()
      known.delete(principal)
      groupsOf.delete(principal)
      for (const groups of groupsOf.values()) groups.delete(principal)
    },
    expand(principal) {
      const all = new Set<string>()
      if (!known.has(principal)) return all
      // A set that is added to is walked to its new end.
      all.add(principal).add(EVERYONE)
      for (const one of all) for (const group of groupsOf.get(one) ?? []) all.add(group)
      return all
    },
  }
}
