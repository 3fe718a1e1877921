import { privateKeyJwt, tokenExchange } from '@gatewright/adapters/identity/token-exchange'
import {
  type AuthorizationServer,
  DELEGATIONS,
  openAuthorizationServer,
  openOrdersApi,
  type OrdersApi,
  type Seen,
} from '@gatewright/example-authorization-server'
import { createGuard, type CredentialAccess, type Guard } from '@gatewright/runtime'
import { createCredentials, Secret, type TokenIssuer } from '@gatewright/runtime/credentials'
import { attributed, type Contracts, minted } from '@gatewright/runtime/contract'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { tool } from 'ai'
import { z } from 'zod'
import { createJournal, type Journal } from '../journal.ts'

export const ALICE = { subject: 'user:alice', timeZone: 'Europe/London', locale: 'en-GB' } as const
export const AGENT = { id: 'support', version: '1.0.0', expires: new Date('2100-01-01') } as const
const ACTOR = `agent:${AGENT.id}@${AGENT.version}` as const
const SCOPES = ['orders:read', 'orders:write', 'orders:admin']
const NEVER = new AbortController().signal

/** A real authorization server and the API of the orders, which takes its tokens and asks it about each one. */
export interface Orders extends AsyncDisposable {
  readonly server: AuthorizationServer
  readonly api: OrdersApi
  /** The agent as a client of the server. */
  readonly issuer: TokenIssuer
  /** Every token that the server gave, as somebody has them who listens. */
  readonly overheard: readonly string[]
  /** Whether a token opens the order to whoever has it. */
  opens(token: string, orderId: string): Promise<boolean>
}

export async function openOrders(): Promise<Orders> {
  const api = await openOrdersApi()
  const server = await openAuthorizationServer({
    resources: { [api.url]: { scopes: SCOPES } },
    consents: [{ user: 'alice', resource: api.url, scopes: ['orders:read', 'orders:write'] }],
  })
  const overheard: string[] = []
  const listening: typeof fetch = async (url, init) => {
    const response = await fetch(url, init)
    const { access_token: token } = (await response
      .clone()
      .json()
      .catch(() => ({}))) as { access_token?: string }
    if (token !== undefined) overheard.push(token)
    return response
  }
  const issuer = tokenExchange({
    issuer: server.issuer,
    client: server.agent.id,
    authentication: privateKeyJwt(server.agent.key, { kid: server.agent.id }),
    dangerouslyAllowLoopback: true,
    fetch: listening,
    // How this server has a delegation ended; each has its own way.
    async endDelegation({ subjects }, { signal }) {
      const token = await ownToken(server, DELEGATIONS, 'delegations:end')
      for (const subject of subjects) {
        const { ok } = await fetch(`${server.issuer}/delegations/end`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
          body: JSON.stringify({ user: subject.slice('user:'.length) }),
          signal,
        })
        if (!ok) throw new Error('The server did not end the delegation.')
      }
      return subjects.length > 0
    },
  })
  api.trust(server.issuer, {
    introspect: async (token) => {
      const found = await issuer.introspect?.(new Secret(token), { signal: NEVER })
      return found?.active === true
    },
  })
  return {
    server,
    api,
    issuer,
    overheard,
    async opens(token, orderId) {
      const { ok } = await fetch(`${api.url}orders/${orderId}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      return ok
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

/** A token of the agent itself, as services have them: for no user, and as wide as the agent is allowed to ask for. */
export async function ownToken(
  server: AuthorizationServer,
  resource: string,
  scope: string,
): Promise<string> {
  const { clientCredentials } = await import('@gatewright/adapters/identity/client-credentials')
  const own = clientCredentials({
    issuer: server.issuer,
    client: server.agent.id,
    authentication: privateKeyJwt(server.agent.key, { kid: server.agent.id }),
    dangerouslyAllowLoopback: true,
  })
  const { token } = await own.obtain(
    {
      audience: resource,
      scopes: [scope],
      subject: undefined,
      subjectToken: undefined,
      actor: ACTOR,
      delegation: [],
      tenant: undefined,
      run: 'none',
      session: undefined,
      tool: 'none',
    },
    { signal: NEVER },
  )
  return token.reveal()
}

export interface Wanted {
  readonly orderId: string
  readonly scope?: string | undefined
}

interface Order {
  readonly id: string
  readonly customer: string
  readonly total: string
  readonly notes: string
}

/** The tool, whichever way it asks the API. */
export function lookUpOrder(
  ask: (wanted: Wanted, credentials: CredentialAccess | undefined) => Promise<Response>,
) {
  return tool({
    description: 'Look up an order by its number.',
    inputSchema: z.object({ orderId: z.string(), scope: z.string().optional() }),
    async execute(wanted, options) {
      // Put there by the guard, for this call; the bare loop has none.
      const { credentials } = (options.context ?? {}) as { credentials?: CredentialAccess }
      const response = await ask(wanted, credentials)
      if (!response.ok) throw new Error(`The orders API refused it: ${response.status}.`)
      return [(await response.json()) as Order]
    },
  })
}

/** What a reviewer has to read. */
export function ordersContracts(api: OrdersApi): Contracts<{ lookUpOrder: ReturnType<typeof lookUpOrder> }> {
  return {
    lookUpOrder: {
      effect: 'read',
      operator: 'shop',
      result: {
        '*.id': minted('order'),
        '*.customer': attributed('*.customer'),
        '*.total': attributed('*.customer'),
        // The gift message is anyone's: left out, so that nobody is taken for its author.
      },
      credentials: {
        audience: api.url,
        // Careless on purpose: the model chooses. More than Alice has allowed the agent is not to be had.
        scopes: ({ scope }) => [scope ?? 'orders:read'],
      },
    },
  }
}

/** What is told of an agent under guard, and whose words it may trust. */
export function ordersJournal(): Journal {
  return createJournal(['developer', ALICE.subject, ACTOR, 'operator:shop'])
}

export function ordersGuard({ api, issuer }: Orders, journal: Journal): Guard {
  return createGuard({
    agent: AGENT,
    policy: policy({ version: '2025-07-01', rules: [permitContracted] }),
    trusted: ['operator:shop'],
    audit: { sink: journal },
    credentials: createCredentials({ issuers: { [api.url]: issuer } }),
    // On this machine alone: the API of the story runs in this process.
    network: { dangerouslyAllowInternal: [new URL(api.url).host] },
  })
}

/** What the API was shown, and what it said, for a person to read. */
export function seenText({ method, path, status, sub, act, scope }: Seen): string {
  const through = act === undefined ? 'with no word on who acts' : `through ${(act as { sub: string }).sub}`
  const who = sub === undefined ? 'nobody it knows' : `${sub}, ${through}, with ${scope ?? 'no scope'}`
  return `the API sees ${who}: ${method} ${path}, and says ${status}`
}
