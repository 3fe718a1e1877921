import { createHash, timingSafeEqual } from 'node:crypto'
import type { Store } from '@gatewright/runtime/store'
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose'

export const PROOF_ALGORITHMS: string[] = ['ES256', 'Ed25519', 'EdDSA', 'PS256', 'RS256']
const LONGEST_PROOF = 8192
const MOST_AGE_MS = 60_000

export interface ProofOf {
  readonly proof: string
  readonly token: string
  /** The thumbprint of the key that the token is bound to (`cnf.jkt`). */
  readonly jkt: string
  readonly method: string
  /** Where the request came to, as the server calls itself. */
  readonly url: string
}

/** Checks a proof of possession of the key that a token is bound to; true once for each proof. */
export type CheckProof = (of: ProofOf, call: { readonly signal: AbortSignal }) => Promise<boolean>

/**
 * Check proofs of possession (RFC 9449 §4.3): of this key, for this token, method and address, made within the last
 * minute, and never seen before in this store.
 */
export function proofCheck({
  store,
  now,
  clockToleranceMs,
}: {
  readonly store: Store
  readonly now: () => Date
  readonly clockToleranceMs: number
}): CheckProof {
  return async ({ proof, token, jkt, method, url }, { signal }) => {
    if (proof.length > LONGEST_PROOF) return false
    let payload: Readonly<Record<string, unknown>>
    let key: JWK | undefined
    try {
      const verified = await jwtVerify(proof, EmbeddedJWK, {
        typ: 'dpop+jwt',
        algorithms: PROOF_ALGORITHMS,
        currentDate: now(),
      })
      payload = verified.payload
      key = verified.protectedHeader.jwk
      if (key === undefined || 'd' in key) return false
      if (!same(await calculateJwkThumbprint(key), jkt)) return false
    } catch {
      return false
    }
    const { htm, htu, iat, jti, ath } = payload
    const age = now().getTime() - Number(iat) * 1000
    if (typeof iat !== 'number' || !(age <= MOST_AGE_MS && age >= -clockToleranceMs)) return false
    if (htm !== method || typeof htu !== 'string' || withoutQuery(htu) !== withoutQuery(url)) return false
    if (typeof ath !== 'string' || !same(ath, hash(token))) return false
    if (typeof jti !== 'string' || jti === '') return false
    const ttlMs = MOST_AGE_MS + clockToleranceMs + 1000
    const first = await store.compareAndSet(`dpop/${hash(`${jkt}\n${jti}`)}`, 0, '', { signal, ttlMs })
    return first !== undefined
  }
}

function withoutQuery(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
