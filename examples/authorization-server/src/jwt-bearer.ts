import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { errors, type TokenEndpointGrantContext } from 'oidc-provider'
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js'
import { detailsOf, type Issuing, target } from './exchange.ts'

export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'

interface Params {
  assertion?: string
  requested_token_use?: string
}

type Context = TokenEndpointGrantContext<Params>

/**
 * RFC 7523: an identity assertion of a server that is trusted (ID-JAG), or, with
 * `requested_token_use=on_behalf_of`, a token of this one, as Entra has it.
 */
export function registerJwtBearer(issuing: Issuing): void {
  const handler = async (ctx: Context): Promise<void> => grant(issuing, ctx)
  const params = ['assertion', 'requested_token_use', 'scope', 'resource', 'authorization_details']
  issuing.provider.registerGrantType<Params>(JWT_BEARER, handler, params, ['resource'])
}

interface Asserted {
  readonly user: string
  readonly act: unknown
  readonly resource: string
  readonly scopes: readonly string[]
}

async function grant(issuing: Issuing, ctx: Context): Promise<void> {
  const { provider, tokens, grants, world } = issuing
  const { params, client } = ctx.oidc
  if (params.assertion === undefined) throw new errors.InvalidRequest('an assertion is required')
  const asserted =
    params.requested_token_use === 'on_behalf_of'
      ? await ownToken(issuing, params.assertion, params.scope ?? '')
      : await trustedAssertion(issuing, ctx, params.assertion)
  if (grants.isEnded(asserted.user, client.clientId))
    throw new errors.InvalidGrant('the delegation was ended')
  const { resource, server } = target([asserted.resource], world)
  const granted = grants.of(asserted.user, client.clientId, resource)
  if (!asserted.scopes.every((scope) => granted.has(scope)))
    throw new errors.CustomOIDCProviderError(
      params.requested_token_use === 'on_behalf_of' ? 'interaction_required' : 'consent_required',
      'not granted yet',
    )
  const proof = await validateDpop(provider, ctx)
  await checkDpopReplay(provider, ctx, proof, client.clientId)
  const { value, token } = await tokens.issue(provider, {
    client,
    ...asserted,
    resource,
    server,
    details: detailsOf(params.authorization_details),
    jkt: proof?.thumbprint,
  })
  ctx.body = {
    access_token: value,
    token_type: token.tokenType,
    expires_in: token.expiration,
    scope: asserted.scopes.join(' '),
    ...(token.rar === undefined ? {} : { authorization_details: token.rar }),
  }
}

/** Entra's scopes stand behind the resource: `api://orders/orders:read`. */
async function ownToken({ provider, tokens }: Issuing, assertion: string, given: string): Promise<Asserted> {
  const subject = await tokens.find(provider, assertion)
  if (subject === undefined) throw new errors.InvalidGrant('the assertion is not valid')
  const scopes = given.split(' ').map((scope) => {
    const at = scope.lastIndexOf('/') + 1
    return { resource: scope.slice(0, at), name: scope.slice(at) }
  })
  const [resource = '', ...others] = new Set(scopes.map((scope) => scope.resource))
  if (others.length > 0) throw new errors.InvalidTarget('one resource at a time')
  return { user: subject.user, act: undefined, resource, scopes: scopes.map(({ name }) => name) }
}

async function trustedAssertion(
  { provider, world }: Issuing,
  ctx: Context,
  assertion: string,
): Promise<Asserted> {
  const { client, params } = ctx.oidc
  const [issuer] = world.trusts
  if (issuer === undefined) throw new errors.InvalidGrant('no other server is trusted')
  const keys = await fetch(`${issuer}/jwks`)
  try {
    const { payload } = await jwtVerify(assertion, createLocalJWKSet((await keys.json()) as JSONWebKeySet), {
      issuer,
      audience: provider.issuer,
      typ: 'oauth-id-jag+jwt',
      algorithms: ['ES256'],
      requiredClaims: ['sub', 'jti', 'exp', 'client_id', 'resource', 'scope'],
    })
    const { sub = '', jti = '', client_id, resource, scope, act, exp = 0 } = payload
    if (client_id !== client.clientId) throw new Error('of another client')
    // Once only, as client assertions are.
    const replays = (provider as unknown as { ReplayDetection: Replays }).ReplayDetection
    if (!(await replays.unique(issuer, jti, exp))) throw new Error('used before')
    const asked = params.scope?.split(' ') ?? String(scope).split(' ')
    if (!new Set(asked).isSubsetOf(new Set(String(scope).split(' ')))) throw new Error('wider than asserted')
    return { user: sub, act, resource: String(resource), scopes: asked }
  } catch {
    throw new errors.InvalidGrant('the assertion is not valid')
  }
}

interface Replays {
  unique(issuer: string, id: string, until: number): Promise<boolean>
}
