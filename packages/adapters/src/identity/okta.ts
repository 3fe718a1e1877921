import type { Secret, TokenIssuer } from '@gatewright/runtime/credentials'
import type { DpopKey } from './oauth/dpop-key.ts'
import { endByManagement } from './oauth/end-by-management.ts'
import { commonParameters, oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'
import { scopesOf, standardClaims, text } from './oauth/token-claims.ts'
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from './token-exchange.ts'

export interface OktaOptions extends Omit<ClientOptions, 'issuer'> {
  /** The custom authorization server that the API belongs to: `https://org.okta.example/oauth2/orders`. */
  readonly authorizationServer: string
  /**
   * The claim that tells which user it is. Default `uid`, Okta's own id of the user; `sub` is their login, which can be
   * changed. It has to be the one that the run's subject was taken from.
   */
  readonly userClaim?: string
  readonly dpop?: DpopKey
  /** An API token or OAuth token of the organisation that may revoke grants, so that a halt of a user blocks them. */
  readonly management?: { readonly organization: string; token(): Promise<Secret> }
  readonly now?: () => Date
}

/**
 * Okta's on-behalf-of token exchange, at a custom authorization server. Its differences:
 *
 * - No `requested_token_type` and no `resource`: the server is the API's own, and `audience` has to be its audience.
 * - The scopes stand in `scp`, a list; the agent is `cid`, with no `act`.
 * - A delegation is ended by revoking the user's grants to the client with the management API, user by user.
 *
 * Tested against a server that takes these parameters and writes its claims so; not against Okta itself.
 */
export function okta(options: OktaOptions): TokenIssuer {
  const { authorizationServer, userClaim = 'uid', dpop, management, now } = options
  const client = openClient({ ...options, issuer: authorizationServer })
  return oauthIssuer(
    {
      name: 'okta',
      grant: TOKEN_EXCHANGE,
      capabilities: { exchanges: true, actorIn: 'client' },
      parameters: (request) => ({
        subject_token: subjectTokenOf(request),
        subject_token_type: ACCESS_TOKEN,
        audience: request.audience,
        ...commonParameters(request),
      }),
      claims: (payload) => ({
        ...standardClaims(payload),
        sub: text(payload[userClaim]),
        scope: scopesOf(payload['scp']),
        client: text(payload['cid']),
      }),
    },
    {
      client,
      dpop,
      now,
      endDelegation:
        management &&
        endByManagement(client, {
          method: 'DELETE',
          urlOf: (user) =>
            new URL(
              `/api/v1/users/${encodeURIComponent(user)}/clients/${encodeURIComponent(options.client)}/grants`,
              client.allowed(management.organization, 'management.organization'),
            ),
          done: [204],
          token: () => management.token(),
        }),
    },
  )
}
