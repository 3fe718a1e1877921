import { randomUUID } from 'node:crypto'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { findPostgres } from '../../../../test/servers.ts'
import { describePermissions } from '../testing/describe-permissions.ts'
import type { PermissionWorld } from '../testing/permission-world.ts'
import { type AclDatabase, aclTablePermissions, aclTableSchema } from './acl-table.ts'

const live = { signal: new AbortController().signal }
const alice = { subject: 'user:alice', tenant: 'acme', action: 'read', type: 'page' } as const

/** Put worlds in the place of everything, in one go as an application would. */
async function write(database: AclDatabase, s: string, worlds: readonly PermissionWorld[]): Promise<void> {
  const rows = {
    principal: worlds.flatMap(({ tenant, users }) => users.map((name) => ({ tenant, name }))),
    member: worlds.flatMap(({ tenant, members }) =>
      members.map(([grp, member]) => ({ tenant, grp, member })),
    ),
    document: worlds.flatMap(({ tenant, type, documents }) =>
      documents.map(({ id, version }) => ({ tenant, type, id, version })),
    ),
    entry: worlds.flatMap(({ tenant, documents }) =>
      documents.flatMap(({ id: document, readers, denied }) => [
        ...readers.map((principal) => ({ tenant, document, principal, denied: false })),
        ...denied.map((principal) => ({ tenant, document, principal, denied: true })),
      ]),
    ),
  }
  const columns = {
    principal: 'tenant text, name text',
    member: 'tenant text, grp text, member text',
    document: 'tenant text, type text, id text, version text',
    entry: 'tenant text, document text, principal text, denied bool',
  }
  for (const table of ['principal', 'member', 'document'] as const)
    await database.query(`delete from ${s}.${table}`, [])
  for (const table of ['principal', 'member', 'document', 'entry'] as const) {
    const names = columns[table].replaceAll(/ (?:text|bool)/g, '')
    await database.query(
      `insert into ${s}.${table} (${names})
       select distinct ${names} from json_to_recordset($1::json) as r(${columns[table]})`,
      [JSON.stringify(rows[table])],
    )
  }
}

