import { setTimeout } from 'node:timers/promises'
import { ConfigError, UnavailableError } from '@gatewright/runtime'
import { readableByAny } from '../filter.ts'
import type { Access, Checked, PermissionOptions, PermissionSource, Plan } from '../permissions.ts'
import { aclSchemaName } from './acl-table-schema.ts'
import type { AccessList } from './memory.ts'
import { EVERYONE } from './members.ts'

export { aclTableSchema } from './acl-table-schema.ts'

/** A pool of `pg`, or PGlite: whatever runs one statement with its parameters. */
export interface AclDatabase {
  query(text: string, params: unknown[]): Promise<{ readonly rows: unknown[] }>
}

export interface AclTableOptions {
  readonly database: AclDatabase
  /** The schema that `aclTableSchema` has laid out. Default `gatewright_acl`. */
  readonly schema?: string
  /**
   * What a plan says. `access-lists` (the default): whose access list, as the index keeps it, names the user. `ids`:
   * which documents, up to `maxIds`; what was shared since the last ingest is found too.
   */
  readonly plan?: 'access-lists' | 'ids'
  /** Most ids of a plan; beyond, the plan says that it is not complete. Default 10,000, some 40 ms of a search. */
  readonly maxIds?: number
}

/** Access lists in tables, as a permission source. */
export interface AclTablePermissions extends PermissionSource {
  /** Who may read a document now, for an ingest to hand to the index. Nobody where it has no row. */
  accessList(
    document: { readonly id: string; readonly tenant: string | undefined },
    options: { readonly signal: AbortSignal },
  ): Promise<AccessList>
}

type Row = Readonly<Record<string, unknown>>

const READ = 'read'
/** Doubled from 10 ms on: some 600 ms in all. */
const LONGEST_PAUSE_MS = 500

/**
 * Permissions in tables of PostgreSQL 15 or later, or of PGlite: beside the index, or in the application's own database.
 *
 * Lay out the tables with `aclTableSchema`, and fill them with SQL of your own: `principal` (who is known), `member`,
 * `document` and `entry`. A trigger gives a document a new version of its permissions whenever its entries change.
 * Each answer is one statement, so it sees one moment; a plan names it, and no check is of an earlier one, whichever
 * replica answers. Rejects if the database does.
 *
 * @throws {ConfigError} On a schema name that is not plain, or tables that were not laid out.
 */
