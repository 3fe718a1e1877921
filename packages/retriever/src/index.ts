export { type Filter, type FilterValue, readableByAny } from './filter.ts'
export type {
  Access,
  Checked,
  CheckItem,
  PermissionCapabilities,
  PermissionOptions,
  PermissionSource,
  Plan,
} from './permissions.ts'
export type {
  Attributes,
  DocumentKey,
  DocumentMetadata,
  Hit,
  IndexCapabilities,
  IndexedChunk,
  IndexedDocument,
  IndexOptions,
  IndexPlan,
  IndexScope,
  Passage,
  Query,
  SearchHow,
  SearchIndex,
} from './search-index.ts'
export { type Embedder, type EmbeddingModelLike, fromEmbeddingModel, hashedNgrams } from './embed.ts'
export {
  type AccessList,
  type Folder,
  type Grant,
  type MemoryPermissions,
  memoryPermissions,
  type MemoryPermissionsOptions,
  type SharedDocument,
} from './permissions/memory.ts'
export {
  type AclDatabase,
  type AclTableOptions,
  type AclTablePermissions,
  aclTablePermissions,
  aclTableSchema,
} from './permissions/acl-table.ts'

export { memoryIndex, type MemoryIndexOptions } from './index/memory.ts'
export { pgliteIndex, type PGliteIndexOptions, type PGliteLike } from './index/pglite.ts'
export { postgresIndex, type PostgresIndexOptions, type PostgresPoolLike } from './index/postgres.ts'
export { indexSchema, type IndexSchema } from './index/schema.ts'
export type { SqlIndexOptions } from './index/sql-index.ts'

export { fuse } from './fuse.ts'
export { createRetriever } from './retriever.ts'
export type {
  Asker,
  Dropped,
  Held,
  RetrievalDeadlines,
  RetrievalEvent,
  Retrieved,
  Retriever,
  RetrieverOptions,
} from './retrieval.ts'
export type { Explained, ExplainWhat } from './explain.ts'
export type { LabelledPassage } from './label-hits.ts'
export type { DropReason } from './recheck.ts'
export {
  type RetrievalResult,
  type RetrievalTool,
  retrievalTool,
  type RetrievalToolOptions,
  type ShownPassage,
} from './retrieval-tool.ts'
