import { createServer, IncomingMessage, type ServerResponse } from 'node:http'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'
import { errors, Provider } from 'oidc-provider'
import { configurationOf } from './configuration.ts'
import { registerExchange } from './exchange.ts'
import { createGrants, type Ended } from './grants.ts'
import { interact, textOf } from './interactions.ts'
import { registerJwtBearer } from './jwt-bearer.ts'
import { defined, misbehaved, type Misbehaviour } from './misbehaviour.ts'
import { createStorage } from './storage.ts'
import { createTokens, type SigningKey } from './tokens.ts'
import {
  AGENT,
  type Consent,
  DELEGATIONS,
  FRONT_END,
  FRONT_END_API,
  OTHER_AGENT,
  SHOP,
  type World,
} from './world.ts'

export interface AuthorizationServerOptions extends Partial<World> {
  /** Where users may be sent back to with a code, besides `CALLBACK`. */
  readonly redirects?: readonly string[]
  /** How another vendor would write the claims of its access tokens. */
  readonly dress?: NonNullable<Misbehaviour['claims']>
}

/** A client as it proves itself: `private_key_jwt` with this key. */
export interface OwnClient {
  readonly id: string
  readonly key: CryptoKey
}

/** What the token endpoint was asked, with the secrets left out. */
export interface Asked {
  readonly grant: string
  readonly params: Readonly<Record<string, string>>
}

/** An authorization server that listens on this machine: an `oidc-provider`, with token exchange. */
export interface AuthorizationServer extends AsyncDisposable {
  readonly issuer: string
  readonly agent: OwnClient
  readonly otherAgent: OwnClient
  /** Every request to the token endpoint so far. */
  readonly asked: readonly Asked[]
  /** The user's token for the front end, as after a sign-in there. */
  signIn(user: string, may?: { readonly act?: string; readonly scopes?: readonly string[] }): Promise<string>
  consent(consent: Consent): Promise<void>
  endDelegation(ended: Ended): void
  allowAgain(): void
  /** Answer the request of a client that waits at the back channel (CIBA) for this user. */
  answerBackchannel(request: string, isYes: boolean): Promise<void>
  misbehave(wrong: Misbehaviour): void
}

const SECRET = new Set([
  'subject_token',
  'actor_token',
  'assertion',
  'client_assertion',
  'code',
  'code_verifier',
])

