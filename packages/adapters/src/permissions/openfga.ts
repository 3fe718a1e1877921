import type { Access, Checked, PermissionSource } from '@gatewright/retriever'
import { ConfigError } from '@gatewright/runtime'
import { asObject, askJson, type HttpOptions, malformed } from './ask-json.ts'

/** What the system of record says of a document; OpenFGA knows relations alone. */
export interface OpenFgaDocument {
  /** The version of its content, as the ingest gave it to the index. */
  readonly version: string
  readonly aclVersion?: string
  readonly readers?: readonly string[]
  readonly denied?: readonly string[]
}

export interface OpenFgaOptions extends HttpOptions {
  /** Id of the store. */
  readonly store: string
  /** Id of the authorization model. Default: the latest, which may change under a running application. */
  readonly model?: string
  /** The relation that stands for an action, such as `{ read: 'can_read' }`. Other actions are never permitted. */
  readonly relations: Readonly<Record<string, string>>
  /**
   * Name of a user and of a document in tuples. The tenant has to be part of a document's, unless the store holds one
   * tenant. Default: `user:alice` as it is, and `page:acme/handbook` for the page `handbook` of `acme`, where white
   * space and `: # * % /` within a name are percent-encoded.
   */
  readonly names?: OpenFgaNames
  /** Documents by id in `access.tenant`, in order; undefined for one that is gone. Default: their versions are not known. */
  readonly documents?: (
    ids: readonly string[],
    access: Access,
    options: { readonly signal: AbortSignal },
  ) => Promise<readonly (OpenFgaDocument | undefined)[]>
  /** For conditions of the model. */
  readonly context?: (access: Access) => Readonly<Record<string, unknown>>
  /** The server's `OPENFGA_LIST_OBJECTS_MAX_RESULTS`. Default 1,000, as the server's. */
  readonly listLimit?: number
  /** The server's `OPENFGA_LIST_OBJECTS_DEADLINE`, in milliseconds. Default 3,000, as the server's. */
  readonly listDeadlineMs?: number
  /** Milliseconds of a clock that only grows. Default: the process's. */
  readonly elapsed?: () => number
}

export interface OpenFgaNames {
  /** Undefined for one that has no name: such a user sees nothing, and such a document is seen by nobody. */
  readonly user: (subject: string) => string | undefined
  readonly object: (document: string, access: Access) => string | undefined
  /** The document of an object; undefined for one of another type or tenant. */
  readonly document: (object: string, access: Access) => string | undefined
}

