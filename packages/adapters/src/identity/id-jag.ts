import type { CredentialRequest, IssuerCall, TokenIssuer } from '@gatewright/runtime/credentials'
import { genericGrantRequest } from 'openid-client'
import type { DpopKey } from './oauth/dpop-key.ts'
import { commonParameters, type EndDelegation, oauthIssuer, subjectTokenOf } from './oauth/oauth-issuer.ts'
import { type ClientOptions, openClient } from './oauth/open-client.ts'
import { refused } from './oauth/refusal.ts'
import { ACCESS_TOKEN, TOKEN_EXCHANGE } from './token-exchange.ts'

const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

export interface IdJagOptions extends ClientOptions {
  /** The user's own identity provider, which the other domain's server trusts; the agent is a client of both. */
  readonly home: ClientOptions
  /** What the user's token is. Default: an access token of `home`; many identity providers want the ID token. */
  readonly subjectTokenType?: string
  readonly dpop?: DpopKey
  readonly endDelegation?: EndDelegation
  readonly now?: () => Date
}

/**
 * Get a token of another domain's server: the user's identity provider asserts who they are and what this agent may ask
 * for (ID-JAG, draft-ietf-oauth-identity-assertion-authz-grant-03), and the server takes that as a grant (RFC 7523).
 *
 * The assertion is asked for anew each time, and goes nowhere but to that server.
 */
export function idJag(options: IdJagOptions): TokenIssuer {
  const { subjectTokenType = ACCESS_TOKEN, dpop, endDelegation, now } = options
  const home = openClient(options.home)

  async function assertion(request: CredentialRequest, call: IssuerCall): Promise<string> {
    const form = new URLSearchParams({
      subject_token: subjectTokenOf(request),
      subject_token_type: subjectTokenType,
      requested_token_type: ID_JAG,
      audience: options.issuer,
      resource: request.resource ?? request.audience,
      scope: request.scopes.join(' '),
    })
    const answer = await home.call(async (config) => genericGrantRequest(config, TOKEN_EXCHANGE, form), call)
    // An access token, sent on, would be one that a foreign server can use at home.
    if (answer['issued_token_type'] !== ID_JAG || answer.token_type !== 'n_a') throw refused('issued-type')
    return answer.access_token
  }

  return oauthIssuer(
    {
      name: 'id-jag',
      grant: JWT_BEARER,
      capabilities: {},
      parameters: async (request, call) => ({
        assertion: await assertion(request, call),
        resource: request.resource ?? request.audience,
        ...commonParameters(request),
      }),
    },
    { client: openClient(options), dpop, endDelegation, now },
  )
}
