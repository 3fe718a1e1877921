import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { vector } from '@electric-sql/pglite-pgvector'
import {
  hashedNgrams,
  type MemoryPermissions,
  memoryPermissions,
  pgliteIndex,
  type SearchIndex,
} from '@gatewright/retriever'
import { ingest } from '@gatewright/retriever/ingest'

const FOLDER = join(import.meta.dirname, '..', '..', 'documents', 'drive')

export const TENANT = 'larkspur'
export const TYPE = 'page'
export const EMBED = hashedNgrams()

/** What lies in the drive: whose it is, whom it is shared with, and who else may have written it. */
const PAGES = [
  { id: 'plan', file: 'plan.md', author: 'user:alice', shared: ['group:staff'] },
  { id: 'budget', file: 'budget.md', author: 'user:alice', shared: [] },
  { id: 'venue', file: 'venue.md', author: 'user:alice', shared: ['user:bob'] },
  { id: 'guests', file: 'guests.md', author: 'user:alice', shared: ['user:bob'] },
  // Written by a contractor, who has put something in it for assistants.
  { id: 'faq', file: 'faq.html', author: 'party:kim@contractor.example', shared: ['group:staff'] },
] as const

export type PageId = (typeof PAGES)[number]['id']

/** A shared drive: its index, and who may read what in it. */
export interface Drive extends AsyncDisposable {
  readonly index: SearchIndex
  readonly permissions: MemoryPermissions
  /** Put everything as it was when it was indexed. */
  restore(): void
  /** Alice takes back what she has shared with Bob. The index is not told. */
  revoke(page: PageId): void
}

/** Open the drive in a PGlite, with nothing installed, and index its pages. `agent` may read what lies in it. */
export async function openDrive(agent: string, signal: AbortSignal): Promise<Drive> {
  const database = await PGlite.create({ extensions: { vector } })
  const index = await pgliteIndex({ database, model: EMBED.name, dimensions: EMBED.dimensions })
  const permissions = memoryPermissions()
  const people = permissions.members(TENANT)
  for (const user of ['user:alice', 'user:bob']) people.add('group:staff', user)
  people.introduce(agent)
  permissions.putFolder({ id: 'offsite', tenant: TENANT, grants: [{ to: agent, role: 'viewer' }] })

  const put = (page: (typeof PAGES)[number], shared: readonly string[]): void =>
    permissions.putDocument({
      id: page.id,
      tenant: TENANT,
      type: TYPE,
      version: '1',
      folder: 'offsite',
      owners: ['user:alice'],
      grants: shared.map((to) => ({ to, role: 'viewer' })),
    })
  const restore = (): void => PAGES.forEach((page) => put(page, page.shared))
  restore()
  await ingest(
    PAGES.map(({ id, file, author }) => ({
      id,
      tenant: TENANT,
      type: TYPE,
      version: '1',
      source: `drive/${file}`,
      authors: [author],
      ...permissions.accessList({ id, tenant: TENANT }),
      content: readFileSync(join(FOLDER, file)),
    })),
    { index, embed: EMBED, signal },
  )
  return {
    index,
    permissions,
    restore,
    revoke: (id) => PAGES.filter((page) => page.id === id).forEach((page) => put(page, [])),
    async [Symbol.asyncDispose]() {
      await index[Symbol.asyncDispose]()
      await database.close()
    },
  }
}

/** The index, and something that happens while a search runs: after its hits are found, before they are handed over. */
export function meanwhile(index: SearchIndex, happens: () => void): SearchIndex {
  return {
    ...index,
    async search(...query) {
      const hits = await index.search(...query)
      happens()
      return hits
    },
  }
}
