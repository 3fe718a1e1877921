import { createHash } from 'node:crypto'
import { ConfigError } from '@gatewright/runtime'
import { readableByAny } from '../filter.ts'
import type { Checked, PermissionSource, Plan } from '../permissions.ts'
import { createMembers, type Members } from './members.ts'

/** A role of somebody, or of a group, on a document or a folder. */
export interface Grant {
  readonly to: string
  readonly role: string
}

export interface Folder {
  readonly id: string
  readonly tenant: string | undefined
  readonly parent?: string
  /** They hold for all that lies in it, however deep. */
  readonly grants?: readonly Grant[]
  readonly denied?: readonly string[]
}

export interface SharedDocument {
  readonly id: string
  readonly tenant: string | undefined
  readonly type: string
  /** The version of its content, as the ingest gave it to the index. */
  readonly version: string
  readonly folder?: string
  readonly owners?: readonly string[]
  readonly grants?: readonly Grant[]
  /**
   * Who holds its link. Having a link means having been told, which a search cannot know: of "anyone with the link"
   * those are meant who have opened it. A document for everybody is granted to `everyone`.
   */
  readonly link?: readonly string[]
  /** Wins over everything else, ownership included; so does one on a folder above. */
  readonly denied?: readonly string[]
}

/** Who may read a document, in the form in which an index keeps it. */
export interface AccessList {
  readonly readers: readonly string[]
  readonly denied: readonly string[]
  readonly aclVersion: string
}

export interface MemoryPermissionsOptions {
  /** Which actions a role allows. Default: a `viewer` reads, an `editor` writes too, an `owner` shares too. */
  readonly roles?: Readonly<Record<string, readonly string[]>>
  /**
   * What a plan says. `access-lists` (the default): whose access list, as the index keeps it, names the user; any
   * number of documents, and what was shared since the last ingest is found after the next. `ids`: which documents,
   * one by one; for thousands, not for hundreds of thousands.
   */
  readonly plan?: 'access-lists' | 'ids'
}

/** Roles and relations in memory. A change takes effect with the next question. */
export interface MemoryPermissions extends PermissionSource {
  readonly members: (tenant: string | undefined) => Members
  /** Put a folder in the place of what was there under its id. */
  putFolder(folder: Folder): void
  putDocument(document: SharedDocument): void
  removeDocument(document: Pick<SharedDocument, 'id' | 'tenant'>): void
  /** The document as it was put; undefined where there is none. */
  document(document: Pick<SharedDocument, 'id' | 'tenant'>): SharedDocument | undefined
  /** Who may read it, for an ingest to hand to the index. Nobody where there is no such document. */
  accessList(document: Pick<SharedDocument, 'id' | 'tenant'>): AccessList
}

interface World {
  readonly members: Members
  readonly folders: Map<string, Folder>
  readonly documents: Map<string, SharedDocument>
}

const READ = 'read'
const ROLES: Readonly<Record<string, readonly string[]>> = {
  viewer: [READ],
  editor: [READ, 'write'],
  owner: [READ, 'write', 'share'],
}

/**
 * Permissions kept in memory: users, groups in groups, folders in folders, owners, links, and denials that win.
 *
 * The default, and what the tests of others are measured against. Nothing is inferred: a principal that was never
 * made known sees nothing, what is granted to `everyone` included, and a document that nobody put is nobody's.
 *
 * @throws {ConfigError} On a role that `roles` does not have, a folder that is not there, and folders in a circle.
 */
