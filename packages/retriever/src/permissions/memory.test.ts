import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { describePermissions } from '../testing/describe-permissions.ts'
import type { PermissionWorld } from '../testing/permission-world.ts'
import {
  type Grant,
  memoryPermissions,
  type MemoryPermissions,
  type MemoryPermissionsOptions,
} from './memory.ts'

const live = { signal: new AbortController().signal }
const tenant = 'acme'
const asAlice = { subject: 'user:alice', tenant, action: 'read', type: 'page' } as const
const viewers = (...names: string[]): Grant[] => names.map((to) => ({ to, role: 'viewer' }))

for (const plan of ['access-lists', 'ids'] as const)
  describePermissions(
    `permissions in memory, planned by ${plan}`,
    { open: opener({ plan }) },
    { describe, test },
  )

function opener(options: MemoryPermissionsOptions) {
  return (worlds: readonly PermissionWorld[]) => {
    let source = fill(memoryPermissions(options), worlds)
    return {
      get source() {
        return source
      },
      change: (next: readonly PermissionWorld[]) => {
        source = refill(source, worlds, next)
      },
    }
  }
}

function fill(source: MemoryPermissions, worlds: readonly PermissionWorld[]): MemoryPermissions {
  for (const world of worlds) {
    const members = source.members(world.tenant)
    for (const user of world.users) members.introduce(user)
    for (const [group, member] of world.members) members.add(group, member)
    for (const { readers, ...document } of world.documents)
      source.putDocument({ ...document, tenant: world.tenant, type: world.type, grants: viewers(...readers) })
  }
  return source
}

function refill(
  source: MemoryPermissions,
  before: readonly PermissionWorld[],
  after: readonly PermissionWorld[],
): MemoryPermissions {
  for (const world of before) {
    for (const [group, member] of world.members) source.members(world.tenant).remove(group, member)
    for (const { id } of world.documents) source.removeDocument({ id, tenant: world.tenant })
  }
  return fill(source, after)
}

async function reads(source: MemoryPermissions, subject: `user:${string}`, id = 'd'): Promise<boolean> {
  const item = { document: id, version: '1', aclVersion: undefined }
  const [answer] = await source.check({ ...asAlice, subject }, [item], live)
  return answer?.permitted === true
}

