import type { PrincipalId } from '@gatewright/runtime'
import type { Attributes, DocumentKey } from '../search-index.ts'

/** The bytes or the text of a document: at hand, or to be got when it turns out that they are needed. */
export type Content =
  | string
  | Uint8Array
  | ((options: { readonly signal: AbortSignal }) => Promise<string | Uint8Array | AsyncIterable<Uint8Array>>)

/** A document as its system of record has it. Everything but `content` comes from there, and never from inside it. */
export interface SourceDocument extends DocumentKey {
  readonly type: string
  /** Version of the content: the same content has the same version, and other content another. */
  readonly version: string
  /** Version of its permissions, as the permission source gives it. */
  readonly aclVersion?: string
  /** Where it came from, such as a path or an address. */
  readonly source: string
  /** Default: what the document calls itself. */
  readonly title?: string
  /** Everyone who could have written it; anyone where it is empty. */
  readonly authors: readonly PrincipalId[]
  /** Principals and groups that may read it; nobody where it is empty. */
  readonly readers: readonly string[]
  readonly denied?: readonly string[]
  readonly attributes?: Attributes
  /** Default: by the end of `source`. */
  readonly mediaType?: string
  readonly content: Content
}

/** A document that is no more, and goes from the index. */
export interface RemovedDocument extends DocumentKey {
  readonly removed: true
}

const BY_EXTENSION: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  text: 'text/plain',
  md: 'text/markdown',
  markdown: 'text/markdown',
  html: 'text/html',
  htm: 'text/html',
  eml: 'message/rfc822',
}

/** The media type that says how to load it, with no parameters; undefined where nothing says so. */
export function mediaTypeOf({
  mediaType,
  source,
}: Pick<SourceDocument, 'mediaType' | 'source'>): string | undefined {
  if (mediaType !== undefined) return mediaType.split(';')[0]?.trim().toLowerCase()
  const extension = /\.([a-z]{1,10})(?:[?#].*)?$/i.exec(source)?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined
}

/** The bytes of a document, and how many characters could not be written as bytes and stand as U+FFFD in them. */
export interface Bytes {
  readonly bytes: Uint8Array
  readonly replaced: number
}

/**
 * The bytes of a document, up to a limit: of one that is longer, no more is read than the limit.
 *
 * @throws {RangeError} If it is longer.
 */
export async function bytesOf(content: Content, maxBytes: number, signal: AbortSignal): Promise<Bytes> {
  const got = typeof content === 'function' ? await content({ signal }) : content
  signal.throwIfAborted()
  if (typeof got === 'string') {
    // A text is at least as many bytes as UTF-16 units, so an overlong one is not encoded first.
    checkLength(got.length, maxBytes)
    const bytes = Buffer.from(got)
    checkLength(bytes.byteLength, maxBytes)
    return { bytes, replaced: got.match(/\p{Surrogate}/gu)?.length ?? 0 }
  }
  if (got instanceof Uint8Array) {
    checkLength(got.byteLength, maxBytes)
    return { bytes: got, replaced: 0 }
  }
  const parts: Uint8Array[] = []
  let length = 0
  for await (const part of got) {
    signal.throwIfAborted()
    length += part.byteLength
    checkLength(length, maxBytes)
    parts.push(part)
  }
  return { bytes: Buffer.concat(parts), replaced: 0 }
}

function checkLength(length: number, maxBytes: number): void {
  if (length > maxBytes)
    throw new RangeError(
      `The document has more than the ${maxBytes} bytes of \`maxBytes\`; split it, or raise the limit.`,
    )
}
