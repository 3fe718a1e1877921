import type { TokenClaims } from '@gatewright/runtime/credentials'

export type Json = Readonly<Record<string, unknown>>

const LONGEST_PART = 65_536

/**
 * What stands in a token that is a JWT; undefined where it is none.
 *
 * Not verified: it came from the server itself, over TLS, just now, and the API that it is for verifies it. It is read
 * so that a server that gives something other than was asked for is noticed.
 */
export function payloadOf(token: string): Json | undefined {
  const parts = token.split('.')
  const [head = '', body = ''] = parts
  if (parts.length !== 3 || body.length > LONGEST_PART) return undefined
  return jsonOf(head) === undefined ? undefined : jsonOf(body)
}

function jsonOf(part: string): Json | undefined {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'))
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Json)
      : undefined
  } catch {
    return undefined
  }
}

/** The claims of RFC 9068 and RFC 8693, as a JWT or an introspection (RFC 7662) spells them. */
export function standardClaims(payload: Json): TokenClaims {
  return {
    iss: text(payload['iss']),
    sub: text(payload['sub']),
    act: payload['act'],
    aud: list(payload['aud']),
    scope: scopesOf(payload['scope']),
    client: text(payload['client_id']),
    cnf: payload['cnf'],
    exp: number(payload['exp']),
    iat: number(payload['iat']),
  }
}

export function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

export function list(value: unknown): readonly string[] | undefined {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.map(String) : undefined
}

/** Names with spaces between, or a list of them. */
export function scopesOf(value: unknown): readonly string[] | undefined {
  if (Array.isArray(value)) return value.map(String)
  return typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : undefined
}

// What is there and no number must not be taken for what is not there.
function number(value: unknown): number | undefined {
  if (value === undefined) return undefined
  return typeof value === 'number' ? value : Number.NaN
}
