import { errors, type Provider, type TokenEndpointGrantContext } from 'oidc-provider'
import validateDpop, { checkDpopReplay } from 'oidc-provider/lib/helpers/validate_dpop.js'
import type { Grants } from './grants.ts'
import type { Known, Tokens } from './tokens.ts'
import type { Details, Resource, World } from './world.ts'

export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
export const ID_JAG = 'urn:ietf:params:oauth:token-type:id-jag'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** How long an identity assertion for another server lives, in seconds. */
const ID_JAG_SECONDS = 60
/** How many actors there may be behind one another. */
const MOST_ACTORS = 3

export interface Issuing {
  readonly provider: Provider
  readonly tokens: Tokens
  readonly grants: Grants
  readonly world: World
}

interface Params {
  subject_token?: string
  subject_token_type?: string
  actor_token?: string
  actor_token_type?: string
  requested_token_type?: string
  audience?: string | string[]
}

type Context = TokenEndpointGrantContext<Params>

/** RFC 8693, with the client as the actor: narrows, never widens, and names the actor in `act`. */
export function registerExchange(issuing: Issuing): void {
  const { provider } = issuing
  const params =
    'subject_token subject_token_type actor_token actor_token_type requested_token_type audience resource scope ' +
    'authorization_details'
  const handler = async (ctx: Context): Promise<void> => exchange(issuing, ctx)
  provider.registerGrantType<Params>(TOKEN_EXCHANGE, handler, params.split(' '), ['audience', 'resource'])
}

async function exchange({ provider, tokens, grants, world }: Issuing, ctx: Context): Promise<void> {
  const { params, client } = ctx.oidc
  const wanted = params.requested_token_type ?? ACCESS_TOKEN
  if (params.subject_token === undefined || ![ACCESS_TOKEN, JWT].includes(params.subject_token_type ?? ''))
    throw new errors.InvalidRequest('a subject token that is an access token is required')
  await checkActorToken({ provider, tokens }, ctx)
  const subject = await tokens.find(provider, params.subject_token)
  if (subject === undefined) throw new errors.InvalidGrant('the subject token is not valid')
  const { clientId } = client
  if (!mayAct(subject, clientId)) throw new errors.InvalidGrant('this client may not act for the subject')
  if (grants.isEnded(subject.user, clientId)) throw new errors.InvalidGrant('the delegation was ended')
  const act = { sub: clientId, ...(subject.act === undefined ? {} : { act: subject.act }) }
  if (depth(act) > MOST_ACTORS) throw new errors.InvalidGrant('too many actors')
  const scopes = (params.scope ?? '').split(' ').filter((scope) => scope !== '')

  if (wanted === ID_JAG) {
    const [audience, ...more] = [params.audience ?? []].flat()
    if (audience === undefined || more.length > 0)
      throw new errors.InvalidTarget('exactly one audience is required')
    const [resource] = [params.resource ?? []].flat()
    const claims = {
      sub: subject.user,
      aud: audience,
      client_id: clientId,
      act,
      scope: scopes.join(' '),
      resource,
    }
    ctx.body = {
      access_token: await tokens.sign(claims, 'oauth-id-jag+jwt', ID_JAG_SECONDS),
      issued_token_type: ID_JAG,
      token_type: 'N_A',
      expires_in: ID_JAG_SECONDS,
      scope: scopes.join(' '),
    }
    return
  }
  if (wanted !== ACCESS_TOKEN && wanted !== JWT) throw new errors.InvalidRequest('no such type of token')
  const { resource, server } = target([params.resource ?? [], params.audience ?? []].flat(), world)
  const granted = grants.of(subject.user, clientId, resource)
  for (const scope of scopes) {
    const isPossible = server.scopes.includes(scope) && world.users[subject.user]?.scopes.includes(scope)
    if (isPossible !== true) throw new errors.InvalidScope('the subject has no such scope', scope)
    if (!granted.has(scope)) throw new errors.CustomOIDCProviderError('consent_required', 'not granted yet')
    // What was narrowed once stays so: an exchanged token cannot be exchanged for a wider one.
    if (subject.act !== undefined && !subject.scopes.includes(scope))
      throw new errors.InvalidScope('wider than the subject token', scope)
  }
  const proof = await validateDpop(provider, ctx)
  await checkDpopReplay(provider, ctx, proof, clientId)
  const { value, token } = await tokens.issue(provider, {
    client,
    user: subject.user,
    resource,
    server,
    scopes,
    act,
    details: detailsOf(params.authorization_details),
    jkt: proof?.thumbprint,
  })
  ctx.body = {
    access_token: value,
    issued_token_type: ACCESS_TOKEN,
    token_type: token.tokenType,
    expires_in: token.expiration,
    scope: scopes.join(' '),
    ...(token.rar === undefined ? {} : { authorization_details: token.rar }),
  }
}

/** The client has just shown who it is; a token of its own (client credentials) may say so again. */
async function checkActorToken(
  { provider, tokens }: Pick<Issuing, 'provider' | 'tokens'>,
  ctx: Context,
): Promise<void> {
  const { actor_token: token, actor_token_type: type } = ctx.oidc.params
  if (token === undefined && type === undefined) return
  if (token === undefined || type !== ACCESS_TOKEN)
    throw new errors.InvalidRequest('an actor token comes with its type')
  const found = await provider.ClientCredentials.find(await tokens.idOf(token))
  if (found?.clientId !== ctx.oidc.client.clientId)
    throw new errors.InvalidGrant('the actor token is not valid')
}

/** RFC 8693 §4.4: `may_act` names the one who may; without it, the one who asks has the user's grant to show. */
function mayAct({ mayAct: named }: Known, client: string): boolean {
  if (named === undefined) return true
  return typeof named === 'object' && named !== null && (named as { sub?: unknown }).sub === client
}

function depth(act: { readonly act?: unknown }): number {
  return act.act === undefined ? 1 : 1 + depth(act.act as { act?: unknown })
}

/** The one API that is asked for, by `resource` or `audience` or both. */
export function target(
  given: readonly string[],
  { resources }: World,
): { resource: string; server: Resource } {
  const [resource, ...others] = new Set(given)
  const server = resource === undefined ? undefined : resources[resource]
  if (resource === undefined || server === undefined || others.length > 0)
    throw new errors.InvalidTarget('exactly one known resource is required')
  return { resource, server }
}

/** The token endpoint has checked their shape and types. */
export function detailsOf(given: string | undefined): Details | undefined {
  return given === undefined ? undefined : (JSON.parse(given) as Details)
}
