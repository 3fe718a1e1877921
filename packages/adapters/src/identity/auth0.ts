import type { Secret, TokenIssuer } from '@gatewright/runtime/credentials'
import type { DpopKey } from './oauth/dpop-key.ts'
import { endByManagement } from './oauth/end-by-management.ts'
import { commonParameters, type EndDelegation, oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, type OpenClient, openClient } from './oauth/open-client.ts'
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from './token-exchange.ts'

const VAULT_GRANT = 'urn:auth0:params:oauth:grant-type:token-exchange:federated-connection-access-token'
const VAULT_TOKEN = 'http://auth0.com/oauth/token-type/federated-connection-access-token'

export interface Auth0Options extends Omit<ClientOptions, 'issuer'> {
  /** With the slash at its end, as it stands in `iss`: `https://shop.eu.auth0.example/`. */
  readonly tenant: string
  readonly dpop?: DpopKey
  /** A token of the Management API with `delete:grants`, so that a halt of a user blocks them. */
  readonly management?: { token(): Promise<Secret> }
  readonly now?: () => Date
}

/**
 * Auth0's on-behalf-of token exchange. Its differences: the API is named by `audience` alone; there are no
 * authorization details; tokens are not introspected, and access tokens that are JWTs are not revoked, so a halt
 * ends the delegation, by deleting the user's grants with the Management API, and waits for tokens to run out.
 *
 * Tested against a server that takes these parameters; not against Auth0 itself.
 */
export function auth0(options: Auth0Options): TokenIssuer {
  const { tenant, dpop, now } = options
  const client = openClient({ ...options, issuer: tenant })
  return oauthIssuer(
    {
      name: 'auth0',
      grant: TOKEN_EXCHANGE,
      capabilities: { exchanges: true, revokes: false, introspects: false, opaque: 'none' },
      parameters: (request) => ({
        subject_token: subjectTokenOf(request),
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: ACCESS_TOKEN,
        audience: request.audience,
        scope: commonParameters(request)['scope'],
      }),
    },
    { client, dpop, now, endDelegation: endingAt(client, options.management) },
  )
}

export interface Auth0VaultOptions extends Omit<Auth0Options, 'dpop'> {
  /** The connection whose token is wanted, such as `google-oauth2`. */
  readonly connection: string
}

/**
 * A token of another provider that the user has connected, out of Auth0's Token Vault.
 *
 * It is that provider's token: as wide as what the user once granted, whatever scopes are asked for, and it names no
 * agent. An answer with wider scopes than those of the contract is refused, and so is one that says none. Nothing here can revoke it. Prefer `auth0` wherever the API is your own.
 *
 * Tested against a strict imitation of the published request; not against Auth0 itself.
 */
export function auth0Vault(options: Auth0VaultOptions): TokenIssuer {
  const { tenant, connection, now } = options
  const client = openClient({ ...options, issuer: tenant })
  return oauthIssuer(
    {
      name: 'auth0-vault',
      grant: VAULT_GRANT,
      mustSayScopes: true,
      capabilities: { revokes: false, introspects: false, opaque: 'trusted-response' },
      parameters: (request) => ({
        subject_token: subjectTokenOf(request),
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: VAULT_TOKEN,
        connection,
      }),
    },
    { client, now, endDelegation: endingAt(client, options.management) },
  )
}

function endingAt(client: OpenClient, management: Auth0Options['management']): EndDelegation | undefined {
  if (management === undefined) return undefined
  return endByManagement(client, {
    method: 'DELETE',
    urlOf(user) {
      const url = new URL('/api/v2/grants', client.issuer)
      url.searchParams.set('user_id', user)
      return url
    },
    done: [204],
    token: () => management.token(),
  })
}
