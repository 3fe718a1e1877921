import assert from 'node:assert/strict'
import type { PrincipalId } from '@gatewright/runtime'
import { evaluateFilter } from '../index/evaluate-filter.ts'
import type { Access, Checked, PermissionSource, Plan } from '../permissions.ts'
import type { Attributes } from '../search-index.ts'
import {
  changed,
  mayRead,
  type PermissionWorld,
  randomWorld,
  STRANGE,
  type WorldDocument,
} from './permission-world.ts'

export type { PermissionWorld, WorldDocument } from './permission-world.ts'

/** A source over some tenants, and nothing else. */
export interface OpenedPermissions {
  readonly source: PermissionSource
  /** Makes these worlds the case, from the next question on. */
  readonly change: (worlds: readonly PermissionWorld[]) => void | Promise<void>
  /** Makes whatever the source asks unreachable; left out where it asks nobody. */
  readonly cut?: () => void | Promise<void>
  /**
   * Makes whatever the source asks answer of the moment when it was opened, as a replica does that is behind; left out
   * where that cannot be.
   */
  readonly fallBehind?: () => void | Promise<void>
  readonly close?: () => void | Promise<void>
}

/** A permission source, as far as the suite drives it. */
export interface PermissionsUnderTest {
  readonly open: (worlds: readonly PermissionWorld[]) => OpenedPermissions | Promise<OpenedPermissions>
  /** What an index holds of a document besides its readers and denials, for a plan that is a filter. Default: nothing. */
  readonly attributes?: (document: WorldDocument) => Attributes
  /** How many worlds at random are tried. Default 60. */
  readonly worlds?: number
}

/** What the suite needs of a test runner: vitest's `{ describe, test }`, or those of another. */
export interface PermissionTestApi {
  readonly describe: (name: string, define: () => void) => unknown
  readonly test: (name: string, run: () => Promise<void>) => unknown
}

const live = { signal: new AbortController().signal }
const ALICE: PrincipalId = 'user:alice'
const BOB: PrincipalId = 'user:bob'

/**
 * Define the tests that every permission source passes: what it plans and checks agrees with a truth that is computed
 * apart from it, over small worlds at random; whoever is not known sees nothing; a denial wins; a change holds from
 * the next question on; and a failure is a throw, never a yes.
 */