export function aclTablePermissions(options: AclTableOptions): AclTablePermissions {
  const { database, schema = 'gatewright_acl', plan: planBy = 'access-lists', maxIds = 10_000 } = options
  const s = aclSchemaName(schema)
  if (!Number.isSafeInteger(maxIds) || maxIds < 1)
    throw new ConfigError('maxIds', maxIds, 'a whole number above 0')

  // The principal that asks, if it is known, and every group it is in; `union` ends a circle of groups.
  // The revision is read in the same statement, so that it is that of what the statement sees.
  const asWho = `with recursive moment(revision) as (
      select coalesce((select r.value from ${s}.revision r where r.tenant = $1), 0)::text
    ), me(name) as (
      select name from ${s}.principal where tenant = $1 and name = $2
      union select m.grp from me join ${s}.member m on m.tenant = $1 and m.member = me.name
    ), who(name) as (select name from me union select '${EVERYONE}' where exists (select from me))`
  const isPermitted = `(
      exists (select from ${s}.entry e join who on who.name = e.principal
        where e.tenant = $1 and e.document = d.id and e.action = $4 and not e.denied)
      and not exists (select from ${s}.entry e join who on who.name = e.principal
        where e.tenant = $1 and e.document = d.id and e.action = $4 and e.denied))`

  /** Readers are those of `read`, whatever is asked: they are what a passage may be shown to. */
  const named = (which: string): string => `array(select e.principal from ${s}.entry e
      where e.tenant = d.tenant and e.document = d.id and e.action = '${READ}' and ${which} order by 1)`

  async function ask(text: string, params: unknown[], signal: AbortSignal): Promise<readonly Row[]> {
    signal.throwIfAborted()
    try {
      const { rows } = await orAborted(database.query(text, params), signal)
      return rows as readonly Row[]
    } catch (error) {
      if (['3F000', '42P01'].includes(String((error as { code?: unknown }).code)))
        throw new ConfigError('schema', schema, 'a schema that the SQL of aclTableSchema() has laid out')
      throw error
    }
  }

  /** The answer of a moment that is no earlier than a token's; a replica that is behind is waited for. */
  async function askOf(
    text: string,
    params: unknown[],
    { signal, consistencyToken = '0' }: PermissionOptions,
  ): Promise<{ readonly rows: readonly Row[]; readonly revision: string }> {
    if (!/^\d{1,19}$/.test(consistencyToken))
      throw new ConfigError('consistencyToken', consistencyToken, 'one that a plan of this source gave')
    for (let pause = 10; ; pause *= 2) {
      const rows = await ask(text, params, signal)
      const revision = String(rows[0]?.['revision'])
      if (BigInt(revision) >= BigInt(consistencyToken)) return { rows, revision }
      if (pause > LONGEST_PAUSE_MS)
        throw new UnavailableError(
          'ERR_POLICY_UNAVAILABLE',
          'The database that was asked is behind the one that planned.',
        )
      await setTimeout(pause, undefined, { signal }).catch(() => signal.throwIfAborted())
    }
  }

  async function principalsOf(
    { subject, tenant }: Pick<Access, 'subject' | 'tenant'>,
    call: PermissionOptions,
  ): Promise<{ readonly names: readonly string[]; readonly revision: string }> {
    const { rows, revision } = await askOf(
      `${asWho} select revision, name from moment left join who on true`,
      [tenantKey(tenant), subject],
      call,
    )
    return { names: rows.flatMap(({ name }) => (name === null ? [] : [String(name)])), revision }
  }

  const goesByLists = (action: string): boolean => planBy === 'access-lists' && action === READ

  return {
    name: 'acl-table',
    capabilities: { plans: ['none', 'filter', 'ids'], versions: true, consistencyTokens: true },

    principals: async (access, call) =>
      goesByLists(access.action) ? (await principalsOf(access, call)).names : undefined,

    async plan({ subject, tenant, action, type }, call) {
      if (goesByLists(action)) {
        const { names, revision } = await principalsOf({ subject, tenant }, call)
        const plan: Plan =
          names.length === 0 ? { kind: 'none' } : { kind: 'filter', filter: readableByAny(names) }
        return { plan, consistencyToken: revision }
      }
      const { rows, revision } = await askOf(
        `${asWho} select revision, id from moment left join lateral (
           select d.id from ${s}.document d where d.tenant = $1 and d.type = $3 and ${isPermitted}
           order by d.id limit $5) as permitted on true`,
        [tenantKey(tenant), subject, type, action, maxIds + 1],
        call,
      )
      const ids = rows.flatMap(({ id }) => (id === null ? [] : [String(id)]))
      const plan: Plan =
        ids.length === 0
          ? { kind: 'none' }
          : { kind: 'ids', ids: ids.slice(0, maxIds), complete: ids.length <= maxIds }
      return { plan, consistencyToken: revision }
    },

    async check({ subject, tenant, action, type }, items, call) {
      const { rows } = await askOf(
        `${asWho} select revision, d.id, d.version, d.acl_version::text, ${isPermitted} as permitted,
           ${named('not e.denied')} as readers, ${named('e.denied')} as denied
         from moment left join ${s}.document d
           on d.tenant = $1 and d.type = $3 and d.id = any($5::text[])`,
        [tenantKey(tenant), subject, type, action, items.map(({ document }) => document)],
        call,
      )
      const byId = new Map(
        rows.flatMap((row) => (row['id'] === null ? [] : [[String(row['id']), row] as const])),
      )
      return items.map(({ document }): Checked => {
        const row = byId.get(document)
        if (row === undefined) return { permitted: false, why: 'no row of this tenant and type' }
        const permitted = row['permitted'] === true
        return {
          permitted,
          version: String(row['version']),
          aclVersion: String(row['acl_version']),
          readers: row['readers'] as string[],
          denied: row['denied'] as string[],
          why: permitted ? 'an entry permits it' : 'no entry permits it, or one denies it',
        }
      })
    },

    async accessList({ id, tenant }, { signal }) {
      const [row] = await ask(
        `select d.acl_version::text, ${named('not e.denied')} as readers, ${named('e.denied')} as denied
         from ${s}.document d where d.tenant = $1 and d.id = $2`,
        [tenantKey(tenant), id],
        signal,
      )
      if (row === undefined) return { readers: [], denied: [], aclVersion: '' }
      return {
        readers: row['readers'] as string[],
        denied: row['denied'] as string[],
        aclVersion: String(row['acl_version']),
      }
    },
  }
}

/** No tenant and one with an empty name would meet in one row. */
function tenantKey(tenant: string | undefined): string {
  if (tenant === '') throw new ConfigError('tenant', tenant, 'a name, or nothing')
  return tenant ?? ''
}

/** A statement that hangs must not hold whoever has given up; what it brings later is thrown away. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const aborted = (): void => reject(signal.reason)
  signal.addEventListener('abort', aborted, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', aborted)
  }
}