describe('folders, owners and links', () => {
  const page = { id: 'd', tenant, type: 'page', version: '1' }
  const opened = (): MemoryPermissions => {
    const source = memoryPermissions()
    for (const name of ['user:alice', 'user:bob']) source.members(tenant).introduce(name)
    source.putFolder({ id: 'top', tenant, grants: viewers('user:alice') })
    source.putFolder({ id: 'inner', tenant, parent: 'top' })
    return source
  }

  test('who may read a folder may read what lies in the folders in it, until the folder is taken away', async () => {
    const source = opened()
    source.putDocument({ ...page, folder: 'inner' })
    expect(await reads(source, 'user:alice')).toBe(true)
    expect(await reads(source, 'user:bob')).toBe(false)
    source.putFolder({ id: 'top', tenant })
    expect(await reads(source, 'user:alice')).toBe(false)
  })

  test('a denial on a folder wins over the owner of a document deep in it', async () => {
    const source = opened()
    source.putDocument({ ...page, folder: 'inner', owners: ['user:bob'] })
    expect(await reads(source, 'user:bob')).toBe(true)
    source.putFolder({ id: 'top', tenant, denied: ['user:bob'] })
    expect(await reads(source, 'user:bob')).toBe(false)
  })

  test('a link lets those in who have opened it, and a search finds it for nobody else', async () => {
    const source = opened()
    source.putDocument({ ...page, link: [] })
    expect(await reads(source, 'user:bob')).toBe(false)
    source.putDocument({ ...page, link: ['user:bob'] })
    expect(await reads(source, 'user:bob')).toBe(true)
    expect(await reads(source, 'user:alice')).toBe(false)
  })

  test('everyone is everyone who is known, and nobody else', async () => {
    const source = opened()
    source.putDocument({ ...page, grants: viewers('everyone') })
    expect(await reads(source, 'user:bob')).toBe(true)
    expect(await reads(source, 'user:mallory')).toBe(false)
    source.members(tenant).forget('user:bob')
    expect(await reads(source, 'user:bob')).toBe(false)
  })

  test('a role allows the actions that it lists and no others', async () => {
    const source = memoryPermissions({ roles: { auditor: ['audit'], viewer: ['read'], owner: ['read'] } })
    source.members(tenant).introduce('user:alice')
    source.putDocument({ ...page, grants: [{ to: 'user:alice', role: 'auditor' }] })
    expect(await reads(source, 'user:alice')).toBe(false)
    const { plan } = await source.plan({ ...asAlice, action: 'audit' }, live)
    expect(plan).toEqual({ kind: 'ids', ids: ['d'], complete: true })
  })

  test('what an index is told of readers has another version exactly when it is other readers', () => {
    const source = opened()
    source.putDocument({ ...page, folder: 'inner' })
    const first = source.accessList(page)
    expect(first).toMatchObject({ readers: ['user:alice'], denied: [] })
    source.putDocument({ ...page, version: '2', folder: 'inner' })
    expect(source.accessList(page).aclVersion).toBe(first.aclVersion)
    source.putFolder({ id: 'top', tenant, grants: viewers('user:alice'), denied: ['user:bob'] })
    expect(source.accessList(page).aclVersion).not.toBe(first.aclVersion)
    expect(source.accessList({ id: 'none', tenant })).toMatchObject({ readers: [], denied: [] })
  })

  test('no plan outlives a change of any kind', () => {
    const source = opened()
    const seen = new Set([source.policyVersion?.()])
    const members = source.members(tenant)
    for (const change of [
      () => members.add('group:a', 'user:alice'),
      () => members.remove('group:a', 'user:alice'),
      () => members.introduce('user:carol'),
      () => members.forget('user:carol'),
      () => source.putFolder({ id: 'top', tenant }),
      () => source.putDocument(page),
      () => source.removeDocument(page),
    ]) {
      change()
      expect(seen).not.toContain(source.policyVersion?.())
      seen.add(source.policyVersion?.())
    }
  })

  test('a role, a folder or an order of folders that cannot be is refused by name', () => {
    const source = opened()
    const grants = [{ to: 'user:alice', role: 'constructor' }]
    expect(() => source.putDocument({ ...page, grants })).toThrow(/document\.grants\.role.*one of viewer/)
    expect(() => source.putDocument({ ...page, folder: 'gone' })).toThrow(/folder: expected a folder/)
    expect(() => source.putFolder({ id: 'top', tenant, parent: 'inner' })).toThrow(/folder\.parent/)
    expect(() => source.putFolder({ id: 'own', tenant, parent: 'own' })).toThrow(ERROR)
  })
})

const ERROR = /folder/

test('for any folders, grants and denials, the access lists of the index and the check say the same', async () => {
  const names = fc.constantFrom('user:alice', 'user:bob', 'group:a', 'group:b', 'everyone')
  const lists = { granted: fc.array(names, { maxLength: 2 }), denied: fc.array(names, { maxLength: 1 }) }
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ ...lists, parent: fc.nat(3) }), { maxLength: 4 }),
      fc.record({
        ...lists,
        folder: fc.nat(4),
        owner: fc.option(names),
        link: fc.array(names, { maxLength: 1 }),
      }),
      fc.array(fc.tuple(fc.constantFrom('group:a', 'group:b'), names), { maxLength: 4 }),
      async (folders, { granted, folder, owner, ...rest }, members) => {
        const source = memoryPermissions()
        for (const name of ['user:alice', 'user:bob']) source.members(tenant).introduce(name)
        for (const [group, member] of members) source.members(tenant).add(group, member)
        folders.forEach((one, i) => {
          const parent = one.parent < i ? { parent: `${one.parent}` } : {}
          source.putFolder({
            id: `${i}`,
            tenant,
            grants: viewers(...one.granted),
            denied: one.denied,
            ...parent,
          })
        })
        source.putDocument({
          id: 'd',
          tenant,
          type: 'page',
          version: '1',
          grants: viewers(...granted),
          ...rest,
          ...(owner === null ? {} : { owners: [owner] }),
          ...(folder < folders.length ? { folder: `${folder}` } : {}),
        })
        const { readers, denied } = source.accessList({ id: 'd', tenant })
        for (const subject of ['user:alice', 'user:bob'] as const) {
          const are = (await source.principals?.({ ...asAlice, subject }, live)) ?? []
          const byLists = readers.some((one) => are.includes(one)) && !denied.some((one) => are.includes(one))
          expect(await reads(source, subject)).toBe(byLists)
        }
      },
    ),
  )
})
