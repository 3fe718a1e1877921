import type { Access, Checked, CheckItem, PermissionSource, Plan } from '@gatewright/retriever'
import { asObject, askJson, type HttpOptions, malformed } from './ask-json.ts'
import { cerbosFilter, LISTS } from './cerbos-filter.ts'

/** Who asks, as the policies know them. */
export interface CerbosPrincipal {
  /** At least one. */
  readonly roles: readonly string[]
  readonly attr?: Readonly<Record<string, unknown>>
}

/** A document as its system of record has it now; Cerbos keeps none. */
export interface CerbosResource {
  readonly attr: Readonly<Record<string, unknown>>
  /** The version of its content, as the ingest gave it to the index. */
  readonly version: string
  readonly aclVersion?: string
  readonly readers?: readonly string[]
  readonly denied?: readonly string[]
}

export interface CerbosOptions extends HttpOptions {
  /** The roles and attributes of a subject, from the application's directory; undefined for one it does not know. */
  readonly principal: (
    access: Access,
    options: { readonly signal: AbortSignal },
  ) => Promise<CerbosPrincipal | undefined>
  /**
   * The documents with these ids in `access.tenant`, in order; undefined for one that is not there. Ask the system of
   * record: what the index holds may be old.
   */
  readonly resources: (
    ids: readonly string[],
    access: Access,
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly (CerbosResource | undefined)[]>
  /** Under which name the index keeps an attribute. Default: its own, and `$readers`, `$denied` and `$authors` for those. */
  readonly fields?: Readonly<Record<string, string>>
  readonly policyVersion?: string
  readonly scope?: string
}

const SERVICE = 'cerbos'
/** The server's default for `maxResourcesPerRequest`. */
const MOST_RESOURCES = 50

/**
 * Permissions by the policies of Cerbos 0.51: `PlanResources` before a search, `CheckResources` for each hit.
 *
 * A plan with an operator that has no exact counterpart in a filter throws (see `cerbosFilter`). A planner may say more
 * than its policies: it takes `has(R.attr.x)` to be true. The check then denies, so nothing is shown that should not be.
 *
 * Both reject with `ERR_POLICY_UNAVAILABLE` if the server does not answer with 200 in its own protocol.
 */
export function cerbosPermissions(options: CerbosOptions): PermissionSource {
  const { policyVersion, scope, fields = {} } = options
  const ask = askJson(SERVICE, options)
  const version = {
    ...(policyVersion === undefined ? {} : { policyVersion }),
    ...(scope === undefined ? {} : { scope }),
  }

  async function asPrincipal(access: Access, signal: AbortSignal): Promise<object | undefined> {
    const known = access.subject.length === 0 ? undefined : await options.principal(access, { signal })
    if (known === undefined || known.roles.length === 0) return undefined
    return {
      id: access.subject,
      roles: known.roles,
      attr: { ...access.attributes, ...known.attr },
      ...version,
    }
  }

  return {
    name: SERVICE,
    capabilities: {
      plans: ['none', 'all', 'filter'],
      maxBatch: MOST_RESOURCES,
      versions: true,
      consistencyTokens: false,
    },

    async plan(access, { signal }) {
      signal.throwIfAborted()
      const { action, type } = access
      const principal = await asPrincipal(access, signal)
      if (principal === undefined) return { plan: { kind: 'none' } }
      const resource = { kind: type, ...version }
      const answer = await ask(
        '/api/plan/resources',
        { requestId: 'plan', action, principal, resource },
        signal,
      )
      return { plan: planOf(answer, action, { ...LISTS, ...fields }) }
    },

    async check(access, items, { signal }) {
      signal.throwIfAborted()
      const principal = await asPrincipal(access, signal)
      // One question a document, whatever version of it was found.
      const ids = [...new Set(items.map(({ document }) => document))]
      const found = principal === undefined ? [] : await options.resources(ids, access, { signal })
      const known = new Map(ids.flatMap((id, i) => (found[i] === undefined ? [] : [[id, found[i]] as const])))
      const asked = [...known].filter(([id]) => id !== '' && id.isWellFormed())
      if (principal === undefined || asked.length === 0) return items.map(() => UNKNOWN)
      const resources = asked.map(([id, { attr }]) => ({
        actions: [access.action],
        resource: { kind: access.type, id, attr, ...version },
      }))
      const answer = await ask('/api/check/resources', { requestId: 'check', principal, resources }, signal)
      const allowed = allowedIn(answer, access)
      return items.map((item) => checked(item, known, allowed))
    },
  }
}

const UNKNOWN: Checked = { permitted: false, why: 'a principal or a document that is not known' }

function checked(
  { document }: CheckItem,
  known: ReadonlyMap<string, CerbosResource>,
  allowed: ReadonlySet<string>,
): Checked {
  const resource = known.get(document)
  if (resource === undefined) return UNKNOWN
  const { attr: _, ...versions } = resource
  const permitted = allowed.has(document)
  return { permitted, ...versions, why: permitted ? 'EFFECT_ALLOW' : 'no EFFECT_ALLOW' }
}

function planOf(answer: unknown, action: string, fields: Readonly<Record<string, string>>): Plan {
  const { filter, action: planned, validationErrors } = asObject(answer) ?? {}
  if (planned !== action) throw malformed(SERVICE, 'another action than was asked for')
  // Attributes that do not fit the schema of the policies: whatever they come to, nobody meant it.
  if (Array.isArray(validationErrors) && validationErrors.length > 0)
    throw malformed(SERVICE, 'validation errors')
  const { kind, condition } = asObject(filter) ?? {}
  switch (kind) {
    case 'KIND_ALWAYS_DENIED':
      return { kind: 'none' }
    case 'KIND_ALWAYS_ALLOWED':
      return { kind: 'all' }
    case 'KIND_CONDITIONAL':
      return { kind: 'filter', filter: cerbosFilter(condition, fields) }
    default:
      throw malformed(SERVICE, 'no kind of plan that is known')
  }
}

function allowedIn(answer: unknown, { type, action }: Access): Set<string> {
  const { results } = asObject(answer) ?? {}
  if (!Array.isArray(results)) throw malformed(SERVICE, 'no results')
  const allowed = results.flatMap((result: unknown) => {
    const { resource, actions, validationErrors } = asObject(result) ?? {}
    const { id, kind } = asObject(resource) ?? {}
    const hasErrors = Array.isArray(validationErrors) && validationErrors.length > 0
    const isAllowed = asObject(actions)?.[action] === 'EFFECT_ALLOW'
    return isAllowed && !hasErrors && kind === type && typeof id === 'string' ? [id] : []
  })
  return new Set(allowed)
}
