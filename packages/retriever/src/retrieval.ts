import type { HaltHook, PrincipalId } from '@gatewright/runtime'
import type { Embedder } from './embed.ts'
import type { Explained, ExplainWhat } from './explain.ts'
import type { LabelledPassage } from './label-hits.ts'
import type { Access, CheckItem, PermissionSource } from './permissions.ts'
import type { DropReason } from './recheck.ts'
import type { SearchHow, SearchIndex } from './search-index.ts'

/** How long each part may take, in milliseconds. */
export interface RetrievalDeadlines {
  /** Default 2,000. */
  readonly plan?: number
  /** Default 10,000. */
  readonly embed?: number
  /** One search, with its count, or one fetch. Default 5,000. */
  readonly search?: number
  /** One batch of the recheck. Default 2,000. */
  readonly check?: number
  /** All of it, but for what the audit takes, which may take as long once more. Default 20,000. */
  readonly total?: number
}

/** What became of one retrieval; holds no text of a query or a document. */
export interface RetrievalEvent {
  readonly type: 'retrieval' | 'recheck'
  readonly subject: PrincipalId
  readonly actor: PrincipalId
  readonly tenant: string | undefined
  /** Kind of the plan that was searched with; undefined for a recheck. */
  readonly plan: string | undefined
  readonly rounds: number
  readonly handedOver: readonly { readonly document: string; readonly version: string }[]
  readonly dropped: readonly Dropped[]
  readonly complete: boolean
  readonly postcheck: boolean
  readonly durationMs: number
}

export interface Dropped {
  readonly document: string
  readonly version: string
  readonly reason: DropReason
  readonly why?: string | undefined
}

export interface RetrieverOptions {
  readonly index: SearchIndex
  /** Who knows what the user may read; and the agent, unless `agentPermissions` says otherwise. */
  readonly permissions: PermissionSource
  readonly embed: Embedder
  /** What the agent itself may read. `unrestricted`: whatever its user may. Default: as `permissions` says of it. */
  readonly agentPermissions?: PermissionSource | 'unrestricted'
  /** Type of the documents, as they were ingested. Default `document`. */
  readonly type?: string
  /** What is done with them, as the permission source calls it. Default `read`. */
  readonly action?: string
  /** Default: vectors and words, fused, where the index has both. */
  readonly kind?: SearchHow['kind']
  /** Accept a source that can say nothing before a search: then the recheck is all there is. */
  readonly postcheck?: 'allow'
  /** Up to how many permitted passages the search is exact. Default 5,000. */
  readonly exactUpTo?: number
  /** How long a plan is used again, in milliseconds, at most a minute. Default 2,000; 0 for never. */
  readonly plansKeptMs?: number
  readonly deadlines?: RetrievalDeadlines
  /** No answer comes sooner than this, in milliseconds, so that its time tells less. Default 0. */
  readonly noSoonerThanMs?: number
  /** Hears of each retrieval before anything is handed over. If it throws, nothing is. */
  readonly audit?: (event: RetrievalEvent) => void | Promise<void>
  /** Milliseconds of a clock that is never set back. Default `performance.now`. */
  readonly elapsed?: () => number
}

/** For whom documents are retrieved: a user, and the agent that acts for them. */
export interface Asker {
  readonly subject: PrincipalId
  readonly actor: PrincipalId
  readonly tenant: string | undefined
  readonly attributes?: Access['attributes']
}

export interface Retrieved {
  /** Best first. */
  readonly passages: readonly LabelledPassage[]
  /** False if there may be more that is permitted than was found. For the application, never for the model. */
  readonly complete: boolean
}

/** A passage that was handed over before. */
export type Held = Pick<CheckItem, 'document' | 'version'> & Partial<Pick<CheckItem, 'aclVersion'>>

export interface Retriever {
  readonly name: string
  /**
   * The passages that this user and this agent may both read now, best first, at most `k` of them.
   *
   * Each was readable at some instant between the recheck and the return.
   *
   * @throws {UnavailableError} `ERR_POLICY_UNAVAILABLE` without a plan; `ERR_STORE_UNAVAILABLE` without the index or
   * the embedder; `ERR_AUDIT_UNAVAILABLE` if the audit fails. Nothing is handed over then.
   */
  retrieve(
    asker: Asker,
    query: { readonly text: string; readonly k?: number },
    options: { readonly signal: AbortSignal },
  ): Promise<Retrieved>
  /** Whether passages that were handed over before may still be shown, one answer each. Whatever fails is false. */
  recheck(
    asker: Asker,
    passages: readonly Held[],
    options: { readonly signal: AbortSignal },
  ): Promise<readonly boolean[]>
  /** Why documents are shown to somebody or not. For an operator, never for a model. */
  explain(
    asker: Asker,
    what: ExplainWhat,
    options: { readonly signal: AbortSignal },
  ): Promise<readonly Explained[]>
  /** Forgets all plans when something is halted: give it to `createGuard({ onHalt })`. */
  readonly haltHook: HaltHook
  /** What is configured, for a start-up log. */
  describe(): Readonly<Record<string, string>>
}
