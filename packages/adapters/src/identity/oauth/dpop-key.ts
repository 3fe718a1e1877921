import { createHash, randomUUID } from 'node:crypto'
import { calculateJwkThumbprint, type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A key that tokens are bound to: whoever finds such a token can do nothing with it (RFC 9449). */
export interface DpopKey {
  /** RFC 7638, as it stands in `cnf.jkt`. */
  readonly thumbprint: string
  readonly pair: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey }
  /** A proof for one request with one token. Good once, and for about a minute. */
  prove(request: ProofRequest): Promise<string>
}

export interface ProofRequest {
  readonly method: string
  readonly url: string
  readonly token: string
  readonly nonce?: string | undefined
}

/** Make a key for this process. The private half cannot leave it. */
export async function dpopKey(options: { readonly now?: () => Date } = {}): Promise<DpopKey> {
  const { now = () => new Date() } = options
  const pair = await generateKeyPair('ES256', { extractable: false })
  const jwk: JWK = await exportJWK(pair.publicKey)
  return {
    pair,
    thumbprint: await calculateJwkThumbprint(jwk),
    async prove({ method, url, token, nonce }) {
      const { origin, pathname } = new URL(url)
      return await new SignJWT({
        htm: method.toUpperCase(),
        // Without query and fragment (RFC 9449 §4.2).
        htu: origin + pathname,
        ath: createHash('sha256').update(token).digest('base64url'),
        ...(nonce === undefined ? {} : { nonce }),
      })
        .setProtectedHeader({ typ: 'dpop+jwt', alg: 'ES256', jwk })
        .setJti(randomUUID())
        .setIssuedAt(Math.floor(now().getTime() / 1000))
        .sign(pair.privateKey)
    },
  }
}
