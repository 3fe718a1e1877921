import { ConfigError } from '@gatewright/runtime'
import { checkVector } from '../embed.ts'
import type { DocumentKey, DocumentMetadata, IndexedDocument } from '../search-index.ts'

/** Refuse what no index could keep as it is: nothing is cut, replaced or left out in silence. */
export function checkDocument(document: IndexedDocument, dimensions: number): void {
  checkMetadata(document)
  const seen = new Set<number>()
  for (const { position, text, embedding } of document.chunks) {
    if (!Number.isInteger(position) || position < 0 || position > 0x7fff_ffff || seen.has(position))
      throw new ConfigError(
        'document.chunks.position',
        position,
        'whole numbers from 0, each of one chunk alone',
      )
    seen.add(position)
    checkText('document.chunks.text', text)
    checkVector(embedding, dimensions)
  }
}

export function checkMetadata(document: DocumentMetadata): void {
  checkKey(document)
  for (const key of ['type', 'version', 'digest', 'source'] as const)
    checkText(`document.${key}`, document[key])
  for (const key of ['title', 'aclVersion'] as const)
    if (document[key] !== undefined) checkText(`document.${key}`, document[key])
  for (const key of ['authors', 'readers', 'denied'] as const) checkTexts(`document.${key}`, document[key])
  for (const [name, value] of Object.entries(document.attributes)) {
    if (name === '' || name.startsWith('$'))
      throw new ConfigError('document.attributes', name, 'names that are not empty and do not begin with $')
    checkText('document.attributes', name)
    const key = `document.attributes.${name}`
    if (typeof value === 'string') checkText(key, value)
    else if (Array.isArray(value)) checkTexts(key, value)
    else if (typeof value !== 'boolean' && !Number.isFinite(value))
      throw new ConfigError(key, value, 'a text, a finite number, a boolean or a list of texts')
  }
}

export function checkKey({ id, tenant }: DocumentKey): void {
  checkText('document.id', id)
  if (id === '') throw new ConfigError('document.id', id, 'an id')
  if (tenant === undefined) return
  checkText('document.tenant', tenant)
  // It is how the index writes that there is none.
  if (tenant === '') throw new ConfigError('document.tenant', tenant, 'the name of a tenant, or none')
}

function checkTexts(key: string, texts: unknown): void {
  if (!Array.isArray(texts)) throw new ConfigError(key, typeof texts, 'a list of texts')
  for (const text of texts) checkText(key, text)
}

function checkText(key: string, text: unknown): void {
  if (typeof text !== 'string') throw new ConfigError(key, typeof text, 'a text')
  if (!canBeKept(text))
    throw new ConfigError(
      key,
      'a text with NUL or half a surrogate pair',
      'a text that can be written as UTF-8',
    )
}

/** PostgreSQL keeps no NUL; half a surrogate pair would come back as another text than it went in. */
export function canBeKept(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}

/** Of thousands at once, several times quicker than of one after the other. */
export function canAllBeKept(texts: readonly string[]): boolean {
  return texts.every((one) => typeof one === 'string') && canBeKept(texts.join(' '))
}