export function describePermissions(name: string, under: PermissionsUnderTest, api: PermissionTestApi): void {
  const { attributes = () => ({}), worlds = 60 } = under

  const trial = (
    promise: string,
    given: readonly PermissionWorld[],
    run: (on: OpenedPermissions) => Promise<void>,
  ): void => {
    api.test(promise, async () => {
      const opened = await under.open(given)
      try {
        await run(opened)
      } finally {
        await opened.close?.()
      }
    })
  }

  /** What a retriever over this source finds: what the plan lets through, and the check then permits. */
  async function found(source: PermissionSource, world: PermissionWorld, access: Access): Promise<string[]> {
    const { plan } = await source.plan(access, live)
    assert.ok(source.capabilities.plans.includes(plan.kind), `${plan.kind} is not among its capabilities`)
    const within = world.documents.filter((document) =>
      isWithin(plan, world.type, document, attributes(document)),
    )
    const answers = await check(source, access, within)
    return within.filter((_, i) => answers[i]?.permitted === true).map(({ id }) => id)
  }

  async function agrees(source: PermissionSource, world: PermissionWorld, note: string): Promise<void> {
    for (const user of world.users) {
      const access = asking(world, user)
      const truth = world.documents.filter((document) => mayRead(world, user, document)).map(({ id }) => id)
      const answers = await check(source, access, world.documents)
      const permitted = world.documents.filter((_, i) => answers[i]?.permitted === true).map(({ id }) => id)
      assert.deepEqual(permitted, truth, `${note}: what ${user} is permitted`)
      const { plan } = await source.plan(access, live)
      const isPartial = plan.kind === 'ids' && !plan.complete
      const shown = await found(source, world, access)
      if (!isPartial) assert.deepEqual(shown, truth, `${note}: what ${user} finds`)
      else assert.ok(shown.every((id) => truth.includes(id)))
      if (source.capabilities.versions)
        for (const [i, { version }] of world.documents.entries())
          if (answers[i]?.permitted === true) assert.equal(answers[i].version, version)
    }
  }

  api.describe(name, () => {
    api.test('what is planned and then checked is what a user may read, in worlds at random', async () => {
      for (let seed = 1; seed <= worlds; seed += 1) {
        const world = randomWorld(seed)
        const opened = await under.open([world])
        try {
          await agrees(opened.source, world, `world ${seed}`)
          const next = changed(world, seed)
          await opened.change([next])
          await agrees(opened.source, next, `world ${seed}, changed`)
        } finally {
          await opened.close?.()
        }
      }
    })

    const denied = { id: 'd', version: '1', readers: [ALICE, 'group:staff'], denied: ['group:leavers'] }
    const staff: PermissionWorld = {
      tenant: 'acme',
      type: 'page',
      users: [ALICE, BOB],
      members: [
        ['group:staff', ALICE],
        ['group:leavers', 'group:left-today'],
        ['group:left-today', ALICE],
        ['group:staff', BOB],
      ],
      documents: [denied, { id: 'nobody', version: '1', readers: [], denied: [] }],
    }

    trial(
      'a denial wins, through groups in groups, over what names the user',
      [staff],
      async ({ source }) => {
        assert.deepEqual(await found(source, staff, asking(staff, ALICE)), [])
        assert.deepEqual(await found(source, staff, asking(staff, BOB)), ['d'])
      },
    )

    trial('groups that hold one another end, and make their members equal', [circle], async ({ source }) => {
      assert.deepEqual(await found(source, circle, asking(circle, ALICE)), ['x'])
      assert.deepEqual(await found(source, circle, asking(circle, BOB)), ['x'])
    })

    trial('a document with no readers is read by nobody', [staff], async ({ source }) => {
      const [answer] = await check(source, asking(staff, BOB), [{ id: 'nobody', version: '1' }])
      assert.equal(answer?.permitted, false)
    })

    trial('whoever is not known sees nothing, and neither does nobody', [staff], async ({ source }) => {
      const strangers = ['user:mallory', 'user:', '', 'anyone', 'user:alice ', 'USER:ALICE', 'group:staff']
      for (const stranger of strangers) {
        const access = asking(staff, stranger as PrincipalId)
        let seen: string[] = []
        try {
          seen = await found(source, staff, access)
        } catch {
          // A refusal shows nothing either.
        }
        // A group is no user; where a source cannot tell, it sees no more than a member of it.
        if (stranger === 'group:staff') assert.ok(seen.every((id) => id === 'd'))
        else assert.deepEqual(seen, [], `what '${stranger}' sees`)
      }
    })

    const other: PermissionWorld = {
      ...staff,
      tenant: 'umbra',
      members: [],
      documents: [
        { id: 'd', version: '1', readers: [BOB], denied: [] },
        { id: 'theirs', version: '1', readers: [ALICE], denied: [] },
      ],
    }
    trial('a tenant never sees what is of another, whatever the ids', [staff, other], async ({ source }) => {
      assert.deepEqual(await found(source, other, asking(other, ALICE)), ['theirs'])
      const [theirs] = await check(source, asking(staff, ALICE), [{ id: 'theirs', version: '1' }])
      assert.equal(theirs?.permitted, false)
      const [ours] = await check(source, asking(other, ALICE), [{ id: 'd', version: '1' }])
      assert.equal(ours?.permitted, false)
      for (const tenant of [undefined, '', 'nowhere'])
        try {
          const access = { ...asking(staff, BOB), tenant }
          assert.deepEqual(await found(source, staff, access), [], `what is seen from '${tenant}'`)
        } catch (error) {
          if (error instanceof assert.AssertionError) throw error
        }
    })

    trial(
      'a document of another type, and another action, are not permitted',
      [staff],
      async ({ source }) => {
        for (const access of [
          { ...asking(staff, BOB), type: 'invoice' },
          { ...asking(staff, BOB), action: 'delete' },
          { ...asking(staff, BOB), action: '' },
        ])
          try {
            assert.deepEqual(await found(source, staff, access), [])
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error
          }
      },
    )

    const strange: PermissionWorld = {
      tenant: "o'neill %_",
      type: 'page',
      users: [ALICE, ...STRANGE.map((one): PrincipalId => `user:${one}`)],
      members: [],
      documents: STRANGE.map((one) => ({ id: one, version: one, readers: [`user:${one}`], denied: [] })),
    }
    trial('ids and names are taken as they are, whatever they look like', [strange], async ({ source }) => {
      for (const one of STRANGE)
        assert.deepEqual(await found(source, strange, asking(strange, `user:${one}`)), [one])
      assert.deepEqual(await found(source, strange, asking(strange, ALICE)), [])
    })

    trial('answers come in order, one an item, for any number of items', [staff], async ({ source }) => {
      const items = ['nobody', 'd', 'not there', 'd', ...Array.from({ length: 40 }, (_, i) => `no ${i}`)]
      const asked = items.slice(0, source.capabilities.maxBatch ?? items.length)
      const answers = await check(
        source,
        asking(staff, BOB),
        asked.map((id) => ({ id, version: '1' })),
      )
      assert.deepEqual(
        answers.map(({ permitted }) => permitted),
        asked.map((id) => id === 'd'),
      )
      assert.deepEqual(await check(source, asking(staff, BOB), []), [])
    })

    trial('what is revoked is gone with the next question', [staff], async ({ source, change }) => {
      assert.deepEqual(await found(source, staff, asking(staff, BOB)), ['d'])
      const revoked = { ...staff, members: staff.members.filter(([, member]) => member !== BOB) }
      await change([revoked])
      const [answer] = await check(source, asking(revoked, BOB), [denied])
      assert.equal(answer?.permitted, false)
      assert.deepEqual(await found(source, revoked, asking(revoked, BOB)), [])
      await change([{ ...staff, documents: [] }])
      const [gone] = await check(source, asking(staff, BOB), [denied])
      assert.equal(gone?.permitted, false)
    })

    trial(
      'a plan names its moment where the source says so, and nowhere else',
      [staff],
      async ({ source }) => {
        for (const subject of [BOB, 'user:mallory'] as const) {
          const { consistencyToken } = await source.plan(asking(staff, subject), live)
          if (source.capabilities.consistencyTokens) assert.ok(consistencyToken, `the plan for ${subject}`)
          else assert.equal(consistencyToken, undefined)
        }
      },
    )

    trial(
      'no check is of an earlier moment than its plan',
      [staff],
      async ({ source, change, fallBehind }) => {
        if (!source.capabilities.consistencyTokens) return
        const token = async (): Promise<{ readonly consistencyToken: string }> => {
          const { consistencyToken = '' } = await source.plan(asking(staff, BOB), live)
          return { consistencyToken }
        }
        const items = [{ document: 'd', version: '1', aclVersion: undefined }]
        const checkWith = async (own: object): Promise<readonly Checked[]> =>
          source.check(asking(staff, BOB), items, { ...live, ...own })
        const before = await token()
        assert.equal((await checkWith(before))[0]?.permitted, true)
        await change([{ ...staff, members: [] }])
        // At least as fresh: a token of before is no way back.
        assert.equal((await checkWith(before))[0]?.permitted, false)
        const after = await token()
        await fallBehind?.()
        if (fallBehind !== undefined) {
          assert.equal((await checkWith({}))[0]?.permitted, true, 'it is behind')
          assert.equal((await checkWith(before))[0]?.permitted, true, 'and not behind that')
        }
        const late = await checkWith(after).catch(() => [])
        assert.notEqual(late[0]?.permitted, true)
        await assert.rejects(checkWith({ consistencyToken: 'of another source' }))
      },
    )

    trial('whoever has given up gets their own reason', [staff], async ({ source }) => {
      const reason = new Error('given up')
      const call = { signal: AbortSignal.abort(reason) }
      const item = { document: 'd', version: '1', aclVersion: undefined }
      await assert.rejects(async () => source.plan(asking(staff, BOB), call), reason)
      await assert.rejects(async () => source.check(asking(staff, BOB), [item], call), reason)
    })

    trial('a source that cannot ask throws, and permits nothing', [staff], async ({ source, cut }) => {
      if (cut === undefined) return
      await cut()
      const item = { document: 'd', version: '1', aclVersion: undefined }
      // One that can only check asks nobody for a plan.
      if (!source.capabilities.plans.includes('postcheck'))
        await assert.rejects(async () => source.plan(asking(staff, BOB), live))
      await assert.rejects(async () => source.check(asking(staff, BOB), [item], live))
    })
  })
}

