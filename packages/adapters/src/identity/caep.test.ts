import { createServer } from 'node:http'
import { createGuard, type Guard, type HaltScope } from '@gatewright/runtime'
import { Secret } from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore, type Store } from '@gatewright/runtime/store'
import {
  type CryptoKey,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JSONWebKeySet,
  type JWTPayload,
  SignJWT,
} from 'jose'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { caepReceiver, type CaepOptions, SESSION_REVOKED } from './caep.ts'

const ISSUER = 'https://id.example'
const AUDIENCE = 'https://shop.example/events'
const ALICE = { format: 'iss_sub', iss: ISSUER, sub: 'alice' }

let clock = Date.now()
let keys: { privateKey: CryptoKey; publicKey: CryptoKey }
let jwks: JSONWebKeySet
let guard: Guard
let store: Store

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  jwks = { keys: [{ ...(await exportJWK(keys.publicKey)), kid: 'k1', alg: 'ES256' }] }
})
beforeEach(() => {
  clock = Date.now()
  store = memoryStore({ now: () => new Date(clock) })
  guard = createGuard({
    agent: { id: 'support', version: '1.0.0', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
  })
})

interface Sent {
  readonly payload?: JWTPayload
  readonly header?: Record<string, unknown>
  readonly key?: CryptoKey | Uint8Array
  readonly headers?: Record<string, string>
  readonly type?: string
}

async function eventToken({ payload = {}, header = {}, key }: Sent = {}): Promise<string> {
  return await new SignJWT({
    iss: ISSUER,
    aud: AUDIENCE,
    iat: Math.floor(clock / 1000),
    jti: crypto.randomUUID(),
    sub_id: ALICE,
    events: { [SESSION_REVOKED]: { event_timestamp: 1 } },
    ...payload,
  })
    .setProtectedHeader({ alg: 'ES256', typ: 'secevent+jwt', kid: 'k1', ...header })
    .sign(key ?? keys.privateKey)
}

function receiver(changes: Partial<CaepOptions> = {}): (body: string, sent?: Sent) => Promise<Response> {
  const receive = caepReceiver({
    issuer: ISSUER,
    jwks,
    audience: AUDIENCE,
    guard,
    store,
    now: () => new Date(clock),
    ...changes,
  })
  return async (body, { headers = {}, type = 'application/secevent+jwt' } = {}) =>
    receive(
      new Request('https://shop.example/events', {
        method: 'POST',
        body,
        headers: { 'content-type': type, ...headers },
      }),
    )
}

const halted = (): HaltScope[] => guard.halts().map(({ scope }) => scope)

describe('an event that a session was revoked', () => {
  test('halts its user, and nobody else', async () => {
    const response = await receiver()(await eventToken())
    expect(response.status).toBe(202)
    expect(await response.text()).toBe('')
    expect(halted()).toEqual([{ user: 'user:alice' }])
    await expect(guard.startRun({ principal: { subject: 'user:alice' } })).rejects.toMatchObject({
      code: 'ERR_HALTED',
    })
    await using run = await guard.startRun({ principal: { subject: 'user:bob' } })
    expect(run).toBeDefined()
  })

  test.each([
    [
      'in the event, as drafts had it',
      { sub_id: undefined, events: { [SESSION_REVOKED]: { subject: ALICE } } },
    ],
    [
      'as the user of a complex subject',
      { sub_id: { format: 'complex', user: ALICE, session: { format: 'opaque', id: 's' } } },
    ],
  ])('names the user %s', async (_, payload) => {
    expect((await receiver()(await eventToken({ payload }))).status).toBe(202)
    expect(halted()).toEqual([{ user: 'user:alice' }])
  })

  test('may name users in a way of its own', async () => {
    const receive = receiver({
      user: ({ format, email }) =>
        format === 'email' && email === 'alice@shop.example' ? 'user:alice' : undefined,
    })
    const payload = { sub_id: { format: 'email', email: 'alice@shop.example' } }
    expect((await receive(await eventToken({ payload }))).status).toBe(202)
    expect(halted()).toEqual([{ user: 'user:alice' }])
  })

  test('of another kind is acknowledged, and halts nobody', async () => {
    const events = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } }
    expect((await receiver()(await eventToken({ payload: { events } }))).status).toBe(202)
    expect(halted()).toEqual([])
  })

  test('that comes again changes nothing: who was resumed stays so', async () => {
    const receive = receiver()
    const token = await eventToken()
    await receive(token)
    await guard.resume({ user: 'user:alice' }, { by: 'user:robin', reason: 'a new session' })
    expect((await receive(token)).status).toBe(202)
    expect(halted()).toEqual([])
    // As another process would, that shares the store.
    expect((await receiver()(token)).status).toBe(202)
    expect(halted()).toEqual([])
    expect((await receive(await eventToken())).status).toBe(202)
    expect(halted()).toHaveLength(1)
  })

  test('that is replayed when nobody remembers it any more is too old', async () => {
    const receive = receiver({ maxAgeMs: 60_000 })
    const token = await eventToken()
    await receive(token)
    await guard.resume({ user: 'user:alice' }, { by: 'user:robin', reason: 'a new session' })
    clock += 60_000 + 300_000 + 1000
    expect((await receive(token)).status).toBe(400)
    expect(halted()).toEqual([])
  })

  test('is not acknowledged while the halt does not stand, and works when it comes again', async () => {
    let isDown = true
    const flaky: Pick<Guard, 'halt'> = {
      async halt(scope, why) {
        if (isDown) throw new Error('the store is down')
        return await guard.halt(scope, why)
      },
    }
    const receive = receiver({ guard: flaky })
    const token = await eventToken()
    expect((await receive(token)).status).toBe(503)
    isDown = false
    expect((await receive(token)).status).toBe(202)
    expect(halted()).toHaveLength(1)
  })
})

