import type { PrincipalId } from '@gatewright/runtime'
import type { FilterValue } from './filter.ts'
import type { Plan } from './permissions.ts'

/** A plan that an index can take: it searches, and never checks afterwards. */
export type IndexPlan = Exclude<Plan, { kind: 'postcheck' }>

/** Attributes that filters speak of: of the document, by the source of record, never from inside the document. */
export type Attributes = Readonly<Record<string, FilterValue | readonly string[]>>

/** A document as it is kept: metadata of the source of record, and its chunks. */
export interface IndexedDocument {
  readonly id: string
  readonly tenant: string | undefined
  readonly type: string
  /** Version of the content: the same text has the same version. */
  readonly version: string
  readonly aclVersion: string | undefined
  readonly digest: string
  /** Where it came from, such as a path or an address. */
  readonly source: string
  readonly title: string | undefined
  /** Everyone who could have written it. */
  readonly authors: readonly PrincipalId[]
  /** Principals and groups that may read it; nobody where it is empty. */
  readonly readers: readonly string[]
  /** Principals and groups that may not, whatever `readers` says. */
  readonly denied: readonly string[]
  readonly attributes: Attributes
  readonly chunks: readonly IndexedChunk[]
}

/** A document without what is in it. */
export type DocumentMetadata = Omit<IndexedDocument, 'chunks'>

/** A document by name: the tenant is part of every key. */
export interface DocumentKey {
  readonly id: string
  readonly tenant: string | undefined
}

export interface IndexedChunk {
  readonly position: number
  readonly text: string
  readonly embedding: readonly number[]
}

/** One passage that a search found. */
export interface Hit {
  readonly document: string
  readonly position: number
  readonly score: number
  /** Of a fused hit, as `fuse` gives it: its place in each list, from 0, and undefined in one that it is not in. */
  readonly ranks?: readonly (number | undefined)[]
  readonly version: string
  readonly aclVersion: string | undefined
}

/** A passage in full. */
export interface Passage extends Omit<Hit, 'ranks'> {
  readonly text: string
  readonly title: string | undefined
  readonly source: string
  readonly type: string
  readonly authors: readonly PrincipalId[]
  readonly readers: readonly string[]
  readonly denied: readonly string[]
}

export interface Query {
  readonly text: string
  readonly embedding: readonly number[]
}

export interface SearchHow {
  readonly kind: 'vector' | 'text' | 'fused'
  /** Most hits wanted, best first. */
  readonly limit: number
  /** Hits before this many are left out, for another round. */
  readonly offset: number
  /** Exact search over all that is permitted; approximate with iterative scan; or as their count says. */
  readonly exact: boolean | { readonly upTo: number }
}

export interface IndexScope {
  readonly tenant: string | undefined
  readonly type: string
  /**
   * Principals in whose name the rows are read, for the second wall of an engine that has row-level security: the
   * user's and, apart from them, the agent's. Left out for one of the two whose access does not go by the access lists
   * of the index; undefined for both where the plan is the only wall. Empty principals see nothing.
   */
  readonly principals:
    | { readonly subject?: readonly string[] | undefined; readonly actor?: readonly string[] | undefined }
    | undefined
}

export interface IndexCapabilities {
  readonly kinds: readonly SearchHow['kind'][]
  /** Kinds of plan that it can push down in full. */
  readonly plans: readonly IndexPlan['kind'][]
  readonly rowLevelSecurity: boolean
  readonly approximate: boolean
  /** Whether several processes may share it. */
  readonly shared: boolean
}

export interface IndexOptions {
  readonly signal: AbortSignal
}

/**
 * Where passages are found, the permitted ones alone: the plan is part of the query, so that what it does not permit is
 * never a candidate.
 *
 * An engine throws on an operator of a filter that it does not know, a vector of another dimension, and an index that
 * was built by another version or embedding model.
 */
export interface SearchIndex extends AsyncDisposable {
  readonly name: string
  readonly capabilities: IndexCapabilities
  /** Name of the embedder that the vectors come from. */
  readonly model: string
  readonly dimensions: number
  /** How many passages a plan permits, counted no further than `cap`. */
  count(plan: IndexPlan, scope: IndexScope, cap: number, options: IndexOptions): Promise<number>
  search(
    plan: IndexPlan,
    scope: IndexScope,
    query: Query,
    how: SearchHow,
    options: IndexOptions,
  ): Promise<readonly Hit[]>
  /** The passages in full, as far as the plan still permits them; those that it does not are left out. */
  fetch(
    plan: IndexPlan,
    scope: IndexScope,
    hits: readonly Pick<Hit, 'document' | 'position'>[],
    options: IndexOptions,
  ): Promise<readonly Passage[]>
  /** Put a document in the place of what was there under its id, as one: no search sees a part of it. */
  upsert(document: IndexedDocument, options: IndexOptions): Promise<void>
  /**
   * Put metadata in the place of what was there, and leave the passages as they are. False, and nothing done, if there
   * is no document of that id with that digest.
   */
  relabel(document: DocumentMetadata, options: IndexOptions): Promise<boolean>
  /** The metadata of a document, whoever may read it: for ingest and operators, never for an answer. */
  describe(document: DocumentKey, options: IndexOptions): Promise<DocumentMetadata | undefined>
  /** True if there was one. */
  remove(document: DocumentKey, options: IndexOptions): Promise<boolean>
  /** Bring the index into the shape that its size asks for; after a bulk ingest. May take minutes. */
  maintain?(options: IndexOptions): Promise<void>
}
