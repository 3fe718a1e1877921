import type { TokenIssuer } from '@gatewright/runtime/credentials'
import type { DpopKey } from './oauth/dpop-key.ts'
import { commonParameters, type EndDelegation, oauthIssuer } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'
import { refused } from './oauth/refusal.ts'

export interface ClientCredentialsOptions extends ClientOptions {
  /**
   * By which parameter the API is named: `resource` (RFC 8707, the default), `audience` (Auth0 and others), or `scope`
   * alone.
   */
  readonly target?: 'resource' | 'audience' | 'scope'
  readonly dpop?: DpopKey
  readonly endDelegation?: EndDelegation
  readonly now?: () => Date
}

/**
 * Get a token for the agent itself (RFC 6749 §4.4), for runs that no user started: a schedule, an event.
 *
 * Refuses a run that has a user: their authority is not the agent's, and a call would have more than both.
 */
export function clientCredentials(options: ClientCredentialsOptions): TokenIssuer {
  const { target = 'resource', dpop, endDelegation, now } = options
  return oauthIssuer(
    {
      name: 'client-credentials',
      grant: 'client_credentials',
      capabilities: { withoutUser: true },
      parameters(request) {
        if (request.subject !== undefined) throw refused('user')
        return {
          ...(target === 'scope' ? {} : { [target]: request.resource ?? request.audience }),
          ...commonParameters(request),
        }
      },
    },
    { client: openClient(options), dpop, endDelegation, now },
  )
}