const SERVICE = 'openfga'
/** The server's default for `OPENFGA_MAX_CHECKS_PER_BATCH_CHECK`. */
const MOST_CHECKS = 50
const FRESH = 'HIGHER_CONSISTENCY'
const NAME = /^[^:#\s]+:[^:#\s]+$/
const LONGEST_OBJECT = 256
const LONGEST_USER = 512

/**
 * Permissions by the relations of OpenFGA: `ListObjects` before a search, `BatchCheck` for each hit.
 *
 * `ListObjects` stops at its deadline and at its limit without saying so. A list that is as long as the limit, or took
 * nearly as long as the deadline, is therefore not taken to be complete. Both ask for higher consistency, past the
 * server's caches. A check that comes back with an error is a no; a request that fails rejects with
 * `ERR_POLICY_UNAVAILABLE`.
 *
 * Tested against a strict stand-in for the published protocol (OpenFGA 1.8), not against a server.
 */
export function openFgaPermissions(options: OpenFgaOptions): PermissionSource {
  const { store, model, relations, names = NAMES, listLimit = 1000, listDeadlineMs = 3000 } = options
  const elapsed = options.elapsed ?? (() => performance.now())
  if (!/^[\w-]+$/.test(store)) throw new ConfigError('store', store, 'the id of a store')
  // Longer than the server's own deadline: what it has found by then is of use.
  const ask = askJson(SERVICE, { timeoutMs: listDeadlineMs + 2000, ...options })
  const root = `/stores/${store}`
  const onModel = model === undefined ? {} : { authorization_model_id: model }

  const relationOf = (action: string): string | undefined =>
    Object.hasOwn(relations, action) ? relations[action] : undefined
  const contextOf = (access: Access): object =>
    options.context === undefined ? {} : { context: options.context(access) }

  function userOf({ subject }: Access): string | undefined {
    const user = names.user(subject)
    return user !== undefined && isName(user, LONGEST_USER) ? user : undefined
  }

  return {
    name: SERVICE,
    capabilities: {
      plans: ['none', 'ids'],
      maxBatch: MOST_CHECKS,
      versions: options.documents !== undefined,
      consistencyTokens: false,
    },

    async plan(access, { signal }) {
      signal.throwIfAborted()
      const [user, relation] = [userOf(access), relationOf(access.action)]
      if (user === undefined || relation === undefined) return { plan: { kind: 'none' } }
      const began = elapsed()
      const answer = await ask(
        `${root}/list-objects`,
        { ...onModel, type: access.type, relation, user, consistency: FRESH, ...contextOf(access) },
        signal,
      )
      const tookMs = elapsed() - began
      const { objects } = asObject(answer) ?? {}
      if (!Array.isArray(objects) || !objects.every((one) => typeof one === 'string'))
        throw malformed(SERVICE, 'no list of objects')
      const ids = objects.flatMap((one) => names.document(one, access) ?? [])
      const complete = objects.length < listLimit && tookMs < listDeadlineMs * 0.8
      if (ids.length === 0 && complete) return { plan: { kind: 'none' } }
      return { plan: { kind: 'ids', ids, complete } }
    },

    async check(access, items, { signal }) {
      signal.throwIfAborted()
      const [user, relation] = [userOf(access), relationOf(access.action)]
      if (user === undefined || relation === undefined) return items.map(() => UNKNOWN)
      const ids = [...new Set(items.map(({ document }) => document))]
      const found = await options.documents?.(ids, access, { signal })
      const asked = ids.flatMap((id, i) => {
        const object = names.object(id, access)
        const isThere = found === undefined || found[i] !== undefined
        return object !== undefined && isName(object, LONGEST_OBJECT) && isThere
          ? [{ id, object, of: found?.[i] }]
          : []
      })
      if (asked.length === 0) return items.map(() => UNKNOWN)
      const checks = asked.map(({ object }, i) => ({
        tuple_key: { user, relation, object },
        correlation_id: `${i}`,
        ...contextOf(access),
      }))
      const answer = await ask(`${root}/batch-check`, { ...onModel, checks, consistency: FRESH }, signal)
      const result = asObject(asObject(answer)?.['result'])
      if (result === undefined) throw malformed(SERVICE, 'no result')
      const byId = new Map(
        asked.map(({ id, of }, i) => [id, { ...verdict(asObject(result[`${i}`])), ...of }] as const),
      )
      return items.map(({ document }) => byId.get(document) ?? UNKNOWN)
    },
  }
}

const UNKNOWN: Checked = { permitted: false, why: 'a user, an action or a document that has no name here' }

/** Text of an error may hold anything, so it is not repeated. */
function verdict(one: Readonly<Record<string, unknown>> | undefined): Checked {
  if (one === undefined) return { permitted: false, why: 'no answer' }
  if (one['error'] !== undefined) return { permitted: false, why: 'the check failed' }
  return one['allowed'] === true
    ? { permitted: true, why: 'allowed: true' }
    : { permitted: false, why: 'no allowed: true' }
}

function isName(name: string, most: number): boolean {
  return NAME.test(name) && name.isWellFormed() && Buffer.byteLength(name) <= most
}

/** What an OpenFGA name may not hold, what parts a tenant from a document, and the wildcard. */
function escaped(name: string): string {
  return name.isWellFormed()
    ? name.replaceAll(/[\s:#*%/]/g, (one) => (one === '*' ? '%2A' : encodeURIComponent(one)))
    : ''
}

function prefixOf({ type, tenant }: Access): string {
  return `${type}:${tenant === undefined ? '' : `${escaped(tenant)}/`}`
}

const NAMES: OpenFgaNames = {
  user(subject) {
    const at = subject.indexOf(':')
    const [type, id] = [subject.slice(0, Math.max(at, 0)), escaped(subject.slice(at + 1))]
    return type === '' || id === '' ? undefined : `${type}:${id}`
  },
  object: (document, access) => (escaped(document) === '' ? undefined : prefixOf(access) + escaped(document)),
  document(object, access) {
    const name = object.slice(prefixOf(access).length)
    if (!object.startsWith(prefixOf(access)) || name === '' || name.includes('/')) return undefined
    try {
      return decodeURIComponent(name)
    } catch {
      return undefined
    }
  },
}
