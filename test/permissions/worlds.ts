import { memoryPermissions } from '@gatewright/retriever'
import type { PermissionWorld, WorldDocument } from '@gatewright/retriever/testing'

/** What an application knows of some worlds: its directory of people, and its system of record. */
export interface Records {
  change(worlds: readonly PermissionWorld[]): void
  /** The principal and its groups; empty where nobody knows it. */
  principals(tenant: string | undefined, subject: string): string[]
  document(tenant: string | undefined, type: string, id: string): WorldDocument | undefined
  documents(tenant: string | undefined, type: string): readonly WorldDocument[]
}

export function records(worlds: readonly PermissionWorld[]): Records {
  let now = worlds
  let people = memoryPermissions()
  const change = (next: readonly PermissionWorld[]): void => {
    now = next
    people = memoryPermissions()
    for (const { tenant, users, members } of next) {
      for (const user of users) people.members(tenant).introduce(user)
      for (const [group, member] of members) people.members(tenant).add(group, member)
    }
  }
  const documents: Records['documents'] = (tenant, type) =>
    now.find((world) => world.tenant === tenant && world.type === type)?.documents ?? []
  change(worlds)
  return {
    change,
    // A group is known as a member of another one, and still nobody who asks.
    principals: (tenant, subject) =>
      subject.startsWith('user:') ? [...people.members(tenant).expand(subject)] : [],
    document: (tenant, type, id) => documents(tenant, type).find((one) => one.id === id),
    documents,
  }
}

/** The global fetch, until it is cut. */
export function cuttable(inner: typeof fetch = fetch): { fetch: typeof fetch; cut: () => void } {
  let isCut = false
  return {
    fetch: async (to, init) => {
      if (isCut) throw new TypeError('fetch failed')
      return inner(to, init)
    },
    cut: () => {
      isCut = true
    },
  }
}
