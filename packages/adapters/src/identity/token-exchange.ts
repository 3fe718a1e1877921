import type { IssuerCall, Secret, TokenIssuer } from '@gatewright/runtime/credentials'
import type { DpopKey } from './oauth/dpop-key.ts'
import { commonParameters, type EndDelegation, oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'

export {
  type ClientAuthentication,
  clientSecret,
  privateKeyJwt,
  workloadAssertion,
} from './oauth/client-authentication.ts'
export type { ClientOptions } from './oauth/open-client.ts'
export { dpopKey, type DpopKey } from './oauth/dpop-key.ts'
export type { EndDelegation } from './oauth/oauth-issuer.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'

export interface TokenExchangeOptions extends ClientOptions {
  /** What the user's token is. Default: an access token. */
  readonly subjectTokenType?: string
  /**
   * A token of the agent's own, for servers that want the actor shown beside the client (RFC 8693 §2.1). Left out, the
   * client that authenticates is the actor.
   */
  readonly actorToken?: {
    /** Default: an access token. */
    readonly type?: string
    read(call: IssuerCall): Promise<Secret>
  }
  /** Bind each token to this key, so that whoever finds one can do nothing with it. */
  readonly dpop?: DpopKey
  readonly endDelegation?: EndDelegation
  readonly now?: () => Date
}

/**
 * Exchange the user's token for one that names this agent as the actor (RFC 8693), for one audience and no more than
 * the scopes that are asked for.
 *
 * Asks once, with no retry. A token that is no JWT is introspected (RFC 7662), so that there are claims to check. A
 * refresh token that comes back is dropped.
 *
 * @throws {ConfigError} If the issuer is no https URL.
 */
export function tokenExchange(options: TokenExchangeOptions): TokenIssuer {
  const { subjectTokenType = ACCESS_TOKEN, actorToken, dpop, endDelegation, now } = options
  return oauthIssuer(
    {
      name: 'token-exchange',
      grant: TOKEN_EXCHANGE,
      capabilities: { exchanges: true },
      async parameters(request, call) {
        const actor = actorToken === undefined ? undefined : await actorToken.read(call)
        return {
          subject_token: subjectTokenOf(request),
          subject_token_type: subjectTokenType,
          actor_token: actor?.reveal(),
          actor_token_type: actor && (actorToken?.type ?? ACCESS_TOKEN),
          requested_token_type: ACCESS_TOKEN,
          audience: request.audience,
          resource: request.resource,
          ...commonParameters(request),
        }
      },
    },
    { client: openClient(options), dpop, endDelegation, now },
  )
}
