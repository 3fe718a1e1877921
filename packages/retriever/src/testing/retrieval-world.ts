import type { PrincipalId } from '@gatewright/runtime'
import { readableByAny } from '../filter.ts'
import type { Access, Checked, CheckItem, PermissionSource, Plan } from '../permissions.ts'

/** What the truth is about one document, at this moment. */
export interface TrueAccess {
  version: string
  aclVersion: string
  readers: string[]
  denied: string[]
}

/** A source of permissions that a test changes at will, and that keeps what it was asked. */
export interface ScriptedPermissions extends PermissionSource {
  readonly documents: Map<string, TrueAccess>
  /** Groups of a principal, itself not among them. */
  readonly groups: Map<string, string[]>
  readonly asked: { plans: Access[]; checks: { access: Access; items: readonly CheckItem[] }[] }
  /** Who may see all, such as an agent that is not restricted. */
  readonly unrestricted: Set<string>
  may(subject: string, document: string): boolean
  principalsOf(subject: string): string[]
  /** Runs before each answer to a plan or a check. */
  before: (what: 'plan' | 'check') => void | Promise<void>
  planOf: (access: Access) => Plan
  answer: (access: Access, item: CheckItem) => Checked | undefined
}

export function scriptedPermissions(): ScriptedPermissions {
  const documents = new Map<string, TrueAccess>()
  const groups = new Map<string, string[]>()
  const unrestricted = new Set<string>()
  const source: ScriptedPermissions = {
    name: 'scripted',
    capabilities: { plans: ['none', 'all', 'filter', 'ids'], versions: true, consistencyTokens: false },
    documents,
    groups,
    unrestricted,
    asked: { plans: [], checks: [] },
    principalsOf: (subject) => [subject, ...(groups.get(subject) ?? [])],
    may(subject, document) {
      const of = documents.get(document)
      if (of === undefined) return false
      if (unrestricted.has(subject)) return true
      const names = source.principalsOf(subject)
      return (
        names.some((name) => of.readers.includes(name)) && !names.some((name) => of.denied.includes(name))
      )
    },
    before: () => {},
    planOf: ({ subject }) =>
      unrestricted.has(subject)
        ? { kind: 'all' }
        : { kind: 'filter', filter: readableByAny(source.principalsOf(subject)) },
    answer({ subject }, { document }) {
      const of = documents.get(document)
      const { version, aclVersion, readers, denied } = of ?? {
        version: '',
        aclVersion: '',
        readers: [],
        denied: [],
      }
      return { permitted: source.may(subject, document), version, aclVersion, readers, denied }
    },
    async plan(access, { signal }) {
      source.asked.plans.push(access)
      await source.before('plan')
      signal.throwIfAborted()
      return { plan: source.planOf(access) }
    },
    async check(access, items, { signal }) {
      source.asked.checks.push({ access, items })
      await source.before('check')
      signal.throwIfAborted()
      return items.map((item) => source.answer(access, item)) as Checked[]
    },
    principals: async ({ subject }) =>
      unrestricted.has(subject) ? undefined : source.principalsOf(subject as PrincipalId),
  }
  return source
}