describe('what is no such event halts nobody', () => {
  const forged = async (sent: Sent): Promise<string> => eventToken(sent)
  const unsigned = (): string => {
    const part = (json: object): string => Buffer.from(JSON.stringify(json)).toString('base64url')
    const payload = {
      iss: ISSUER,
      aud: AUDIENCE,
      iat: Math.floor(clock / 1000),
      jti: 'x',
      sub_id: ALICE,
      events: { [SESSION_REVOKED]: {} },
    }
    return `${part({ alg: 'none', typ: 'secevent+jwt' })}.${part(payload)}.`
  }

  test.each<[string, () => Promise<string> | string, string]>([
    ['with no signature (alg: none)', unsigned, 'invalid_request'],
    [
      'signed with the public key as a secret (HS256)',
      async () =>
        forged({ header: { alg: 'HS256' }, key: new TextEncoder().encode(await exportSPKI(keys.publicKey)) }),
      'invalid_request',
    ],
    [
      "signed with somebody else's key",
      async () => forged({ key: (await generateKeyPair('ES256')).privateKey }),
      'invalid_key',
    ],
    [
      'with a key that it brings along itself',
      async () => {
        const own = await generateKeyPair('ES256', { extractable: true })
        return forged({
          key: own.privateKey,
          header: { jwk: await exportJWK(own.publicKey), jku: 'https://evil.example', kid: 'k2' },
        })
      },
      'invalid_key',
    ],
    ['that is an access token', async () => forged({ header: { typ: 'at+jwt' } }), 'invalid_request'],
    ['that is a JWT of no type', async () => forged({ header: { typ: undefined } }), 'invalid_request'],
    [
      'for another audience',
      async () => forged({ payload: { aud: 'https://other.example' } }),
      'invalid_audience',
    ],
    ['of another issuer', async () => forged({ payload: { iss: 'https://evil.example' } }), 'invalid_issuer'],
    ['with no id', async () => forged({ payload: { jti: undefined } }), 'invalid_request'],
    ['with no time', async () => forged({ payload: { iat: undefined } }), 'invalid_request'],
    [
      'from the future',
      async () => forged({ payload: { iat: Math.floor(clock / 1000) + 3600 } }),
      'invalid_request',
    ],
    ['about nobody', async () => forged({ payload: { sub_id: undefined } }), 'invalid_request'],
    [
      "about another issuer's user of the same name",
      async () => forged({ payload: { sub_id: { ...ALICE, iss: 'https://other.example' } } }),
      'invalid_request',
    ],
    [
      'with events that are none',
      async () => forged({ payload: { events: [SESSION_REVOKED] } }),
      'invalid_request',
    ],
    ['that is longer than any event', () => 'x'.repeat(70_000), 'invalid_request'],
    ['that is nothing', () => '', 'invalid_request'],
  ])('%s', async (_, token, err) => {
    const response = await receiver()(await token())
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ err })
    expect(halted()).toEqual([])
  })

  test('sent as something else, or without the authorization that was agreed', async () => {
    const token = await eventToken()
    expect((await receiver()(token, { type: 'application/json' })).status).toBe(400)
    const receive = receiver({ authorization: new Secret('Bearer agreed') })
    expect((await receive(token)).status).toBe(401)
    expect((await receive(token, { headers: { authorization: 'Bearer guessed' } })).status).toBe(401)
    expect(halted()).toEqual([])
    expect((await receive(token, { headers: { authorization: 'Bearer agreed' } })).status).toBe(202)
  })
})

test('keys are fetched from the issuer, and while they are out of reach nothing is acknowledged', async () => {
  let isUp = false
  const http = createServer((_, response) => {
    if (isUp) response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks))
    else response.writeHead(500).end()
  })
  await new Promise<void>((resolve) => {
    http.listen(0, '127.0.0.1', resolve)
  })
  const { port } = http.address() as { port: number }
  const receive = receiver({ jwks: `http://127.0.0.1:${port}/jwks`, dangerouslyAllowLoopback: true })
  const token = await eventToken()
  expect((await receive(token)).status).toBe(503)
  isUp = true
  expect((await receive(token)).status).toBe(202)
  http.closeAllConnections()
  http.close()
})

test('options that are not safe do not start', () => {
  expect(() => receiver({ jwks: 'http://id.example/jwks' })).toThrow(/jwks: expected/)
  expect(() => receiver({ algorithms: ['HS256'] })).toThrow(/algorithms: expected/)
  expect(() => receiver({ issuer: '' })).toThrow(/issuer: expected/)
  expect(() => receiver({ maxAgeMs: Number.NaN })).toThrow(/maxAgeMs/)
})
