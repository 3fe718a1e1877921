import {
  type AuthorizationServer,
  CALLBACK,
  openAuthorizationServer,
  openBrowser,
} from '@gatewright/example-authorization-server'
import { type CredentialRequest, CredentialError, Secret } from '@gatewright/runtime/credentials'
import { memoryStore } from '@gatewright/runtime/store'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Consent, consent, type ConsentAsked, type ConsentOptions } from './consent.ts'
import { privateKeyJwt, tokenExchange } from './token-exchange.ts'

const never = new AbortController().signal
const ALICE = { user: 'alice', password: 'tea', answer: 'yes' } as const
const BOB = { user: 'bob', password: 'coffee', answer: 'yes' } as const
const PROFILE = 'https://profile.example/'

let server: AuthorizationServer
let asked: ConsentAsked[] = []
let clock = Date.now()

// A server remembers what a user agreed to, whatever becomes of its answer: each test has one of its own.
beforeEach(async () => {
  server = await openAuthorizationServer()
  asked = []
  clock = Date.now()
})
afterEach(async () => server[Symbol.asyncDispose]())

function consentWith(options: Partial<ConsentOptions> = {}): Consent {
  const { issuer, agent } = server
  return consent({
    client: {
      issuer,
      client: agent.id,
      authentication: privateKeyJwt(agent.key, { kid: agent.id }),
      dangerouslyAllowLoopback: true,
    },
    store: memoryStore({ now: () => new Date(clock) }),
    redirectUri: CALLBACK,
    onLink: (one) => void asked.push(one),
    now: () => new Date(clock),
    ...options,
  })
}

async function obtain(of: Consent, user = 'alice', signal = never): Promise<unknown> {
  const { issuer, agent } = server
  const driver = of.for(
    tokenExchange({
      issuer,
      client: agent.id,
      authentication: privateKeyJwt(agent.key, { kid: agent.id }),
      dangerouslyAllowLoopback: true,
    }),
  )
  const request: CredentialRequest = {
    audience: PROFILE,
    scopes: ['profile:read'],
    subject: `user:${user}`,
    subjectToken: new Secret(await server.signIn(user)),
    actor: 'agent:support@1.0.0',
    delegation: [],
    tenant: undefined,
    run: 'run-1',
    session: 'session-1',
    tool: 'readProfile',
  }
  return await driver.obtain(request, { signal }).catch((error: unknown) => error)
}

/** A call that is not allowed yet: the link, as the developer gets it. */
async function linkOf(of: Consent, user = 'alice'): Promise<string> {
  const error = await obtain(of, user)
  if (!(error instanceof CredentialError) || error.link === undefined) throw new Error('There is no link.')
  return error.link
}

/** What the browser comes back with, opened by whoever is signed in there. */
async function back(of: Consent, url: string, user: `user:${string}` = 'user:alice'): Promise<number> {
  return (await of.callback(new Request(url), user)).status
}

describe('asking a user', () => {
  test('a call fails with a link, the user agrees, and the next call gets its token', async () => {
    const asking = consentWith()
    const error = await obtain(asking)
    expect(error).toMatchObject({ code: 'ERR_CONSENT_REQUIRED' })
    const { link = '' } = error as CredentialError
    expect(asked).toMatchObject([{ subject: 'user:alice', run: 'run-1', session: 'session-1', link }])
    // Not where the model, a log or a record would see it.
    expect(`${JSON.stringify(error)} ${String(error)} ${(error as Error).stack}`).not.toContain(
      'code_challenge',
    )
    const { searchParams } = new URL(link)
    expect(Object.fromEntries(searchParams)).toMatchObject({
      response_type: 'code',
      scope: 'openid profile:read',
      resource: PROFILE,
      code_challenge_method: 'S256',
    })
    const returned = await openBrowser().answer(link, ALICE)
    // RFC 9207: the response names its issuer.
    expect(new URL(returned).searchParams.get('iss')).toBe(server.issuer)
    expect(await back(asking, returned)).toBe(200)
    expect(await obtain(asking)).toMatchObject({ scopes: ['profile:read'], claims: { sub: 'alice' } })
  })

  test('a call that waits goes on once the user has agreed, in whichever process they come back to', async () => {
    const store = memoryStore({ now: () => new Date(clock) })
    const linked = Promise.withResolvers<string>()
    const asking = consentWith({ store, waitMs: 10_000, onLink: ({ link }) => linked.resolve(link) })
    const waiting = obtain(asking)
    const elsewhere = consentWith({ store })
    expect(await back(elsewhere, await openBrowser().answer(await linked.promise, ALICE))).toBe(200)
    expect(await waiting).toMatchObject({ scopes: ['profile:read'] })
  })

  test('a user who says no is not asked to wait for, and the call is refused', async () => {
    const linked = Promise.withResolvers<string>()
    const asking = consentWith({ waitMs: 10_000, onLink: ({ link }) => linked.resolve(link) })
    const waiting = obtain(asking)
    const returned = await openBrowser().answer(await linked.promise, { ...ALICE, answer: 'no' })
    expect(await back(asking, returned)).toBe(200)
    expect(await waiting).toMatchObject({ code: 'ERR_CREDENTIAL', reason: 'access_denied' })
  })

  test('nobody comes: the call fails at its deadline, with the link', async () => {
    const error = await obtain(consentWith({ waitMs: 30 }))
    expect(error).toMatchObject({ code: 'ERR_CONSENT_REQUIRED' })
    expect((error as CredentialError).link).toContain('/auth?')
  })

  test('a halt ends the waiting', async () => {
    const stop = new AbortController()
    const reason = new Error('halted')
    const asking = consentWith({ waitMs: 10_000, onLink: () => stop.abort(reason) })
    expect(await obtain(asking, 'alice', stop.signal)).toBe(reason)
  })

  test('what has to be met by the user goes into the link', async () => {
    const asking = consentWith()
    const body = JSON.stringify({ error: 'interaction_required', claims: '{"acr":"2"}' })
    server.misbehave({ instead: { status: 400, type: 'application/json', body } })
    const error = await obtain(asking)
    server.misbehave({})
    expect(error).toMatchObject({ code: 'ERR_INTERACTION_REQUIRED', claims: '{"acr":"2"}' })
    expect(new URL((error as CredentialError).link ?? '').searchParams.get('claims')).toBe('{"acr":"2"}')
  })
})

