import type { Secret, TokenIssuer } from '@gatewright/runtime/credentials'
import { endByManagement } from './oauth/end-by-management.ts'
import { oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'
import { list, scopesOf, standardClaims, text } from './oauth/token-claims.ts'

const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export interface EntraOptions extends Omit<ClientOptions, 'issuer'> {
  /** `https://login.microsoftonline.com/TENANT/v2.0`, with the id of one tenant. */
  readonly authority: string
  /** The application ids behind the URIs that contracts name, by URI: `{ 'api://orders': '6e74…' }`. v2 tokens have those as `aud`. */
  readonly applicationIds?: Readonly<Record<string, string>>
  /** What `iss` is in tokens for APIs that still take v1 tokens: `https://sts.windows.net/TENANT/`. */
  readonly issuerOfV1?: string
  /** A token of Microsoft Graph with `User.RevokeSessions.All`, so that a halt of a user ends their sessions. */
  readonly graph?: { readonly url?: string; token(): Promise<Secret> }
  readonly now?: () => Date
}

/**
 * Microsoft Entra's on-behalf-of flow. Its differences:
 *
 * - The grant is `jwt-bearer` with `requested_token_use=on_behalf_of`; scopes stand behind the API (`api://orders/read`).
 * - The user is `oid` (`sub` differs from application to application): take the run's subject from `oid` too. The
 *   agent is `azp` or `appid`, with no `act`.
 * - There is no revocation and no introspection of single tokens: a halt can end the sessions of a user, with Graph,
 *   and access tokens run out, an hour or so later unless the API follows continuous access evaluation. Their life is
 *   a setting of the tenant: at its default it is longer than most limits, and refused.
 * - `interaction_required` comes with claims, which the error passes on for the user's own session.
 *
 * Tested against a server that takes these parameters and writes its claims so; not against Entra itself.
 */
export function entra(options: EntraOptions): TokenIssuer {
  const { authority, applicationIds = {}, issuerOfV1, graph, now } = options
  const client = openClient({ ...options, issuer: authority })
  const named = new Map(Object.entries(applicationIds).map(([uri, id]) => [id, uri]))
  const prefix = (audience: string): string => (audience.endsWith('/') ? audience : `${audience}/`)
  return oauthIssuer(
    {
      name: 'entra',
      grant: JWT_BEARER,
      capabilities: { revokes: false, introspects: false, opaque: 'none', actorIn: 'client' },
      parameters: (request) => ({
        assertion: subjectTokenOf(request),
        requested_token_use: 'on_behalf_of',
        scope: request.scopes.map((scope) => prefix(request.audience) + scope).join(' '),
      }),
      claims: (payload) => ({
        ...standardClaims(payload),
        iss: issuerOfV1 !== undefined && payload['iss'] === issuerOfV1 ? authority : text(payload['iss']),
        sub: text(payload['oid']),
        // Its own `act` would have to be checked like any other; the flow has none.
        aud: list(payload['aud'])?.map((one) => named.get(one) ?? one),
        scope: scopesOf(payload['scp']),
        client: text(payload['azp']) ?? text(payload['appid']),
      }),
      scopes: (scope, { audience }) =>
        (scopesOf(scope) ?? []).map((one) =>
          one.startsWith(prefix(audience)) ? one.slice(prefix(audience).length) : one,
        ),
    },
    {
      client,
      now,
      endDelegation:
        graph &&
        endByManagement(client, {
          method: 'POST',
          urlOf: (user) =>
            new URL(
              `/v1.0/users/${encodeURIComponent(user)}/revokeSignInSessions`,
              client.allowed(graph.url ?? 'https://graph.microsoft.com', 'graph.url'),
            ),
          done: [200, 204],
          token: () => graph.token(),
        }),
    },
  )
}
