import type { PrincipalId } from '@gatewright/runtime'

/** A document of a world, and who may read it. */
export interface WorldDocument {
  readonly id: string
  readonly version: string
  /** Users and groups that may read it. */
  readonly readers: readonly string[]
  /** Users and groups that may not, whatever `readers` says. */
  readonly denied: readonly string[]
}

/** One tenant: who there is, who is in which group, and which documents there are. */
export interface PermissionWorld {
  readonly tenant: string
  readonly type: string
  readonly users: readonly PrincipalId[]
  /** Pairs of a group and a member of it, which may be a group. */
  readonly members: readonly (readonly [group: string, member: string])[]
  readonly documents: readonly WorldDocument[]
}

/** What everybody has to agree with: written to be read, not to be fast. */
export function mayRead(world: PermissionWorld, user: string, document: WorldDocument): boolean {
  if (!world.users.some((one) => one === user)) return false
  const are = principalsOf(world, user)
  return (
    document.readers.some((one) => are.includes(one)) && !document.denied.some((one) => are.includes(one))
  )
}

/** The user and every group they are in. */
export function principalsOf({ members }: PermissionWorld, user: string): string[] {
  let are = [user]
  for (;;) {
    const more = members.filter(([group, member]) => are.includes(member) && !are.includes(group))
    if (more.length === 0) return are
    are = [...new Set([...are, ...more.map(([group]) => group)])]
  }
}

/** Names that a source may stumble over: as SQL, as a pattern, as a path, as another alphabet. */
export const STRANGE = [
  "o'brien; drop table documents --",
  '%',
  '_',
  '*',
  'a/b/../c',
  'a:b#c@d',
  '{"$ne": null}',
  'ünïcödé',
  'u\u0308ni',
  '文書',
  '🗝️',
  '\u202Egnp.exe',
  'A',
  'a',
  ' a ',
] as const

/** Numbers from 0 up to 1 that are the same for the same seed (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A small world at random: groups that hold one another, documents that nobody may read, denials. */
export function randomWorld(seed: number, tenant = 'acme'): PermissionWorld {
  const roll = dice(seed)
  const upTo = (most: number): number => Math.floor(roll() * (most + 1))
  const some = <T>(of: readonly T[], chance: number): T[] => of.filter(() => roll() < chance)
  const users = Array.from({ length: 1 + upTo(3) }, (_, i): PrincipalId => `user:${name(roll, i)}`)
  const groups = Array.from({ length: 1 + upTo(3) }, (_, i) => `group:${i}`)
  const members = groups.flatMap((group) =>
    some([...users, ...groups], 0.35).map((member) => [group, member] as const),
  )
  const documents = Array.from({ length: upTo(8) }, (_, i) => ({
    id: name(roll, i),
    version: `${upTo(3)}`,
    readers: some([...users, ...groups], 0.3),
    denied: roll() < 0.3 ? some([...users, ...groups], 0.3) : [],
  }))
  return { tenant, type: 'page', users, members, documents }
}

/** The same world after a change of who may what; people and documents are as they were. */
export function changed(world: PermissionWorld, seed: number): PermissionWorld {
  const other = randomWorld(seed, world.tenant)
  const roll = dice(seed)
  const names = [...world.users, ...world.members.map(([group]) => group)]
  return {
    ...world,
    members: world.members.filter(() => roll() < 0.7),
    documents: world.documents.map((document) => ({
      ...document,
      version: roll() < 0.2 ? `${document.version}+` : document.version,
      readers: names.filter(() => roll() < 0.3),
      denied: other.documents.length > 3 ? names.filter(() => roll() < 0.1) : [],
    })),
  }
}

function name(roll: () => number, index: number): string {
  const strange = STRANGE[Math.floor(roll() * STRANGE.length)] ?? ''
  return roll() < 0.3 ? `${strange}${index}` : `${index}`
}
