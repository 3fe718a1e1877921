import { createHmac, createPublicKey } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  base64url,
  type CryptoKey,
  decodeJwt,
  exportJWK,
  exportSPKI,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  jwtVerify,
  SignJWT,
} from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Secret } from '../credentials/secret.ts'
import { type JwtSubjectOptions, subjectFromJwt } from './jwt-subject.ts'

const ISSUER = 'https://id.example'
const AUDIENCE = 'https://desk.example'
const NOW = new Date('2030-05-01T12:00:00.000Z')
const SECONDS = NOW.getTime() / 1000
const signal = new AbortController().signal

let own: { privateKey: CryptoKey; publicKey: CryptoKey }
let other: typeof own
let keys: JWK[] = []
let issuer: KeyServer
let evil: KeyServer

interface KeyServer {
  readonly url: string
  readonly server: Server
  asked: number
  answer: (() => { status: number; body: string } | 'never') | undefined
}

async function keyServer(jwks: () => JWK[]): Promise<KeyServer> {
  const server = createServer((_, response) => {
    made.asked += 1
    const answer = made.answer?.() ?? { status: 200, body: JSON.stringify({ keys: jwks() }) }
    if (answer === 'never') return
    response.writeHead(answer.status, { 'content-type': 'application/json', location: evil.url })
    response.end(answer.body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const made: KeyServer = { url: `http://127.0.0.1:${port}/jwks`, server, asked: 0, answer: undefined }
  return made
}

beforeAll(async () => {
  own = await generateKeyPair('RS256', { extractable: true })
  other = await generateKeyPair('RS256', { extractable: true })
  const evilKey = { ...(await exportJWK(other.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }
  evil = await keyServer(() => [evilKey])
  issuer = await keyServer(() => keys)
})
beforeEach(async () => {
  keys = [{ ...(await exportJWK(own.publicKey)), kid: 'k1', alg: 'RS256', use: 'sig' }]
  issuer.asked = 0
  issuer.answer = undefined
  evil.asked = 0
})
afterAll(() => {
  for (const { server } of [issuer, evil]) {
    server.closeAllConnections()
    server.close()
  }
})

const check = (more: Partial<JwtSubjectOptions> = {}) =>
  subjectFromJwt({ issuer: ISSUER, audience: AUDIENCE, jwks: issuer.url, now: () => NOW, ...more })

const CLAIMS: JWTPayload = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', iat: SECONDS - 60, exp: SECONDS + 300 }
const HEADER = { alg: 'RS256', kid: 'k1', typ: 'at+jwt' }

const signed = (claims: JWTPayload = {}, header: object = {}, key: CryptoKey | Uint8Array = own.privateKey) =>
  new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader({ ...HEADER, ...header }).sign(key)

const REFUSED = { code: 'ERR_SUBJECT_INVALID', message: 'The token of the user was refused.' }

describe('a token that holds', () => {
  test('is the user, with how they proved it, and stays a secret', async () => {
    const token = await signed({ auth_time: SECONDS - 100, acr: 'mfa', amr: ['pwd', 'otp'] })
    const subject = await check()(token, { signal })
    expect(subject).toEqual({
      principal: { subject: 'user:alice' },
      authentication: {
        kind: 'jwt',
        issuer: ISSUER,
        at: new Date((SECONDS - 100) * 1000),
        acr: 'mfa',
        amr: ['pwd', 'otp'],
      },
      subjectToken: expect.any(Secret) as Secret,
    })
    expect(subject.subjectToken?.reveal()).toBe(token)
    expect(JSON.stringify(subject)).not.toContain(token.slice(0, 20))
  })

  test('ends no run, unless the application wants that of it', async () => {
    const token = await signed()
    expect((await check()(token, { signal })).authentication).not.toHaveProperty('until')
    const read = check({ endsWithToken: true })
    const { authentication } = await read(token, { signal })
    expect(authentication).toMatchObject({ until: new Date((SECONDS + 300) * 1000) })
    const endless = await signed({ exp: 1e16 })
    expect(await check()(endless, { signal })).toMatchObject({ principal: { subject: 'user:alice' } })
    await expect(read(endless, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('makes the principal that the application says, of checked claims', async () => {
    const read = check({ principal: ({ sub, org }) => ({ subject: `user:${sub}`, tenant: String(org) }) })
    const { principal } = await read(new Secret(await signed({ org: 'acme' })), { signal })
    expect(principal).toEqual({ subject: 'user:alice', tenant: 'acme' })
  })

  test('is read with keys that were fetched once', async () => {
    const read = check()
    for (let i = 0; i < 5; i += 1) await read(await signed(), { signal })
    expect(issuer.asked).toBe(1)
  })

  test('names whoever acted for the user before, if they may', async () => {
    const token = await signed({ act: { sub: 'agent:front' } })
    await expect(check()(token, { signal })).rejects.toMatchObject({ code: 'ERR_DELEGATION_INVALID' })
    const read = check({ delegation: { actors: ['agent:front'] } })
    expect(await read(token, { signal })).toMatchObject({ delegation: ['agent:front'] })
    const forged = await signed({ act: { sub: 'agent:root', act: { sub: 'agent:front' } } })
    await expect(read(forged, { signal })).rejects.toMatchObject({ code: 'ERR_DELEGATION_INVALID' })
  })
})

describe('a token is refused', () => {
  test.each<[string, JWTPayload, object?]>([
    ['for another audience', { aud: 'https://other.example' }],
    ['for an audience that only begins like ours', { aud: `${AUDIENCE}.evil.example` }],
    ['with no audience', { aud: undefined }],
    ['of another issuer', { iss: 'https://evil.example' }],
    ['of an issuer that is ours but for a slash', { iss: `${ISSUER}/` }],
    ['that does not say what it is', {}, { typ: undefined }],
    ['that has the claims of an ID token', { nonce: 'n' }],
    ['that is bound to a code', { c_hash: 'x' }],
    ['of nobody', { sub: undefined }],
    ['of a blank name', { sub: ' ' }],
    ['that never ends', { exp: undefined }],
    ['that never began', { iat: undefined }],
    ['that has expired, with a clock off by five minutes', { exp: SECONDS - 300 }],
    ['that is issued by a clock five minutes ahead', { iat: SECONDS + 300, exp: SECONDS + 900 }],
    ['that is not yet to be used', { nbf: SECONDS + 300 }],
    ['that expired beyond the tolerance', { exp: SECONDS - 6 }],
    ['that needs something we do not know', {}, { crit: ['exp2'], exp2: 1 }],
  ])('%s', async (_, claims, header) => {
    const token = await new SignJWT({ ...CLAIMS, ...claims })
      .setProtectedHeader({ ...HEADER, ...header })
      .sign(own.privateKey, { crit: { exp2: true } })
    await expect(check()(token, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('that is an ID token, though all else in it is as it should be', async () => {
    const token = await signed({}, { typ: 'JWT' })
    const naive = await jwtVerify(token, own.publicKey, {
      issuer: ISSUER,
      audience: AUDIENCE,
      currentDate: NOW,
    })
    expect(naive.payload.sub).toBe('alice')
    await expect(check()(token, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('only beyond the tolerance of the clocks, which is five seconds', async () => {
    const token = await signed({ exp: SECONDS - 4 })
    expect((await check()(token, { signal })).principal.subject).toBe('user:alice')
    await expect(check({ clockToleranceMs: 0 })(token, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('older than the application takes', async () => {
    const token = await signed()
    await expect(check({ maxAgeMs: 10_000 })(token, { signal })).rejects.toMatchObject(REFUSED)
    expect(await check({ maxAgeMs: 120_000 })(token, { signal })).toBeDefined()
  })

  test.each(['', '..', 'x', 'a.b.c', 'eyJhbGciOiJub25lIn0..', 'x'.repeat(100_000)])(
    'that is none: %.20s',
    async (token) => {
      await expect(check()(token, { signal })).rejects.toMatchObject(REFUSED)
      await expect(check()({} as string, { signal })).rejects.toMatchObject(REFUSED)
    },
  )
})

describe('attacks on the signature', () => {
  const part = (value: object): string => base64url.encode(JSON.stringify(value))

  test.each(['none', 'None', 'NONE', 'nOnE', ''])('alg %s: a token that nobody signed', async (alg) => {
    const bare = `${part({ ...HEADER, alg })}.${part(CLAIMS)}.`
    // It reads as well as a good one to whoever only decodes.
    expect(decodeJwt(bare)).toMatchObject({ sub: 'alice' })
    await expect(check()(bare, { signal })).rejects.toMatchObject(REFUSED)
    const real = await signed()
    await expect(check()(`${bare}${real.split('.')[2]}`, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('a public key taken for a shared one', async () => {
    const spki = await exportSPKI(own.publicKey)
    const input = `${part({ ...HEADER, alg: 'HS256' })}.${part({ ...CLAIMS, sub: 'root' })}`
    for (const secret of [
      spki,
      spki.trimEnd(),
      createPublicKey(spki).export({ type: 'pkcs1', format: 'pem' }),
    ]) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url')
      const forged = `${input}.${mac}`
      // Whoever takes the algorithm from the token and the key from the issuer finds it good.
      const naive = await jwtVerify(forged, Buffer.from(secret), { currentDate: NOW })
      expect(naive.payload.sub).toBe('root')
      await expect(check()(forged, { signal })).rejects.toMatchObject(REFUSED)
    }
  })

  test('an issuer’s list that holds a shared key makes none of it count', async () => {
    const secret = new TextEncoder().encode('a'.repeat(32))
    keys = [{ kty: 'oct', k: base64url.encode(secret), kid: 'k1', alg: 'HS256' }]
    await expect(check()(await signed({}, { alg: 'HS256' }, secret), { signal })).rejects.toMatchObject(
      REFUSED,
    )
  })

  test('a key of another issuer under the same id, and addresses of keys in the token', async () => {
    const jwk = await exportJWK(other.publicKey)
    const headers = [{}, { jku: evil.url }, { x5u: evil.url }, { jwk }, { jku: evil.url, jwk, x5u: evil.url }]
    for (const header of headers) {
      const token = await signed({}, header, other.privateKey)
      await expect(check()(token, { signal })).rejects.toMatchObject(REFUSED)
    }
    // The same key is good where it belongs, so that only the source of keys refused it.
    expect(await check({ jwks: evil.url })(await signed({}, {}, other.privateKey), { signal })).toBeDefined()
    expect(evil.asked).toBe(1)
  })

  test('a token changed after it was signed', async () => {
    const [head, , tail] = (await signed()).split('.')
    const changed = `${head}.${part({ ...CLAIMS, sub: 'root' })}.${tail}`
    await expect(check()(changed, { signal })).rejects.toMatchObject(REFUSED)
  })

  test('another algorithm than those that were agreed', async () => {
    const read = check({ algorithms: ['ES256'] })
    await expect(read(await signed(), { signal })).rejects.toMatchObject(REFUSED)
  })
})

describe('the issuer of the keys', () => {
  const UNAVAILABLE = { code: 'ERR_SUBJECT_UNAVAILABLE' }

  test.each<[string, KeyServer['answer']]>([
    ['is broken', () => ({ status: 500, body: '' })],
    ['answers nonsense', () => ({ status: 200, body: '<html>' })],
    ['answers with no list', () => ({ status: 200, body: '{"keys":1}' })],
    ['sends us elsewhere', () => ({ status: 302, body: '' })],
    ['does not answer', () => 'never'],
  ])('%s: nobody is let in', async (_, answer) => {
    issuer.answer = answer
    await expect(check({ timeoutMs: 200 })(await signed(), { signal })).rejects.toMatchObject(UNAVAILABLE)
    expect(evil.asked).toBe(0)
  })

  test('is not there: nobody is let in', async () => {
    const read = check({ jwks: 'http://127.0.0.1:1/jwks' })
    await expect(read(await signed(), { signal })).rejects.toMatchObject(UNAVAILABLE)
  })

  test('holds nobody past their own signal', async () => {
    issuer.answer = () => 'never'
    const stop = new AbortController()
    const waiting = check()(await signed(), { signal: stop.signal })
    stop.abort(new Error('stopped'))
    await expect(waiting).rejects.toThrow('stopped')
  })

  test('takes a key out: what it signed is refused once the keys are old', async () => {
    const read = check({ keysMaxAgeMs: 1, keysCooldownMs: 1 })
    await read(await signed(), { signal })
    keys = [{ ...(await exportJWK(other.publicKey)), kid: 'k2', alg: 'RS256', use: 'sig' }]
    await expect
      .poll(async () =>
        read(await signed(), { signal }).then(
          () => 'good',
          ({ code }: { code: string }) => code,
        ),
      )
      .toBe('ERR_SUBJECT_INVALID')
  })
})

test.each<[string, Partial<JwtSubjectOptions>]>([
  ['issuer', { issuer: '' }],
  ['audience', { audience: [] }],
  ['audience', { audience: '' }],
  ['typ', { typ: '' }],
  ['algorithms', { algorithms: [] }],
  ['algorithms', { algorithms: ['none'] }],
  ['algorithms', { algorithms: ['RS256', 'HS256'] }],
  ['clockToleranceMs', { clockToleranceMs: 300_000 }],
  ['clockToleranceMs', { clockToleranceMs: Number.NaN }],
  ['maxAgeMs', { maxAgeMs: 0 }],
  ['timeoutMs', { timeoutMs: 0 }],
  ['jwks', { jwks: 'http://id.example/jwks' }],
  ['jwks', { jwks: 'http://127.0.0.1.evil.example/jwks' }],
  ['jwks', { jwks: 'no address' }],
])('a check that would let too much through is not made: %s', (key, options) => {
  expect(() => check(options)).toThrow(new RegExp(`^${key}: expected`))
})
