import type { TokenIssuer } from '@gatewright/runtime/credentials'
import type { DpopKey } from './oauth/dpop-key.ts'
import { commonParameters, type EndDelegation, oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'
import { standardClaims, text } from './oauth/token-claims.ts'
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from './token-exchange.ts'

export interface KeycloakOptions extends Omit<ClientOptions, 'issuer'> {
  /** The realm: `https://id.example/realms/shop`. */
  readonly realm: string
  readonly dpop?: DpopKey
  /** Such as removing the consent of the user by the admin API, and ending their sessions. */
  readonly endDelegation?: EndDelegation
  readonly now?: () => Date
}

/**
 * Keycloak's standard token exchange (26.2 and later). Its differences:
 *
 * - `audience` is a client id of the realm, and only filters what the scopes bring in: what comes back is checked.
 * - It gives a client's default scopes besides those asked for, which is wider, and refused: make them optional scopes.
 * - It names the agent as its client (`azp`), with no `act`, so an API cannot tell a delegation from a sign-in.
 *
 * Tested against a server that writes its claims so; not against Keycloak itself.
 */
export function keycloak(options: KeycloakOptions): TokenIssuer {
  const { realm, dpop, endDelegation, now } = options
  return oauthIssuer(
    {
      name: 'keycloak',
      grant: TOKEN_EXCHANGE,
      capabilities: { exchanges: true, actorIn: 'client' },
      parameters: (request) => ({
        subject_token: subjectTokenOf(request),
        subject_token_type: ACCESS_TOKEN,
        requested_token_type: ACCESS_TOKEN,
        audience: request.audience,
        ...commonParameters(request),
      }),
      claims: (payload) => ({
        ...standardClaims(payload),
        client: text(payload['azp']),
      }),
    },
    { client: openClient({ ...options, issuer: realm }), dpop, endDelegation, now },
  )
}
