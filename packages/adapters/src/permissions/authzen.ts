import type { Access, Checked, PermissionSource, Plan } from '@gatewright/retriever'
import { asObject, askJson, type AskJson, type HttpOptions, malformed } from './ask-json.ts'

/** A subject or resource of AuthZEN: its type, its id within the type, and what policies may look at. */
export interface AuthzenEntity {
  readonly type: string
  readonly id: string
  readonly properties?: Readonly<Record<string, unknown>>
}

/** A document as its system of record has it now. */
export interface AuthzenResource {
  readonly properties?: Readonly<Record<string, unknown>>
  /** The version of its content, where the system of record tells. */
  readonly version?: string
  readonly aclVersion?: string
  readonly readers?: readonly string[]
  readonly denied?: readonly string[]
}

export interface AuthzenOptions extends HttpOptions {
  /** The subject as the decision point knows it; undefined for one that the application does not know. */
  readonly subject: (
    access: Access,
    options: { readonly signal: AbortSignal },
  ) => Promise<AuthzenEntity | undefined>
  /**
   * The documents with these ids in `access.tenant`, in order; undefined for one that is not there. Left out: the
   * decision point knows them by `resourceId`.
   */
  readonly resources?: (
    ids: readonly string[],
    access: Access,
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly (AuthzenResource | undefined)[]>
  /**
   * Id of a document at the decision point, and back. The tenant has to be part of it, unless the decision point
   * serves one tenant. Default: both, each encoded as a part of a URL, with a slash between them.
   */
  readonly resourceId?: {
    readonly of: (document: string, tenant: string | undefined) => string
    readonly document: (id: string, tenant: string | undefined) => string | undefined
  }
  /**
   * Whether the decision point has `/access/v1/search/resource`. Without, nothing can be said before a search, and
   * each hit is checked: a plan of `postcheck`, which a retriever takes by opt-in alone. Default false.
   */
  readonly search?: boolean
  /** Most ids of a plan. Default 10,000. */
  readonly maxIds?: number
  /** Most evaluations of one request. Default 50. */
  readonly maxBatch?: number
}

const SERVICE = 'authzen'
const SEARCH = '/access/v1/search/resource'
const EVALUATIONS = '/access/v1/evaluations'
const MOST_PAGES = 1000

/**
 * Permissions by a decision point of the OpenID AuthZEN Authorization API 1.0: resource search before a search, where
 * there is one, and evaluations (all executed) for each hit.
 *
 * The pages of a resource search are no snapshot, so ids of more than one page are not taken to be complete. Both
 * reject with `ERR_POLICY_UNAVAILABLE` if the decision point does not answer with 200 in this protocol; what is not
 * `decision: true` is a no.
 */
export function authzenPermissions(options: AuthzenOptions): PermissionSource {
  const { search = false, maxIds = 10_000, maxBatch = 50, resourceId = PATHS } = options
  const ask = askJson(SERVICE, options)

  async function asSubject(access: Access, signal: AbortSignal): Promise<AuthzenEntity | undefined> {
    if (access.subject.length === 0) return undefined
    const known = await options.subject(access, { signal })
    if (known === undefined || access.attributes === undefined) return known
    return { ...known, properties: { ...access.attributes, ...known.properties } }
  }

  return {
    name: SERVICE,
    capabilities: {
      plans: search ? ['none', 'ids'] : ['none', 'postcheck'],
      maxBatch,
      versions: options.resources !== undefined,
      consistencyTokens: false,
    },

    async plan(access, { signal }) {
      signal.throwIfAborted()
      const subject = await asSubject(access, signal)
      if (subject === undefined) return { plan: { kind: 'none' } }
      if (!search) return { plan: { kind: 'postcheck' } }
      const body = { ...question(access, subject), resource: { type: access.type } }
      const { ids, complete } = await searched(ask, body, access.type, maxIds, signal)
      const documents = ids.flatMap((id) => resourceId.document(id, access.tenant) ?? [])
      if (documents.length === 0 && complete) return { plan: { kind: 'none' } }
      return { plan: { kind: 'ids', ids: documents, complete } satisfies Plan }
    },

    async check(access, items, { signal }) {
      signal.throwIfAborted()
      const subject = await asSubject(access, signal)
      if (subject === undefined) return items.map(() => UNKNOWN)
      // A decision point may take two evaluations of one resource for one.
      const ids = [...new Set(items.map(({ document }) => document))].filter((id) => id.isWellFormed())
      const found: readonly (AuthzenResource | undefined)[] =
        (await options.resources?.(ids, access, { signal })) ?? ids.map(() => ({}))
      const known = new Map(ids.flatMap((id, i) => (found[i] === undefined ? [] : [[id, found[i]] as const])))
      if (known.size === 0) return items.map(() => UNKNOWN)
      const { context, ...rest } = question(access, subject)
      const evaluations = [...known].map(([id, { properties }]) => ({
        resource: {
          type: access.type,
          id: resourceId.of(id, access.tenant),
          ...(properties === undefined ? {} : { properties }),
        },
        context,
      }))
      const body = { ...rest, context, evaluations, options: { evaluations_semantic: 'execute_all' } }
      const decisions = decisionsIn(await ask(EVALUATIONS, body, signal), evaluations.length)
      const byId = new Map([...known.keys()].map((id, i) => [id, decisions[i] === true]))
      return items.map(({ document }): Checked => {
        const resource = known.get(document)
        if (resource === undefined) return UNKNOWN
        const { properties: _, ...versions } = resource
        const permitted = byId.get(document) === true
        return { permitted, ...versions, why: permitted ? 'decision: true' : 'no decision: true' }
      })
    },
  }
}

const UNKNOWN: Checked = { permitted: false, why: 'a subject or a document that is not known' }

/** The context is never empty: some decision points take an empty one to be missing. */
function question({ action, tenant }: Access, subject: AuthzenEntity) {
  return { subject, action: { name: action }, context: { tenant: tenant ?? null } }
}

async function searched(
  ask: AskJson,
  body: object,
  type: string,
  maxIds: number,
  signal: AbortSignal,
): Promise<{ ids: string[]; complete: boolean }> {
  const ids: string[] = []
  let token = ''
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await ask(SEARCH, token === '' ? body : { ...body, page: { token } }, signal)
    const { results, page: next } = asObject(answer) ?? {}
    if (!Array.isArray(results)) throw malformed(SERVICE, 'no results')
    for (const result of results) {
      const { type: its, id } = asObject(result) ?? {}
      if (typeof id !== 'string') throw malformed(SERVICE, 'a result that is no resource')
      if (its === type) ids.push(id)
    }
    if (ids.length > maxIds) return { ids: ids.slice(0, maxIds), complete: false }
    const following = asObject(next)?.['next_token'] ?? ''
    if (typeof following !== 'string') throw malformed(SERVICE, 'a token of a page that is no text')
    if (following === '') return { ids, complete: page === 0 }
    token = following
  }
  return { ids, complete: false }
}

function decisionsIn(answer: unknown, asked: number): unknown[] {
  const { evaluations } = asObject(answer) ?? {}
  if (!Array.isArray(evaluations) || evaluations.length !== asked)
    throw malformed(SERVICE, 'another number of evaluations than was asked for')
  return evaluations.map((one) => asObject(one)?.['decision'])
}

const PATHS = {
  of: (document: string, tenant: string | undefined): string =>
    (tenant === undefined ? '' : `${encodeURIComponent(tenant)}/`) + encodeURIComponent(document),
  document(id: string, tenant: string | undefined): string | undefined {
    const prefix = tenant === undefined ? '' : `${encodeURIComponent(tenant)}/`
    if (!id.startsWith(prefix) || id.slice(prefix.length).includes('/')) return undefined
    try {
      return decodeURIComponent(id.slice(prefix.length))
    } catch {
      return undefined
    }
  },
} as const