export async function openAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const { redirects = [], dress, ...given } = options
  const world: World = { ...SHOP, ...given }
  let wrong: Misbehaviour = {}
  let issuer = ''
  const storage = createStorage()
  const [key, agent, other] = [await newKey('issuer'), await newKey(AGENT), await newKey(OTHER_AGENT)]
  const tokens = createTokens(key, storage, () => issuer)
  const asked: Asked[] = []

  const http = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy())
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  const address = http.address()
  if (address === null || typeof address === 'string') throw new Error('No port was given.')
  issuer = `http://127.0.0.1:${address.port}`

  const dressed = (): Misbehaviour => {
    const { claims } = wrong
    if (dress === undefined) return wrong
    return { ...wrong, claims: (json) => (claims === undefined ? dress(json) : claims(dress(json))) }
  }
  const provider = new Provider(
    issuer,
    configurationOf({
      world,
      key,
      storage,
      tokens,
      redirects,
      agentKey: publicOf(agent),
      otherKey: publicOf(other),
      wrong: dressed,
    }),
  )
  const grants = createGrants(provider, storage, world)
  registerExchange({ provider, tokens, grants, world })
  registerJwtBearer({ provider, tokens, grants, world })
  provider.use(async (ctx, next) => {
    await next()
    const { route, params = {} } = ctx.oidc ?? {}
    if (route === 'token') {
      asked.push(record(params))
      if (wrong.response !== undefined && ctx.status === 200) ctx.body = defined(wrong.response(ctx.body))
    }
    const { claims } = dressed()
    if (route === 'introspection' && ctx.body.active === true && claims !== undefined)
      ctx.body = defined(claims(ctx.body))
  })
  for (const consent of world.consents) await grants.add(consent)
  const callback = provider.callback()

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', issuer)
    if (pathname === '/token' && ((await misbehaved(wrong, response)) || request.destroyed)) return
    if (pathname === '/token/revocation' && wrong.cannotRevoke === true) return void request.socket.destroy()
    if (pathname.startsWith('/interaction/')) return await interact(provider, world, request, response)
    if (pathname === '/delegations/end') return await endAsked(request, response)
    const isOfToken = pathname === '/token/revocation' || pathname === '/token/introspection'
    await callback(isOfToken ? await byId(request) : request, response)
  }

  /** The provider knows a JWT by its id alone. */
  async function byId(request: IncomingMessage): Promise<IncomingMessage> {
    const form = new URLSearchParams(await textOf(request))
    const token = form.get('token')
    if (token !== null) form.set('token', await tokens.idOf(token))
    const body = form.toString()
    const same = new IncomingMessage(request.socket)
    same.method = request.method ?? 'POST'
    same.url = request.url ?? ''
    same.headers = { ...request.headers, 'content-length': String(Buffer.byteLength(body)) }
    // Else its end would be taken for that of the connection.
    same.complete = true
    same.push(body)
    same.push(null)
    return same
  }

  async function endAsked(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const bearer = request.headers.authorization?.replace(/^Bearer /, '') ?? ''
    const id = await tokens.idOf(bearer)
    const token = await provider.ClientCredentials.find(id)
    const may = token?.isValid === true && token.aud === DELEGATIONS && token.scopes.has('delegations:end')
    if (!may || token.clientId === undefined) return void response.writeHead(403).end()
    const { user } = JSON.parse(await textOf(request)) as { user?: string }
    grants.end({ client: token.clientId, ...(user === undefined ? {} : { user }) })
    response.writeHead(204).end()
  }

  return {
    issuer,
    agent: { id: AGENT, key: agent.privateKey },
    otherAgent: { id: OTHER_AGENT, key: other.privateKey },
    asked,
    async signIn(user, { act, scopes = ['orders:read', 'orders:write'] } = {}) {
      const client = await provider.Client.find(FRONT_END)
      if (client === undefined || !Object.hasOwn(world.users, user))
        throw new Error(`Nobody is called ${user}.`)
      const { value } = await tokens.issue(provider, {
        client,
        user,
        resource: FRONT_END_API,
        server: { scopes, seconds: 3600 },
        scopes,
        ...(act === undefined ? {} : { mayAct: { sub: act } }),
      })
      return value
    },
    consent: (consent) => grants.add(consent),
    endDelegation: grants.end,
    allowAgain: grants.allowAgain,
    async answerBackchannel(id, isYes) {
      const request = await provider.BackchannelAuthenticationRequest.find(id)
      if (request === undefined) throw new Error('No such request waits.')
      if (!isYes)
        return await provider.backchannelResult(request, new errors.AccessDenied('The user said no.'))
      const { accountId, clientId } = request
      const grant = new provider.Grant({ accountId, ...(clientId === undefined ? {} : { clientId }) })
      grant.addOIDCScope('openid')
      for (const resource of [request.params?.['resource'] ?? []].flat() as string[])
        grant.addResourceScope(resource, [...(request.scopes ?? [])])
      await provider.backchannelResult(request, await grant.save())
    },
    misbehave(how) {
      wrong = how
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => {
        http.close(resolve)
      })
      http.closeAllConnections()
      await closed
    },
  }
}

function record(params: Readonly<Record<string, unknown>>): Asked {
  const { grant_type, ...others } = params
  const shown = Object.entries(others).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, SECRET.has(name) ? '[secret]' : [value].flat().join(' ')]],
  )
  return { grant: String(grant_type), params: Object.fromEntries(shown) }
}

async function newKey(kid: string): Promise<SigningKey> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  return { ...pair, jwk: { ...(await exportJWK(pair.privateKey)), kid, alg: 'ES256', use: 'sig' } }
}

function publicOf({ jwk }: SigningKey): JWK {
  const { kty = '', crv = '', x = '', y = '', kid, alg } = jwk
  return { kty, crv, x, y, kid, alg, use: 'sig' }
}
