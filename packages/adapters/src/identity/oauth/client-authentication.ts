import { readFile } from 'node:fs/promises'
import type { Secret } from '@gatewright/runtime/credentials'
import type { CryptoKey } from 'jose'
import { type ClientAuth, ClientSecretBasic, ClientSecretPost, PrivateKeyJwt } from 'openid-client'

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** How the agent shows an authorization server that it is the client it says it is. */
export type ClientAuthentication = ClientAuth

/**
 * Prove it with a key of the agent's own (`private_key_jwt`, RFC 7523 §2.2): the server holds the public half alone.
 *
 * The key may be one that cannot be extracted, such as a handle to a key store that WebCrypto gave.
 */
export function privateKeyJwt(key: CryptoKey, options: { readonly kid?: string } = {}): ClientAuthentication {
  return PrivateKeyJwt(options.kid === undefined ? key : { key, kid: options.kid })
}

/**
 * Prove it with what the platform says about this workload: a file that it renews (a projected service account token
 * of Kubernetes, a SPIFFE JWT-SVID) or a function. It is read for each request, so there is no key to look after.
 */
export function workloadAssertion(from: string | (() => Promise<Secret>)): ClientAuthentication {
  return async (_server, client, body) => {
    const assertion =
      typeof from === 'string' ? (await readFile(from, 'utf8')).trim() : (await from()).reveal()
    body.set('client_id', client.client_id)
    body.set('client_assertion_type', JWT_BEARER)
    body.set('client_assertion', assertion)
  }
}

/** Prove it with a shared secret, for servers that take nothing better; in the header, or in the form with `post`. */
export function clientSecret(
  secret: Secret,
  options: { readonly in?: 'header' | 'form' } = {},
): ClientAuthentication {
  return options.in === 'form' ? ClientSecretPost(secret.reveal()) : ClientSecretBasic(secret.reveal())
}