describe('a link in the wrong hands', () => {
  test('is no use to another user who is signed in to the application, though they consent as themselves', async () => {
    const asking = consentWith()
    const returned = await openBrowser().answer(await linkOf(asking), BOB)
    expect(await back(asking, returned, 'user:bob')).toBe(403)
  })

  test('is no use in the browser of the right user, with another one at the server', async () => {
    const asking = consentWith()
    const returned = await openBrowser().answer(await linkOf(asking), BOB)
    expect(await back(asking, returned, 'user:alice')).toBe(403)
    expect(await obtain(asking)).toMatchObject({ code: 'ERR_CONSENT_REQUIRED' })
  })

  test('works once', async () => {
    const asking = consentWith()
    const returned = await openBrowser().answer(await linkOf(asking), ALICE)
    expect(await back(asking, returned)).toBe(200)
    expect(await back(asking, returned)).toBe(400)
  })

  test('works for as long as it lasts', async () => {
    const asking = consentWith({ lastsMs: 60_000 })
    const returned = await openBrowser().answer(await linkOf(asking), ALICE)
    clock += 60_001
    expect(await back(asking, returned)).toBe(400)
  })
})

describe('a response that is not the answer to the request', () => {
  test.each<[string, (params: URLSearchParams) => void]>([
    ['with a made-up state', (params) => params.set('state', 'made-up')],
    ['without a state', (params) => params.delete('state')],
    ['of another issuer (RFC 9207)', (params) => params.set('iss', 'https://id.example')],
    ['that does not say its issuer', (params) => params.delete('iss')],
    ['with a code that was made up', (params) => params.set('code', 'made-up')],
    ['with a token in place of a code', (params) => (params.delete('code'), params.set('access_token', 'x'))],
  ])('%s is refused', async (_, change) => {
    const asking = consentWith()
    const returned = new URL(await openBrowser().answer(await linkOf(asking), { ...ALICE, answer: 'yes' }))
    change(returned.searchParams)
    const { status, text } = await asking
      .callback(new Request(returned), 'user:alice')
      .then(async (response) => ({
        status: response.status,
        text: await response.text(),
      }))
    expect(status).toBe(400)
    expect(text).not.toMatch(/made-up|id\.example/)
  })

  test("the code of one user's link does not answer another one's", async () => {
    const asking = consentWith()
    const [alice, bob] = [await linkOf(asking), await linkOf(asking, 'bob')]
    const stolen = new URL(await openBrowser().answer(bob, BOB)).searchParams.get('code') ?? ''
    const returned = new URL(await openBrowser().answer(alice, ALICE))
    returned.searchParams.set('code', stolen)
    // PKCE: the code belongs to the other verifier.
    expect(await back(asking, returned.href)).toBe(400)
  })

  test('any other request is refused', async () => {
    const asking = consentWith()
    const returned = await openBrowser().answer(await linkOf(asking), ALICE)
    const post = new Request(returned, { method: 'POST', body: 'x' })
    expect((await asking.callback(post, 'user:alice')).status).toBe(400)
    expect(await back(asking, returned.replace('/callback', '/other'))).toBe(400)
  })
})

test('a configuration that is not safe does not start', () => {
  expect(() => consentWith({ redirectUri: 'http://shop.example/callback' })).toThrow(
    /redirectUri: expected an https/,
  )
  expect(() => consentWith({ lastsMs: 10, waitMs: 20 })).toThrow(/waitMs/)
})
