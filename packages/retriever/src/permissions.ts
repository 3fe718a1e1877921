import type { PrincipalId } from '@gatewright/runtime'
import type { Filter } from './filter.ts'

/** Who asks to do what to documents of which type. */
export interface Access {
  readonly subject: PrincipalId
  readonly tenant: string | undefined
  readonly action: string
  readonly type: string
  /** Attributes of the subject, for rules; never taken from content. */
  readonly attributes?: Readonly<Record<string, string | number | boolean>>
}

/** Which documents a principal may be shown, as far as the source can say it before a search. */
export type Plan =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'filter'; readonly filter: Filter }
  /** `complete: false` says that more may be permitted than are listed. */
  | { readonly kind: 'ids'; readonly ids: readonly string[]; readonly complete: boolean }
  /** Nothing can be said before: every hit has to be checked. Opt-in of the retriever, and reported as such. */
  | { readonly kind: 'postcheck' }

/** A document as a search found it, to be checked as it stands now. */
export interface CheckItem {
  readonly document: string
  /** The version of its content that was found. */
  readonly version: string
  /** The version of its permissions that the index holds; undefined where the source has none. */
  readonly aclVersion: string | undefined
}

/**
 * What became of one document: permitted, or not. A `version` or `aclVersion` that the source knows is given, so that
 * a hit of older content is dropped.
 */
export interface Checked {
  readonly permitted: boolean
  readonly version?: string
  readonly aclVersion?: string
  /**
   * Who may read it now. The label of a passage is made of these; without them a hit whose `aclVersion` is not the
   * index's is dropped, since its label would name readers who are none any more.
   */
  readonly readers?: readonly string[]
  /** Who may not read it now, whatever `readers` says. */
  readonly denied?: readonly string[]
  /** For an operator's eyes: which rule or relation spoke. Never shown to the model. */
  readonly why?: string
}

export interface PermissionCapabilities {
  /** Kinds of plan that it may return. */
  readonly plans: readonly Plan['kind'][]
  /** Most items of one `check`; longer batches are split by the retriever. Default: no bound. */
  readonly maxBatch?: number
  /** Whether `check` gives the versions of a document's content and permissions. */
  readonly versions: boolean
  /**
   * Whether each plan comes with a token, and a check that is given it answers of no earlier moment than the plan, or
   * throws: also where a replica or a cache answers that is behind.
   */
  readonly consistencyTokens: boolean
}

export interface PermissionOptions {
  readonly signal: AbortSignal
  /** As an earlier answer of this source gave it: at least as fresh as that. */
  readonly consistencyToken?: string
}

/**
 * Where permissions come from: one who knows who may read what, now.
 *
 * A throw returns nothing: there is no retrieval without a plan, and a hit whose check throws is dropped.
 */
export interface PermissionSource {
  readonly name: string
  readonly capabilities: PermissionCapabilities
  /** Raised or changed whenever rules change, so that no plan made before is used again. Default: plans live out their time. */
  readonly policyVersion?: () => string
  /**
   * The names by which the access lists of the index know this subject: itself and its groups. Only where those lists
   * are what `plan` goes by; an index with row-level security then enforces them once more. Undefined for a subject
   * whose access does not go by lists.
   */
  principals?(access: Access, options: PermissionOptions): Promise<readonly string[] | undefined>
  plan(access: Access, options: PermissionOptions): Promise<{ plan: Plan; consistencyToken?: string }>
  /** One answer an item, in order. A missing answer is a denial. */
  check(access: Access, items: readonly CheckItem[], options: PermissionOptions): Promise<readonly Checked[]>
}
