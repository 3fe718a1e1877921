import { expect, test } from 'vitest'
import { memoryPermissions } from '../permissions/memory.ts'
import type { Checked, PermissionSource } from '../permissions.ts'
import {
  describePermissions,
  type PermissionsUnderTest,
  type PermissionWorld,
} from './describe-permissions.ts'

/** A source that is right, and something that makes it wrong. */
function opening(
  wrong: (source: PermissionSource) => Partial<PermissionSource>,
): PermissionsUnderTest['open'] {
  return (worlds) => {
    const source = memoryPermissions()
    for (const { tenant, users } of worlds) for (const user of users) source.members(tenant).introduce(user)
    let there: readonly PermissionWorld[] = []
    const change = (next: readonly PermissionWorld[]): void => {
      for (const { tenant, members, documents } of there) {
        for (const [group, member] of members) source.members(tenant).remove(group, member)
        for (const { id } of documents) source.removeDocument({ id, tenant })
      }
      for (const { tenant, type, members, documents } of next) {
        for (const [group, member] of members) source.members(tenant).add(group, member)
        for (const { readers, ...document } of documents)
          source.putDocument({
            ...document,
            tenant,
            type,
            grants: readers.map((to) => ({ to, role: 'viewer' })),
          })
      }
      there = next
    }
    change(worlds)
    return { source: { ...source, ...wrong(source) }, change, cut: () => {} }
  }
}

/** Names of the tests of the suite that fail. */
async function failing(open: PermissionsUnderTest['open']): Promise<string[]> {
  const tests: [string, () => Promise<void>][] = []
  const api = {
    describe: (_: string, define: () => void) => define(),
    test: (name: string, run: () => Promise<void>) => tests.push([name, run]),
  }
  describePermissions('x', { open, worlds: 20 }, api)
  const failed: string[] = []
  for (const [name, run] of tests)
    try {
      await run()
    } catch {
      failed.push(name)
    }
  return failed
}

const CUT = 'a source that cannot ask throws, and permits nothing'
const permitted = (answers: readonly Checked[], is: (one: Checked, at: number) => boolean): Checked[] =>
  answers.map((one, at) => ({ ...one, permitted: is(one, at) }))

test('a source that is right fails at nothing but not throwing when it is cut off, which it cannot be', async () => {
  expect(await failing(opening(() => ({})))).toEqual([CUT])
})

test.for<[string, (source: PermissionSource) => Partial<PermissionSource>, RegExp]>([
  [
    'permits whatever was planned',
    () => ({ check: async (_, items) => items.map(() => ({ permitted: true, version: '1' })) }),
    /revoked/,
  ],
  [
    'plans everything for anybody, and does not say so',
    () => ({ plan: async () => ({ plan: { kind: 'all' } }) }),
    /./,
  ],
  [
    'plans nothing for anybody',
    () => ({ plan: async () => ({ plan: { kind: 'none' } }) }),
    /worlds at random/,
  ],
  [
    'forgets denials',
    ({ check }) => ({
      check: async (access, items, options) => {
        const answers = await check(access, items, options)
        return permitted(answers, (one) => one.permitted || one.why?.startsWith('denied') === true)
      },
    }),
    /worlds at random/,
  ],
  [
    'answers in another order',
    ({ check }) => ({
      check: async (access, items, options) => (await check(access, items, options)).toReversed(),
    }),
    /in order/,
  ],
  [
    'looks at no tenant',
    ({ plan, check }) => ({
      plan: async (access, options) => plan({ ...access, tenant: access.tenant ?? 'acme' }, options),
      check: async (access, items, options) => check({ ...access, tenant: 'acme' }, items, options),
    }),
    /tenant/,
  ],
  [
    'looks at no action',
    ({ plan, check }) => ({
      plan: async (access, options) => plan({ ...access, action: 'read' }, options),
      check: async (access, items, options) => check({ ...access, action: 'read' }, items, options),
    }),
    /another action/,
  ],
  [
    'compares names without their case',
    ({ check, plan }) => ({
      plan: async (access, options) =>
        plan({ ...access, subject: access.subject.toLowerCase() as `user:${string}` }, options),
      check: async (access, items, options) =>
        check({ ...access, subject: access.subject.toLowerCase() as `user:${string}` }, items, options),
    }),
    /not known|names are taken/,
  ],
  [
    'does not hear that its caller has given up',
    ({ check, plan }) => ({
      plan: async (access) => plan(access, { signal: new AbortController().signal }),
      check: async (access, items) => check(access, items, { signal: new AbortController().signal }),
    }),
    /given up/,
  ],
  [
    'gives the version that it was asked about for its own',
    ({ check }) => ({
      check: async (access, items, options) =>
        (await check(access, items, options)).map((one) => ({ ...one, version: 'as asked' })),
    }),
    /worlds at random/,
  ],
  [
    'says that it gives tokens, and does not',
    ({ plan }) => ({
      plan: async (access, options) => ({ plan: (await plan(access, options)).plan }),
    }),
    /names its moment/,
  ],
  [
    'takes anything for a token',
    ({ check }) => ({ check: async (access, items, { signal }) => check(access, items, { signal }) }),
    /earlier moment/,
  ],
])('the suite tells of a source that %s', async ([, wrong, told]) => {
  const failed = (await failing(opening(wrong))).filter((name) => name !== CUT)
  expect(failed.some((name) => told.test(name))).toBe(true)
})

test('the suite tells of a source that remembers what it said', async () => {
  const remembering = opening(({ check }) => {
    const said = new Map<string, Checked>()
    return {
      check: async (access, items, options) => {
        const answers = await check(access, items, options)
        return items.map(({ document }, at) => {
          const key = JSON.stringify([access, document])
          const one = said.get(key) ?? (answers[at] as Checked)
          said.set(key, one)
          return one
        })
      },
    }
  })
  expect(await failing(remembering)).toContain('what is revoked is gone with the next question')
})

test('the suite tells of a source that a replica answers for, whatever moment is asked for', async () => {
  const open: PermissionsUnderTest['open'] = async (worlds) => {
    const now = await opening(() => ({}))(worlds)
    const replica = await opening(() => ({}))(worlds)
    let asked = now.source
    return {
      ...now,
      source: {
        ...now.source,
        async check(access, items, options) {
          const { consistencyToken } = options
          const valid = /^\d*$/.test(consistencyToken ?? '')
          return asked.check(access, items, valid ? { signal: options.signal } : options)
        },
      },
      fallBehind: () => {
        asked = replica.source
      },
    }
  }
  expect((await failing(open)).filter((name) => name !== CUT)).toEqual([
    'no check is of an earlier moment than its plan',
  ])
})