function suite(name: string, s: string, open: () => AclDatabase): void {
  const opener = (plan: 'access-lists' | 'ids') => async (worlds: readonly PermissionWorld[]) => {
    let isCut = false
    let isBehind = false
    const database: AclDatabase = {
      query: async (text, params) => {
        if (isCut) throw new Error('The connection is gone.')
        return open().query(isBehind ? text.replaceAll(`${s}.`, `${s}_behind.`) : text, params)
      },
    }
    await write(open(), s, worlds)
    const { rows: revisions } = await open().query(`select tenant, value::text from ${s}.revision`, [])
    return {
      source: aclTablePermissions({ database, schema: s, plan }),
      change: async (next: readonly PermissionWorld[]) => write(open(), s, next),
      cut: () => {
        isCut = true
      },
      // As a replica that has heard of nothing since.
      fallBehind: async () => {
        await write(open(), `${s}_behind`, worlds)
        await open().query(`delete from ${s}_behind.revision`, [])
        await open().query(
          `insert into ${s}_behind.revision
           select * from json_to_recordset($1::json) as r(tenant text, value bigint)`,
          [JSON.stringify(revisions)],
        )
        isBehind = true
      },
    }
  }
  for (const plan of ['access-lists', 'ids'] as const)
    describePermissions(`${name}, planned by ${plan}`, { open: opener(plan), worlds: 15 }, { describe, test })

  describe(`${name}: what is its own`, () => {
    const document = { id: 'd', version: '1', readers: ['user:alice'], denied: [] }
    const world: PermissionWorld = {
      tenant: 'acme',
      type: 'page',
      users: ['user:alice'],
      members: [],
      documents: [document, { ...document, id: 'e' }],
    }

    test('SQL that changes an entry changes the version of the permissions, and never back', async () => {
      await write(open(), s, [world])
      const source = aclTablePermissions({ database: open(), schema: s })
      const seen = new Set<string>()
      for (const change of [
        `insert into ${s}.entry (tenant, document, principal) values ('acme', 'd', 'group:x')`,
        `update ${s}.entry set denied = true where principal = 'group:x'`,
        `delete from ${s}.entry where principal = 'group:x'`,
      ]) {
        seen.add((await source.accessList({ id: 'd', tenant: 'acme' }, live)).aclVersion)
        await open().query(change, [])
      }
      const last = await source.accessList({ id: 'd', tenant: 'acme' }, live)
      expect(seen.size).toBe(3)
      expect(seen.has(last.aclVersion)).toBe(false)
      expect(last).toMatchObject({ readers: ['user:alice'], denied: [] })
      const [checked] = await source.check(alice, [{ document: 'd', version: '1', aclVersion: '' }], live)
      expect(checked).toMatchObject({ permitted: true, version: '1', ...last })
    })

    test('each transaction that changes something of a tenant raises its revision, and that of no other', async () => {
      await write(open(), s, [world, { ...world, tenant: 'umbra' }])
      const source = aclTablePermissions({ database: open(), schema: s })
      const revision = async (tenant: string | undefined): Promise<number> =>
        Number((await source.plan({ ...alice, tenant }, live)).consistencyToken)
      const tenants = ['acme', 'umbra', undefined]
      const before = await Promise.all(tenants.map(revision))
      const since = async (sql: string): Promise<number[]> => {
        await open().query(sql, [])
        const after = await Promise.all(tenants.map(revision))
        const risen = after.map((now, at) => now - (before[at] ?? 0))
        after.forEach((now, at) => (before[at] = now))
        return risen.map(Math.sign)
      }
      const both = `(values ('acme', 'group:x', 'a'), ('umbra', 'group:x', 'a'), ('umbra', 'group:x', 'b')) as v(t, g, m)`
      expect(
        await since(`insert into ${s}.member (tenant, grp, member) select t, g, m from ${both}`),
      ).toEqual([1, 1, 0])
      expect(await since(`insert into ${s}.principal values ('', 'user:alice')`)).toEqual([0, 0, 1])
      expect(await since(`delete from ${s}.principal where tenant = ''`)).toEqual([0, 0, 1])
      expect(
        await since(`update ${s}.document set tenant = 'umbra2' where tenant = 'umbra' and id = 'd'`),
      ).toEqual([0, 1, 0])
      expect(await since(`update ${s}.entry set denied = true where tenant = 'acme'`)).toEqual([1, 0, 0])
      expect(await since(`delete from ${s}.member where tenant = 'nobody'`)).toEqual([0, 0, 0])
    })

    test('a check waits for a replica that is not far behind, and not for ever', async () => {
      await write(open(), s, [world])
      const questions: string[] = []
      let isBehind = true
      const database: AclDatabase = {
        query: async (text, params) => {
          questions.push(text)
          const answer = await open().query(text, params)
          const rows = answer.rows.map((row) => ({ ...(row as object), revision: '0' }))
          if (questions.length === 2) isBehind = false
          return isBehind ? { rows } : answer
        },
      }
      const source = aclTablePermissions({ database, schema: s })
      const { consistencyToken = '' } = await aclTablePermissions({ database: open(), schema: s }).plan(
        alice,
        live,
      )
      const item = { document: 'd', version: '1', aclVersion: undefined }
      expect(await source.check(alice, [item], { ...live, consistencyToken })).toMatchObject([
        { permitted: true },
      ])
      expect(questions).toHaveLength(2)
      const ahead = { ...live, consistencyToken: `${Number(consistencyToken) + 1}` }
      await expect(source.check(alice, [item], ahead)).rejects.toMatchObject({
        code: 'ERR_POLICY_UNAVAILABLE',
      })
    })

    test('a plan of more ids than it may list says that it is not complete', async () => {
      await write(open(), s, [world])
      const few = aclTablePermissions({ database: open(), schema: s, plan: 'ids', maxIds: 1 })
      expect(await few.plan(alice, live)).toMatchObject({
        plan: { kind: 'ids', ids: ['d'], complete: false },
      })
      const enough = aclTablePermissions({ database: open(), schema: s, plan: 'ids', maxIds: 2 })
      expect(await enough.plan(alice, live)).toMatchObject({
        plan: { kind: 'ids', ids: ['d', 'e'], complete: true },
      })
    })

    test('what is granted to everyone is for those who are known', async () => {
      await write(open(), s, [{ ...world, documents: [{ ...document, readers: ['everyone'] }] }])
      const source = aclTablePermissions({ database: open(), schema: s })
      const item = { document: 'd', version: '1', aclVersion: undefined }
      const permitted = async (subject: `user:${string}`) =>
        (await source.check({ ...alice, subject }, [item], live))[0]?.permitted
      expect(await permitted('user:alice')).toBe(true)
      expect(await permitted('user:mallory')).toBe(false)
    })

    test('a caller who gives up is not held by a statement that hangs', async () => {
      const source = aclTablePermissions({ database: { query: async () => new Promise(() => {}) } })
      const giving = new AbortController()
      const asked = source.plan(alice, { signal: giving.signal })
      giving.abort(new Error('given up'))
      await expect(asked).rejects.toThrow('given up')
    })

    test('tables that were not laid out, and a schema that would need quotes, are named', async () => {
      const source = aclTablePermissions({ database: open(), schema: 'not_there' })
      await expect(source.plan(alice, live)).rejects.toThrow(/schema: .*aclTableSchema/)
      expect(() => aclTableSchema('x; drop table y')).toThrow(/schema: expected up to 63/)
    })
  })
}

describe('PGlite', () => {
  let database: PGlite | undefined
  beforeAll(async () => {
    database = await PGlite.create()
    // A second time changes nothing.
    await database.exec(aclTableSchema() + aclTableSchema() + aclTableSchema('gatewright_acl_behind'))
  })
  afterAll(async () => database?.close())
  suite('access lists in PGlite', 'gatewright_acl', () => database as PGlite)
})

const server = await findPostgres()

describe.skipIf(server === undefined)('PostgreSQL', () => {
  const schema = `gatewright_acl_${randomUUID().slice(0, 8)}`
  const user = process.env['PGUSER'] ?? 'postgres'
  const pool = new pg.Pool({ ...server, user, database: process.env['PGDATABASE'] ?? 'postgres', max: 2 })
  pool.on('error', () => {})
  beforeAll(async () => {
    await pool.query(aclTableSchema(schema) + aclTableSchema(`${schema}_behind`))
  })
  afterAll(async () => {
    await pool.query(`drop schema ${schema}, ${schema}_behind cascade`)
    await pool.end()
  })
  suite('access lists in PostgreSQL', schema, () => pool)
})
