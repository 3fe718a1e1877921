import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

type Json = Readonly<Record<string, unknown>>

/** What the token endpoint does wrong, for tests of those who trust it. */
export interface Misbehaviour {
  /** Changes the claims of an access token before it is signed, and what introspection says of it. */
  readonly claims?: (claims: Json) => Json
  /** Changes the JSON of the token endpoint. */
  readonly response?: (response: Json) => Json
  /** Answers this in place of a token. */
  readonly instead?: {
    readonly status: number
    readonly type: string
    readonly body: string
    readonly headers?: Readonly<Record<string, string>>
  }
  /** Waits before it answers, in milliseconds; for ever if Infinity. */
  readonly delayMs?: number
  /** Breaks the connection. */
  readonly isDown?: boolean
  /** Breaks the connection when a token is to be revoked. */
  readonly cannotRevoke?: boolean
}

/**
 * Misbehave in place of an answer.
 *
 * @returns whether that was the answer.
 */
export async function misbehaved(
  { isDown, delayMs = 0, instead }: Misbehaviour,
  response: ServerResponse,
): Promise<boolean> {
  if (isDown === true) {
    response.socket?.destroy()
    return true
  }
  if (delayMs === Infinity) return true
  if (delayMs > 0) await sleep(delayMs)
  if (instead === undefined) return false
  response.writeHead(instead.status, { 'content-type': instead.type, ...instead.headers })
  response.end(instead.body)
  return true
}

/** Without what is undefined, so that a claim can be taken away by naming it. */
export function defined(json: Json): Json {
  return Object.fromEntries(Object.entries(json).filter(([, value]) => value !== undefined))
}