export function memoryPermissions(options: MemoryPermissionsOptions = {}): MemoryPermissions {
  const { roles = ROLES, plan: planBy = 'access-lists' } = options
  const worlds = new Map<string | undefined, World>()
  let revision = 0
  const changed = (): void => {
    revision += 1
  }
  const worldOf = (tenant: string | undefined): World => {
    const world = worlds.get(tenant) ?? {
      members: createMembers(changed),
      folders: new Map<string, Folder>(),
      documents: new Map<string, SharedDocument>(),
    }
    worlds.set(tenant, world)
    return world
  }

  function allowing(grants: readonly Grant[] = [], action: string): string[] {
    return grants.filter(({ role }) => roles[role]?.includes(action) === true).map(({ to }) => to)
  }

  function listsOf(world: World, document: SharedDocument, action: string): Omit<AccessList, 'aclVersion'> {
    const above = foldersAbove(world, document.folder)
    const own = [
      ...allowing(document.grants, action),
      ...allowing(asGrants(document.owners, 'owner'), action),
      ...allowing(asGrants(document.link, 'viewer'), action),
    ]
    return {
      readers: sorted([...own, ...above.flatMap(({ grants }) => allowing(grants, action))]),
      denied: sorted([...(document.denied ?? []), ...above.flatMap(({ denied = [] }) => denied)]),
    }
  }

  function judge(world: World, principals: ReadonlySet<string>, document: SharedDocument, action: string) {
    const { readers, denied } = listsOf(world, document, action)
    const barred = denied.find((name) => principals.has(name))
    if (barred !== undefined) return { permitted: false, why: `denied to ${barred}` }
    const granted = readers.find((name) => principals.has(name))
    return granted === undefined
      ? { permitted: false, why: 'granted to nobody that they are' }
      : { permitted: true, why: `granted to ${granted}` }
  }

  function accessList({ id, tenant }: Pick<SharedDocument, 'id' | 'tenant'>): AccessList {
    const world = worlds.get(tenant)
    const document = world?.documents.get(id)
    const lists =
      world === undefined || document === undefined
        ? { readers: [], denied: [] }
        : listsOf(world, document, READ)
    return { ...lists, aclVersion: versionOf(lists) }
  }

  const goesByLists = (action: string): boolean => planBy === 'access-lists' && action === READ

  const checkRoles = (key: string, grants: readonly Grant[] = []): void => {
    for (const { role } of grants)
      if (!Object.hasOwn(roles, role))
        throw new ConfigError(`${key}.role`, role, `one of ${Object.keys(roles).join(', ')}`)
  }

  return {
    name: 'memory',
    capabilities: { plans: ['none', 'filter', 'ids'], versions: true, consistencyTokens: true },
    members: (tenant) => worldOf(tenant).members,
    policyVersion: () => `${revision}`,

    putFolder(folder) {
      changed()
      checkRoles('folder.grants', folder.grants)
      const world = worldOf(folder.tenant)
      if (folder.parent !== undefined) {
        const above = foldersAbove(world, folder.parent)
        if (above.some(({ id }) => id === folder.id) || folder.parent === folder.id)
          throw new ConfigError('folder.parent', folder.parent, 'a folder that does not lie in this one')
      }
      world.folders.set(folder.id, folder)
    },
    putDocument(document) {
      changed()
      checkRoles('document.grants', document.grants)
      const world = worldOf(document.tenant)
      // Thrown now and not met later: a folder that is not known may deny.
      foldersAbove(world, document.folder)
      world.documents.set(document.id, document)
    },
    removeDocument({ id, tenant }) {
      changed()
      worldOf(tenant).documents.delete(id)
    },
    document: ({ id, tenant }) => worlds.get(tenant)?.documents.get(id),
    accessList,

    async principals({ subject, tenant, action }, { signal }) {
      signal.throwIfAborted()
      return goesByLists(action) ? [...(worlds.get(tenant)?.members.expand(subject) ?? [])] : undefined
    },

    async plan({ subject, tenant, action, type }, { signal }) {
      signal.throwIfAborted()
      const world = worlds.get(tenant)
      const principals = world?.members.expand(subject)
      const consistencyToken = `${revision}`
      if (world === undefined || principals === undefined || principals.size === 0)
        return { plan: { kind: 'none' }, consistencyToken }
      // The lists of an index are those of readers; other actions are answered one by one.
      if (goesByLists(action))
        return { plan: { kind: 'filter', filter: readableByAny([...principals]) }, consistencyToken }
      const ids = [...world.documents.values()]
        .filter((one) => one.type === type && judge(world, principals, one, action).permitted)
        .map(({ id }) => id)
      const plan: Plan = ids.length === 0 ? { kind: 'none' } : { kind: 'ids', ids, complete: true }
      return { plan, consistencyToken }
    },

    async check({ subject, tenant, action, type }, items, { signal, consistencyToken = '0' }) {
      signal.throwIfAborted()
      // Of a moment that is still to come here: it is from before a restart, or of another source.
      if (!/^\d{1,15}$/.test(consistencyToken) || Number(consistencyToken) > revision)
        throw new ConfigError('consistencyToken', consistencyToken, 'one that a plan of this source gave')
      const world = worlds.get(tenant)
      const principals = world?.members.expand(subject)
      return items.map(({ document: id }): Checked => {
        const document = world?.documents.get(id)
        if (world === undefined || document?.type !== type)
          return { permitted: false, why: 'not known to the source' }
        if (principals === undefined || principals.size === 0)
          return { permitted: false, why: 'a principal that is not known' }
        const { version } = document
        return { ...judge(world, principals, document, action), version, ...accessList({ id, tenant }) }
      })
    },
  }
}

function foldersAbove({ folders }: World, id: string | undefined): Folder[] {
  const above: Folder[] = []
  for (let next = id; next !== undefined;) {
    const folder = folders.get(next)
    if (folder === undefined) throw new ConfigError('folder', next, 'a folder that was put before')
    above.push(folder)
    next = folder.parent
  }
  return above
}

function asGrants(names: readonly string[] = [], role: string): Grant[] {
  return names.map((to) => ({ to, role }))
}

function sorted(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted()
}

/** The same lists have the same version, so that a change that changes nothing drops no hit. */
function versionOf(lists: Omit<AccessList, 'aclVersion'>): string {
  return createHash('sha256')
    .update(JSON.stringify([lists.readers, lists.denied]))
    .digest('base64url')
    .slice(0, 22)
}
