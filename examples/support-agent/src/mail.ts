import { type ParsedMail, parseMail } from '@gatewright/retriever/ingest'

/** A mail as the mail server hands it to an agent. */
export interface Mail {
  readonly from: string
  readonly to: string
  readonly date: string
  readonly subject: string
  readonly body: string
}

/**
 * Read a mail.
 *
 * `from` is the address that the receiving server verified, and `unverified` where it did not (RFC 8601).
 */
export function readMail(source: string): Mail {
  const { headers, body } = parseMail(source)
  return {
    from: verifiedSender(headers),
    to: address(headers.get('to') ?? ''),
    date: new Date(headers.get('date') ?? '').toISOString(),
    subject: headers.get('subject') ?? '',
    body: body.trim(),
  }
}

function verifiedSender(headers: ParsedMail['headers']): string {
  const from = address(headers.get('from') ?? '')
  const domain = from.slice(from.lastIndexOf('@') + 1)
  const results = headers.get('authentication-results') ?? ''
  const passed = /\bdkim=pass\b[^;]*\bheader\.d=([\w.-]+)/.exec(results)?.[1]
  return domain !== '' && passed === domain ? from : 'unverified'
}

function address(header: string): string {
  return (/<([^<>]+)>\s*$/.exec(header)?.[1] ?? header).trim().toLowerCase()
}
