import { cerbosPermissions, type CerbosResource } from '@gatewright/adapters/permissions/cerbos'
import type { Access } from '@gatewright/retriever'
import { describePermissions, type PermissionWorld } from '@gatewright/retriever/testing'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { evaluateFilter } from '../../packages/retriever/src/index/evaluate-filter.ts'
import { startCerbos } from './cerbos-server.ts'
import { cuttable, records } from './worlds.ts'

/** One condition an action; those that a filter cannot say have to be refused. */
const CONDITIONS = {
  owner: 'R.attr.owner == P.id',
  notKind: 'R.attr.kind != "a"',
  kinds: 'R.attr.kind in ["a", "b"] && !(R.attr.kind == "b" && R.attr.secret)',
  level: 'R.attr.level <= P.attr.level && 1 < R.attr.level || R.attr["owner"] == "user:bob"',
  reader: 'P.id in R.attr.readers || R.attr.secret',
  common: 'R.attr.readers.exists(r, r in P.attr.principals) && !R.attr.readers.exists(r, r == "user:eve")',
  id: 'R.id == "d"',
} as const
const UNSAYABLE = {
  prefix: 'R.attr.owner.startsWith("user:")',
  size: 'size(R.attr.readers) > 2',
  two: 'R.attr.owner == R.attr.kind',
  nothing: 'R.attr.owner == null',
  ternary: 'R.attr.secret ? R.attr.level > 2 : true',
  subset: 'isSubset(R.attr.readers, P.attr.principals)',
  at: 'R.attr.readers[0] == P.id',
} as const

const rule = (action: string, effect: string, expr: string): object => ({
  actions: [action],
  effect: `EFFECT_${effect}`,
  roles: ['user'],
  condition: { match: { expr } },
})
const page = {
  apiVersion: 'api.cerbos.dev/v1',
  resourcePolicy: {
    version: 'default',
    resource: 'page',
    rules: [
      rule('read', 'ALLOW', 'hasIntersection(R.attr.readers, P.attr.principals)'),
      rule('read', 'DENY', 'hasIntersection(P.attr.principals, R.attr.denied)'),
      rule('careless', 'ALLOW', 'has(R.attr.owner)'),
      ...Object.entries({ ...CONDITIONS, ...UNSAYABLE }).map(([name, expr]) => rule(name, 'ALLOW', expr)),
    ],
  },
}

const server = await startCerbos({ 'page.json': JSON.stringify(page) })
const live = { signal: new AbortController().signal }
const alice: Access = { subject: 'user:alice', tenant: 'acme', action: 'read', type: 'page' }

describe.skipIf(server === undefined)('Cerbos', () => {
  const url = server?.url ?? ''
  afterAll(async () => server?.[Symbol.asyncDispose]())

  const open = (worlds: readonly PermissionWorld[]) => {
    const known = records(worlds)
    const line = cuttable()
    const source = cerbosPermissions({
      url,
      fetch: line.fetch,
      async principal({ tenant, subject }) {
        const principals = known.principals(tenant, subject)
        return principals.length === 0 ? undefined : { roles: ['user'], attr: { principals } }
      },
      resources: async (ids, { tenant, type }) =>
        ids.map((id): CerbosResource | undefined => {
          const found = known.document(tenant, type, id)
          return found && { attr: { readers: found.readers, denied: found.denied }, version: found.version }
        }),
    })
    return { source, change: known.change, cut: line.cut }
  }
  describePermissions('permissions by Cerbos', { open, worlds: 20 }, { describe, test })

  /** A source over one document, with the roles and attributes of alice given. */
  const over = (attr: Record<string, unknown>, own: object = {}) =>
    cerbosPermissions({
      url,
      principal: async () => ({ roles: ['user'], attr: { principals: ['user:alice', 'group:a'], level: 3 } }),
      resources: async (ids) => ids.map((id) => (id === 'd' ? { attr, version: '1' } : undefined)),
      ...own,
    })
  const item = { document: 'd', version: '1', aclVersion: undefined }
  const principal = fc.constantFrom('user:alice', 'user:bob', 'user:eve', 'group:a')
  const attributes = fc.record({
    owner: principal,
    kind: fc.constantFrom('a', 'b', 'c'),
    secret: fc.boolean(),
    level: fc.integer({ min: 0, max: 5 }),
    readers: fc.array(principal, { maxLength: 3 }),
  })

  test.for(Object.keys(CONDITIONS))('a filter says what the policy says: %s', async (action) => {
    const access = { ...alice, action }
    const { plan } = await over({}).plan(access, live)
    if (plan.kind !== 'filter') throw new Error(`A plan of ${plan.kind}.`)
    await fc.assert(
      fc.asyncProperty(attributes, async ({ readers, ...own }) => {
        const of = {
          id: 'd',
          type: 'page',
          version: '1',
          source: '',
          title: undefined,
          denied: [],
          authors: [],
        }
        const within = evaluateFilter(plan.filter, { ...of, readers, attributes: own })
        const [answer] = await over({ readers, ...own }).check(access, [item], live)
        expect(within).toBe(answer?.permitted)
      }),
      { numRuns: 40 },
    )
  })

  test.for(Object.keys(UNSAYABLE))('a condition that a filter cannot say is refused: %s', async (action) => {
    await expect(over({}).plan({ ...alice, action }, live)).rejects.toThrow(
      /cerbos\.policy: expected and, or, not/,
    )
  })

  test('a planner that says too much shows nothing, since each hit is checked', async () => {
    const access = { ...alice, action: 'careless' }
    // The planner takes has() to be true: without the check, this document would be shown.
    expect(await over({}).plan(access, live)).toEqual({ plan: { kind: 'all' } })
    const [without] = await over({}).check(access, [item], live)
    expect(without?.permitted).toBe(false)
    const [with_] = await over({ owner: 'x' }).check(access, [item], live)
    expect(with_?.permitted).toBe(true)
  })

  test('a document is judged by what it is now, not by what was found', async () => {
    const source = over({ readers: ['user:alice'], denied: [] })
    const [answer] = await source.check(alice, [{ ...item, version: 'old' }], live)
    expect(answer).toMatchObject({ permitted: true, version: '1' })
  })

  test('the same document twice in a batch is judged once and answered twice', async () => {
    const source = over({ readers: ['user:alice'], denied: [] })
    const answers = await source.check(alice, [item, { ...item, document: 'x' }, item], live)
    expect(answers.map(({ permitted }) => permitted)).toEqual([true, false, true])
  })
})
