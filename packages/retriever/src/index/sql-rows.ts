import type { PrincipalId } from '@gatewright/runtime'
import type { Attributes, DocumentMetadata, Hit, Passage } from '../search-index.ts'
import type { SqlRow } from './sql-database.ts'

export function hitOf(row: SqlRow): Hit {
  return {
    document: String(row['document']),
    position: Number(row['position']),
    score: Number(row['score']),
    version: String(row['version']),
    aclVersion: textOf(row['acl_version']),
  }
}

export function passageOf(row: SqlRow): Passage {
  return {
    ...hitOf(row),
    text: String(row['text']),
    title: textOf(row['title']),
    source: String(row['source']),
    type: String(row['type']),
    authors: row['author_names'] as PrincipalId[],
    readers: row['reader_names'] as string[],
    denied: row['denied_names'] as string[],
  }
}

export function metadataOf(row: SqlRow): DocumentMetadata {
  const tenant = String(row['tenant'])
  return {
    id: String(row['document']),
    tenant: tenant === '' ? undefined : tenant,
    type: String(row['type']),
    version: String(row['version']),
    aclVersion: textOf(row['acl_version']),
    digest: String(row['digest']),
    source: String(row['source']),
    title: textOf(row['title']),
    authors: row['author_names'] as PrincipalId[],
    readers: row['reader_names'] as string[],
    denied: row['denied_names'] as string[],
    attributes: JSON.parse(String(row['attributes'])) as Attributes,
  }
}

function textOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value)
}
