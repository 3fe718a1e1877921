import { consent, type ConsentOptions } from '@gatewright/adapters/identity/consent'
import { privateKeyJwt, tokenExchange } from '@gatewright/adapters/identity/token-exchange'
import {
  CALLBACK,
  openAuthorizationServer,
  openBrowser,
  openOrdersApi,
} from '@gatewright/example-authorization-server'
import { type AuditEvent, createGuard, type CredentialAccess, guardAgent } from '@gatewright/runtime'
import { createCredentials, CredentialError, Secret } from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore } from '@gatewright/runtime/store'
import { callTool, say, type ScriptedModel, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { expect, test } from 'vitest'
import { z } from 'zod'

const ALICE = { subject: 'user:alice' } as const

interface Shop extends AsyncDisposable {
  /** One run of the agent, that looks up an order of Alice's. */
  ask(): Promise<ScriptedModel['prompts']>
  readonly callback: ReturnType<typeof consent>['callback']
  readonly links: string[]
  readonly events: AuditEvent[]
  /** What the application is given for the calls that failed. */
  readonly failures: unknown[]
  readonly statuses: () => number[]
}

/** An agent whose user has not agreed to anything yet. */
async function openShop(options: Partial<ConsentOptions>): Promise<Shop> {
  const api = await openOrdersApi()
  const server = await openAuthorizationServer({
    resources: { [api.url]: { scopes: ['orders:read'] } },
    consents: [],
  })
  api.trust(server.issuer)
  const client = {
    issuer: server.issuer,
    client: server.agent.id,
    authentication: privateKeyJwt(server.agent.key, { kid: server.agent.id }),
    dangerouslyAllowLoopback: true,
  }
  const [links, events, failures]: [string[], AuditEvent[], unknown[]] = [[], [], []]
  const asking = consent({
    client,
    store: memoryStore({ now: () => new Date() }),
    redirectUri: CALLBACK,
    ...options,
    async onLink(asked) {
      links.push(asked.link)
      await options.onLink?.(asked)
    },
  })
  const issuer = asking.for(tokenExchange(client))
  const guard = createGuard({
    agent: { id: 'support', version: '1.0.0', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: { write: (event) => void events.push(event) } },
    credentials: createCredentials({
      issuers: {
        [api.url]: issuer,
      },
      timeoutMs: 20_000,
    }),
    network: { dangerouslyAllowInternal: [new URL(api.url).host] },
  })
  return {
    links,
    events,
    failures,
    callback: asking.callback,
    statuses: () => api.seen.map(({ status }) => status),
    async ask() {
      const model = scriptedModel([callTool('lookUpOrder', { orderId: 'LT-20501' }), say('Done.')])
      const agent = guardAgent(guard, {
        model,
        tools: {
          lookUpOrder: tool({
            inputSchema: z.object({ orderId: z.string() }),
            async execute({ orderId }, { context }) {
              const { credentials } = context as unknown as { credentials: CredentialAccess }
              return await (await credentials.fetch(`${api.url}orders/${orderId}`)).text()
            },
          }),
        },
        contracts: {
          lookUpOrder: { effect: 'read', credentials: { audience: api.url, scopes: ['orders:read'] } },
        },
      })
      const subjectToken = new Secret(await server.signIn('alice'))
      await agent.generate({
        prompt: 'Look up LT-20501.',
        options: { principal: ALICE, subjectToken },
        onStepEnd({ content }) {
          for (const part of content) if (part.type === 'tool-error') failures.push(part.error)
        },
      })
      return model.prompts
    },
    async [Symbol.asyncDispose]() {
      await guard[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
      await api[Symbol.asyncDispose]()
    },
  }
}

const answering = { user: 'alice', password: 'tea', answer: 'yes' } as const

test('the link goes to the developer: neither the model nor a record holds anything of it', async () => {
  await using shop = await openShop({})
  const prompts = await shop.ask()
  const [link = ''] = shop.links
  const { searchParams, origin } = new URL(link)
  const told = JSON.stringify(prompts)
  expect(told).toContain('did not permit this call')
  const secrets = [
    origin,
    ...['state', 'nonce', 'code_challenge'].map((name) => searchParams.get(name) ?? ''),
  ]
  for (const secret of secrets) {
    expect(secret.length).toBeGreaterThan(10)
    expect(told).not.toContain(secret)
    expect(JSON.stringify(shop.events)).not.toContain(secret)
  }
  expect(shop.failures).toMatchObject([{ code: 'ERR_CONSENT_REQUIRED' }])
  expect((shop.failures[0] as CredentialError).link).toBe(link)
  expect(shop.statuses()).toEqual([])

  // She agrees in her own browser, and the next run has its token.
  const returned = await openBrowser().answer(link, answering)
  expect((await shop.callback(new Request(returned), ALICE.subject)).status).toBe(200)
  await shop.ask()
  expect(shop.statuses()).toEqual([200])
})

test('a call that waits for its user is made once they have agreed', async () => {
  const shop: Shop = await openShop({
    waitMs: 10_000,
    onLink: ({ link }) => {
      // In her browser, while the call waits.
      void openBrowser()
        .answer(link, answering)
        .then(async (returned) => shop.callback(new Request(returned), ALICE.subject))
    },
  })
  await using _ = shop
  const prompts = await shop.ask()
  expect(shop.statuses()).toEqual([200])
  expect(JSON.stringify(prompts.at(-1))).toContain('LT-20501')
  expect(shop.failures).toEqual([])
})
