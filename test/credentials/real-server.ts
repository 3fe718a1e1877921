import {
  privateKeyJwt,
  tokenExchange,
  type TokenExchangeOptions,
} from '@gatewright/adapters/identity/token-exchange'
import {
  type AuthorizationServer,
  type AuthorizationServerOptions,
  openAuthorizationServer,
  openOrdersApi,
  type OrdersApi,
  SHOP,
  requestOf,
} from '@gatewright/example-authorization-server'
import { createGuard, type Guard } from '@gatewright/runtime'
import {
  type CallCredential,
  createCredentials,
  type CredentialRequest,
  type Credentials,
  type CredentialsOptions,
  Secret,
  type TokenIssuer,
} from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'

/** An authorization server, two APIs that take its tokens, and an agent with the tokens of its calls. */
export interface World extends AsyncDisposable {
  readonly server: AuthorizationServer
  readonly orders: OrdersApi
  /** Another API of the same server, which has nothing to do with the agent. */
  readonly other: OrdersApi
  readonly issuer: TokenIssuer
  readonly credentials: Credentials
  readonly guard: Guard
  /** Every token that the server gave, in order, as somebody on the wire would have them. */
  readonly given: readonly string[]
  request(changes?: Partial<CredentialRequest>): Promise<CredentialRequest>
  /** What a call would get. */
  issue(changes?: Partial<CredentialRequest>): Promise<CallCredential>
  isActive(token: string): Promise<boolean>
  /** Ask an API as a tool would, with nothing in between. */
  ask(token: string, order: string, api?: OrdersApi): Promise<number>
}

export interface WorldOptions {
  readonly server?: AuthorizationServerOptions
  readonly issuer?: Partial<TokenExchangeOptions>
  readonly credentials?: Partial<CredentialsOptions>
}

export const never: AbortSignal = new AbortController().signal

export async function openWorld(options: WorldOptions = {}): Promise<World> {
  const [orders, other] = await Promise.all([openOrdersApi(), openOrdersApi()])
  const scopes = ['orders:read', 'orders:write', 'orders:admin']
  const server = await openAuthorizationServer({
    resources: { [orders.url]: { scopes }, [other.url]: { scopes } },
    users: {
      ...SHOP.users,
      // She could, and has not been asked to.
      alice: { password: 'tea', scopes },
    },
    consents: ['alice', 'bob'].map((user) => ({ user, resource: orders.url, scopes })),
    ...options.server,
  })
  for (const api of [orders, other]) api.trust(server.issuer)
  const given: string[] = []
  const watching: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    if (String(url).endsWith('/token')) {
      const answer = (await response
        .clone()
        .json()
        .catch(() => ({}))) as { access_token?: unknown }
      if (typeof answer.access_token === 'string') given.push(answer.access_token)
    }
    return response
  }
  const issuer = tokenExchange({
    issuer: server.issuer,
    client: server.agent.id,
    authentication: privateKeyJwt(server.agent.key, { kid: server.agent.id }),
    dangerouslyAllowLoopback: true,
    fetch: watching,
    async endDelegation({ subjects }) {
      for (const subject of subjects) server.endDelegation({ user: subject.slice('user:'.length) })
      return subjects.length > 0
    },
    ...options.issuer,
  })
  const credentials = createCredentials({ issuers: { [orders.url]: issuer }, ...options.credentials })
  const guard = createGuard({
    agent: { id: 'support', version: '1.0.0', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    credentials,
  })
  // One for each user: a login of its own would be a token of its own.
  const subjectTokens = new Map<string, Promise<Secret>>()

  async function request(changes: Partial<CredentialRequest> = {}): Promise<CredentialRequest> {
    const { subject = 'user:alice' } = changes
    const known = subjectTokens.get(subject)
    const signedIn = known ?? server.signIn(subject.slice('user:'.length)).then((token) => new Secret(token))
    subjectTokens.set(subject, signedIn)
    const subjectToken = await signedIn
    return await requestOf(server, { audience: orders.url, subjectToken, ...changes })
  }

  return {
    server,
    orders,
    other,
    issuer,
    credentials,
    guard,
    given,
    request,
    issue: async (changes) => credentials.issue(await request(changes), { signal: never }),
    async isActive(token) {
      const found = await issuer.introspect?.(new Secret(token), { signal: never })
      return found?.active ?? true
    },
    async ask(token, order, api = orders) {
      const response = await fetch(`${api.url}orders/${order}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      await response.body?.cancel()
      return response.status
    },
    async [Symbol.asyncDispose]() {
      await guard[Symbol.asyncDispose]()
      for (const one of [server, orders, other]) await one[Symbol.asyncDispose]()
    },
  }
}