const circle: PermissionWorld = {
  tenant: 'acme',
  type: 'page',
  users: [ALICE, BOB],
  members: [
    ['group:a', 'group:b'],
    ['group:b', 'group:a'],
    ['group:a', ALICE],
    ['group:b', BOB],
  ],
  documents: [{ id: 'x', version: '1', readers: ['group:a'], denied: [] }],
}

function asking({ tenant, type }: PermissionWorld, subject: PrincipalId): Access {
  return { subject, tenant, action: 'read', type }
}

async function check(
  source: PermissionSource,
  access: Access,
  documents: readonly Pick<WorldDocument, 'id' | 'version'>[],
): Promise<readonly Checked[]> {
  const items = documents.map(({ id, version }) => ({ document: id, version, aclVersion: undefined }))
  const answers = await source.check(access, items, live)
  assert.equal(answers.length, items.length)
  return answers
}

function isWithin(
  plan: Plan,
  type: string,
  { id, version, readers, denied }: WorldDocument,
  attributes: Attributes,
): boolean {
  switch (plan.kind) {
    case 'none':
      return false
    case 'all':
    case 'postcheck':
      return true
    case 'ids':
      return plan.ids.includes(id)
    case 'filter':
      return evaluateFilter(plan.filter, {
        id,
        type,
        version,
        readers,
        denied,
        attributes,
        authors: [],
        source: '',
        title: undefined,
      })
    default:
      return plan satisfies never
  }
}
