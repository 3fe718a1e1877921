import type { JWK } from 'jose'
import { type Configuration, errors } from 'oidc-provider'
import { TOKEN_EXCHANGE } from './exchange.ts'
import { JWT_BEARER } from './jwt-bearer.ts'
import type { Misbehaviour } from './misbehaviour.ts'
import type { Storage } from './storage.ts'
import { resourceServer, type SigningKey, type Tokens } from './tokens.ts'
import { AGENT, DELEGATIONS, FRONT_END, FRONT_END_API, OTHER_AGENT, type World } from './world.ts'

export const CIBA = 'urn:openid:params:grant-type:ciba'
/** Where tests and stories have the user's browser sent back to. */
export const CALLBACK = 'http://127.0.0.1:9/callback'

export interface Parts {
  readonly world: World
  readonly key: SigningKey
  readonly storage: Storage
  readonly tokens: Tokens
  readonly agentKey: JWK
  readonly otherKey: JWK
  readonly redirects: readonly string[]
  wrong(): Misbehaviour
}

const YEAR = 365 * 24 * 3600

export function configurationOf(parts: Parts): Configuration {
  const { world, key, storage, tokens, agentKey, otherKey, redirects, wrong } = parts
  const agent = {
    grant_types: ['authorization_code', 'client_credentials', TOKEN_EXCHANGE, JWT_BEARER, CIBA],
    response_types: ['code' as const],
    redirect_uris: [CALLBACK, ...redirects],
    token_endpoint_auth_method: 'private_key_jwt' as const,
    backchannel_token_delivery_mode: 'poll' as const,
    scope: 'openid',
    authorization_details_types: [...world.details],
  }
  return {
    adapter: (kind: string) => storage.adapter(kind),
    jwks: { keys: [key.jwk] },
    cookies: { keys: [crypto.randomUUID()] },
    clients: [
      { ...agent, client_id: AGENT, jwks: { keys: [agentKey] } },
      { ...agent, client_id: OTHER_AGENT, jwks: { keys: [otherKey] } },
      {
        client_id: FRONT_END,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
        token_endpoint_auth_method: 'none',
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    enabledJWA: { idTokenSigningAlgValues: ['ES256'] },
    findAccount: (_, id) =>
      Object.hasOwn(world.users, id) ? { accountId: id, claims: () => ({ sub: id }) } : undefined,
    // Not those of the APIs: with them here, asking for consent never ends.
    scopes: ['openid'],
    pkce: { required: () => true },
    routes: { revocation: '/token/revocation', introspection: '/token/introspection' },
    extraTokenClaims: (_, token) => tokens.extraOf(token),
    formats: {
      customizers: { jwt: async (_, token, jwt) => tokens.customize(token, jwt, wrong()) },
    },
    interactions: { url: (_, { uid }) => `/interaction/${uid}` },
    ttl: {
      AccessToken: (_, token) => token.resourceServer?.accessTokenTTL ?? 120,
      ClientCredentials: (_, token) => token.resourceServer?.accessTokenTTL ?? 120,
      AuthorizationCode: 60,
      BackchannelAuthenticationRequest: 120,
      IdToken: 300,
      Interaction: 600,
      Session: 3600,
      Grant: YEAR,
    },
    features: {
      devInteractions: { enabled: false },
      userinfo: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_, client, token) => token.clientId === client.clientId },
      introspection: { enabled: true, allowedPolicy: () => true },
      dPoP: { enabled: true, nonceSecret: Buffer.alloc(32, crypto.randomUUID()), requireNonce: () => false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_, resource) {
          const server = serverOf(world, resource)
          if (server === undefined) throw new errors.InvalidTarget()
          return resourceServer(server)
        },
        useGrantedResource: () => true,
      },
      richAuthorizationRequests: {
        enabled: true,
        types: Object.fromEntries(world.details.map((type) => [type, { validate: () => {} }])),
        authorizationDetailsForGrantSource: (_, source) => source.rar,
        authorizationDetailsForAccessToken: (ctx) => {
          const given = ctx.oidc.params?.['authorization_details']
          return given === undefined ? undefined : JSON.parse(String(given))
        },
        authorizationDetailsForIntrospection: (_, token) => token.rar,
      },
      ciba: {
        enabled: true,
        deliveryModes: ['poll'],
        processLoginHint: (_, hint) => (Object.hasOwn(world.users, hint ?? '') ? hint : undefined),
        processLoginHintToken: () => undefined,
        validateRequestContext: () => {},
        validateBindingMessage: () => {},
        verifyUserCode: () => {},
        triggerAuthenticationDevice: () => {},
      },
    },
  }
}

function serverOf(world: World, resource: string): World['resources'][string] | undefined {
  if (resource === DELEGATIONS) return { scopes: ['delegations:end'], seconds: 60 }
  if (resource === FRONT_END_API) return { scopes: ['orders:read', 'orders:write'], seconds: 3600 }
  return Object.hasOwn(world.resources, resource) ? world.resources[resource] : undefined
}
