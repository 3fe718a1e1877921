import { ConfigError } from '@gatewright/runtime'
import { cleanText } from './clean-text.ts'
import { loadHtml } from './load-html.ts'
import { loadMail } from './load-mail.ts'
import { loadMarkdown } from './load-markdown.ts'
import { loadText } from './load-text.ts'
import { type Load, titleOf } from './loader.ts'
import { type Bytes, mediaTypeOf, type SourceDocument } from './source-document.ts'

/** The loaders that are there, by media type. */
export const LOADERS: Readonly<Record<string, Load>> = {
  'text/plain': loadText,
  'text/markdown': loadMarkdown,
  'text/html': loadHtml,
  'message/rfc822': loadMail,
}

/** What was changed or left out when a document was read, so that nothing goes in silence. */
export type IngestNote =
  | { readonly kind: 'no-readers' | 'no-text' }
  | {
      /** Characters replaced by U+FFFD, hidden ones left out; parts of a mail left out. */
      readonly kind: 'replaced' | 'hidden' | 'attachments'
      readonly count: number
    }

export interface ReadDocument {
  readonly text: string
  readonly title: string | undefined
  readonly notes: readonly IngestNote[]
}

// More than this is not a text of this kind with an odd character in it, but something else.
const MOST_REPLACED = 0.1

/**
 * Load the bytes of a document as its media type says, as clean text.
 *
 * @throws {ConfigError} If there is no loader for it.
 * @throws {RangeError} If a tenth of it cannot be read: it is no text.
 */
export async function readDocument(
  document: SourceDocument,
  { bytes, replaced: before }: Bytes,
  loaders: Readonly<Record<string, Load>>,
  signal: AbortSignal,
): Promise<ReadDocument> {
  const load = loaderOf(document, loaders)
  const mediaType = mediaTypeOf(document) ?? ''
  const loaded = await load(bytes, { signal, source: document.source, mediaType })
  signal.throwIfAborted()
  const { text, replaced } = cleanText(loaded.text)
  const marks = before + replaced + (loaded.unreadable ?? 0)
  if (marks > 10 && marks > text.length * MOST_REPLACED)
    throw new RangeError('The document is no text: more than a tenth of it cannot be read.')
  const counted = { replaced: marks, hidden: loaded.hidden ?? 0, attachments: loaded.attachments ?? 0 }
  return {
    text,
    title: document.title ?? titleOf(loaded.title),
    notes: Object.entries(counted).flatMap(([kind, count]) =>
      count > 0 ? [{ kind: kind as keyof typeof counted, count }] : [],
    ),
  }
}

function loaderOf(document: SourceDocument, loaders: Readonly<Record<string, Load>>): Load {
  const mediaType = mediaTypeOf(document)
  const load = mediaType !== undefined && Object.hasOwn(loaders, mediaType) ? loaders[mediaType] : undefined
  if (load !== undefined) return load
  throw new ConfigError('document.mediaType', mediaType, `one of ${Object.keys(loaders).join(', ')}`)
}
