import { decode } from './decode.ts'

/** A mail in parts: what stands in its header, and the text that a person reads first. */
export interface ParsedMail {
  /** By lower-case name, unfolded, with encoded words decoded. Of several with one name the first, which servers near us added. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** Whether `body` is HTML, since the mail has no plain text. */
  readonly isHtml: boolean
  /** Characters of the body that could not be read, and stand as U+FFFD. */
  readonly unreadable: number
  /** Parts that are no text, or attached. */
  readonly attachments: number
}

/** A part of a mail: its header, and its body as bytes, one a character. */
interface Part {
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

const DEEPEST = 20
const MOST_PARTS = 1000

/**
 * Read a mail: RFC 5322, with MIME bodies (RFC 2045, 2046) and encoded words (RFC 2047).
 *
 * Of several alternatives the first plain text is the body, else the first HTML. Nothing in it is verified: a `From`
 * says what the sender wrote.
 *
 * @throws {RangeError} On parts nested deeper than 20 or more than 1,000 of them, and on a charset that is not known.
 */
export function parseMail(source: Uint8Array | string): ParsedMail {
  const bytes = Buffer.from(source)
  const whole = partOf(bytes.toString('latin1').replaceAll('\r\n', '\n'))
  const leaves = leavesOf(whole, DEEPEST)
  const isAttached = ({ headers }: Part): boolean =>
    /^\s*attachment\b/i.test(headers.get('content-disposition') ?? '')
  const texts = leaves.filter((part) => !isAttached(part))
  const plain = texts.find((part) => typeOf(part) === 'text/plain')
  const chosen = plain ?? texts.find((part) => typeOf(part) === 'text/html')
  const headers = new Map([...whole.headers].map(([name, value]) => [name, decodeWords(utf8(value))]))
  const others = leaves.filter((part) => isAttached(part) || !typeOf(part).startsWith('text/')).length
  if (chosen === undefined) return { headers, body: '', isHtml: false, unreadable: 0, attachments: others }
  const { text, unreadable } = decode(decodeBody(chosen), parameter(chosen, 'charset') ?? 'utf-8')
  return { headers, body: text, isHtml: plain === undefined, unreadable, attachments: others }
}

function leavesOf(part: Part, depth: number): Part[] {
  const boundary = typeOf(part).startsWith('multipart/') ? parameter(part, 'boundary') : undefined
  if (boundary === undefined) return [part]
  if (depth === 0) throw new RangeError(`The mail has parts nested deeper than ${DEEPEST}.`)
  return piecesOf(part.body, boundary).flatMap((piece) => leavesOf(partOf(piece), depth - 1))
}

/** What stands between lines that are the boundary, up to the one that ends them. */
function piecesOf(body: string, boundary: string): string[] {
  const [, ...rest] = `\n${body}`.split(`\n--${boundary}`)
  const pieces: string[] = []
  for (const piece of rest) {
    // The boundary of a part inside may begin as this one does.
    const line = /^(--)?[ \t]{0,80}(?:\n|$)/.exec(piece)
    if (line === null) pieces.push(`${pieces.pop() ?? ''}\n--${boundary}${piece}`)
    else if (line[1] !== undefined) break
    else pieces.push(piece.slice(line[0].length))
    if (pieces.length > MOST_PARTS) throw new RangeError(`The mail has more than ${MOST_PARTS} parts.`)
  }
  return pieces
}

function partOf(source: string): Part {
  // A part with no header begins with the empty line.
  const end = source.startsWith('\n') ? 0 : source.indexOf('\n\n')
  const head = end === -1 ? source : source.slice(0, end)
  const headers = new Map<string, string>()
  for (const line of head.replaceAll(/\n(?=[ \t])/g, '').split('\n')) {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(colon, 0)).trim().toLowerCase()
    if (name !== '' && !headers.has(name)) headers.set(name, line.slice(colon + 1).trim())
  }
  return { headers, body: end === -1 ? '' : source.slice(end).replace(/^\n\n?/, '') }
}

function typeOf({ headers }: Part): string {
  return (/^\s*([\w.+/-]+)/.exec(headers.get('content-type') ?? '')?.[1] ?? 'text/plain').toLowerCase()
}

function parameter({ headers }: Part, name: string): string | undefined {
  const found = new RegExp(String.raw`;\s*${name}\s*=\s*(?:"([^"]*)"|([^\s;"]+))`, 'i').exec(
    headers.get('content-type') ?? '',
  )
  return found?.[1] ?? found?.[2]
}

function decodeBody({ headers, body }: Part): Uint8Array {
  switch (headers.get('content-transfer-encoding')?.trim().toLowerCase()) {
    case 'base64':
      return Buffer.from(body, 'base64')
    case 'quoted-printable':
      return quotedPrintable(body.replaceAll(/=[ \t]{0,80}\n/g, ''))
    default:
      return Buffer.from(body, 'latin1')
  }
}

function quotedPrintable(text: string): Uint8Array {
  const bytes = text.replaceAll(/=([0-9A-F]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  )
  return Buffer.from(bytes, 'latin1')
}

function decodeWords(header: string): string {
  const joined = header.replaceAll(/(=\?[^?\s]+\?[BQ]\?[^?]*\?=)\s+(?==\?[^?\s]+\?[BQ]\?)/gi, '$1')
  return joined.replaceAll(
    /=\?([^?\s*]+)(?:\*[^?\s]*)?\?([BQ])\?([^?]*)\?=/gi,
    (word, charset: string, kind: string, text: string) => {
      const bytes =
        kind.toUpperCase() === 'B' ? Buffer.from(text, 'base64') : quotedPrintable(text.replaceAll('_', ' '))
      try {
        return decode(bytes, charset).text
      } catch {
        // A word that cannot be read stands as it was written.
        return word
      }
    },
  )
}

/** A header with bytes beyond ASCII is UTF-8 (RFC 6532). */
function utf8(header: string): string {
  return Buffer.from(header, 'latin1').toString('utf8')
}
