import type { Alert, CredentialAccess } from '@gatewright/runtime'
import { Secret } from '@gatewright/runtime/credentials'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Api, openApi, openDesk, WAYS } from './desk.ts'

let api: Api
beforeEach(async () => {
  api = await openApi((message, response) => {
    if (message.url === '/401') response.writeHead(401).end()
    else if (message.url === '/nonce' && message.headers['dpop'] === 'proof of POST undefined')
      response.writeHead(401, { 'dpop-nonce': 'n-1' }).end()
    else if (message.url === '/echo') response.end(JSON.stringify(message.headers))
    else response.end('{"ok":true}')
  })
})
afterEach(() => api[Symbol.asyncDispose]())

describe('a tool', () => {
  test.for(WAYS)('sends its token to the server of its contract (%s)', async (way) => {
    await using desk = openDesk({ api })
    const told = await desk.call(
      async (credentials, { id }) => {
        const answer = await credentials.fetch(`${api.origin}/orders/${id}`, {
          method: 'POST',
          headers: { authorization: 'Bearer of-somebody-else', host: 'other.example', 'x-own': 'kept' },
          body: JSON.stringify({ id }),
        })
        return answer.json()
      },
      { way },
    )
    expect(told).toContain('"ok":true')
    const [token = ''] = desk.issuer.tokens.keys()
    expect(api.seen).toMatchObject([
      {
        method: 'POST',
        url: '/orders/o-17',
        body: '{"id":"o-17"}',
        headers: { authorization: `Bearer ${token}`, host: api.host, 'x-own': 'kept' },
      },
    ])
  })

  test('sends forms as forms', async () => {
    await using desk = openDesk({ api })
    await desk.call(async (credentials) => {
      await credentials.fetch(`${api.origin}/`, { method: 'POST', body: new URLSearchParams({ a: '1' }) })
      const form = new FormData()
      form.set('a', '1')
      await credentials.fetch(`${api.origin}/`, { method: 'POST', body: form })
    })
    expect(
      api.seen.map(({ headers, body }) => [headers['content-type']?.split(';')[0], body.length > 10]),
    ).toEqual([
      ['application/x-www-form-urlencoded;charset=UTF-8'.split(';')[0], false],
      ['multipart/form-data', true],
    ])
    expect(api.seen[0]?.body).toBe('a=1')
  })

  test('takes its token nowhere else: not to another server, and not along a redirect there', async () => {
    const away = await openApi()
    const redirecting = await openApi((_, response) =>
      response.writeHead(307, { location: `${away.origin}/steal` }).end(),
    )
    const alerts: Alert[] = []
    const guard = { limits: { alert: (one: Alert) => void alerts.push(one) } }
    await using desk = openDesk({
      api: redirecting,
      guard: { ...guard, network: { dangerouslyAllowInternal: [redirecting.host, away.host] } },
    })
    // A fetch of the tool's own goes where it is sent, with what it carries.
    await fetch(`${redirecting.origin}/`, { method: 'POST', headers: { 'x-key': 'CANARY' } })
    expect(away.seen[0]?.headers['x-key']).toBe('CANARY')
    away.seen.length = 0
    for (const url of [
      away.origin,
      redirecting.origin,
      'http://169.254.169.254/latest',
      'https://evil.example',
    ])
      expect(await desk.call((credentials) => credentials.fetch(url))).toContain(
        'a destination that it may not',
      )
    expect(away.seen).toEqual([])
    expect(alerts.map(({ kind }) => kind)).toEqual(Array(4).fill('destination'))
    expect(desk.events.filter(({ type }) => type === 'alert')).toHaveLength(4)
    await away[Symbol.asyncDispose]()
    await redirecting[Symbol.asyncDispose]()
  })

  test('that keeps trying other servers is stopped', async () => {
    await using desk = openDesk({
      api,
      guard: { limits: { violations: { run: { limit: 6, windowMs: 60_000 } } } },
    })
    const tried: string[] = []
    await desk
      .call(async (credentials) => {
        for (let i = 0; i < 4; i += 1)
          await credentials
            .fetch('https://evil.example')
            .catch((error: { code: string }) => tried.push(error.code))
      })
      .catch(() => {})
    expect(tried.slice(0, 2)).toEqual(['ERR_DESTINATION', 'ERR_DESTINATION'])
    expect(tried.slice(2)).not.toContain('ERR_DESTINATION')
    expect(desk.events.some((event) => event.type === 'halt')).toBe(true)
  })

  test('has nothing of its credential once the call has ended', async () => {
    await using desk = openDesk({ api })
    let kept: CredentialAccess | undefined
    await desk.call(async (credentials) => {
      kept = credentials
      await credentials.token()
      return 'ok'
    })
    await expect(kept?.token()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL', reason: 'call-ended' })
    await expect(kept?.fetch(api.origin)).rejects.toMatchObject({ code: 'ERR_CREDENTIAL' })
    expect(api.seen).toEqual([])
  })

  test('whose run is halted in its midst cannot use what it has', async () => {
    await using desk = openDesk({ api })
    const codes: string[] = []
    await desk
      .call(async (credentials) => {
        await desk.guard.halt({ user: 'alice' }, { by: 'user:oncall', reason: 'INC-1' })
        for (const use of [() => credentials.token(), () => credentials.fetch(api.origin)])
          await use().catch((error: { code: string }) => codes.push(error.code))
      })
      .catch(() => {})
    await expect.poll(() => codes).toHaveLength(2)
    expect(
      codes.every((code) => code === 'ERR_HALTED' || code === 'ERR_CREDENTIAL' || code === 'ERR_RUN_ENDED'),
    ).toBe(true)
    expect(api.seen).toEqual([])
    expect([...desk.issuer.tokens.values()]).toMatchObject([{ active: false }])
  })

  test('whose agent expires in its midst gets nothing more, and sends nothing', async () => {
    let now = new Date('2026-11-20T12:00:00Z')
    const agent = { id: 'support', version: '1', expires: new Date('2026-11-20T12:01:00Z') }
    await using desk = openDesk({
      api,
      issuing: { now: () => now },
      credentials: { now: () => now },
      guard: { agent, now: () => now },
    })
    const codes: unknown[] = []
    await desk
      .call(async (credentials) => {
        await credentials.fetch(api.origin)
        now = new Date('2026-11-20T12:01:00Z')
        for (const use of [() => credentials.token(), () => credentials.fetch(api.origin)])
          await use().catch((error: { code: string }) => codes.push(error.code))
      })
      .catch(() => {})
    expect(codes).toEqual(['ERR_AGENT_EXPIRED', 'ERR_AGENT_EXPIRED'])
    expect(api.seen).toHaveLength(1)
  })

  test('whose token its server refuses gets another one for the next request', async () => {
    await using desk = openDesk({ api })
    await desk.call(async (credentials) => {
      expect((await credentials.fetch(`${api.origin}/401`)).status).toBe(401)
      expect((await credentials.fetch(`${api.origin}/`)).status).toBe(200)
    })
    const [first, second] = api.seen.map(({ headers }) => headers.authorization)
    expect(second).not.toBe(first)
  })

  test('with a bound token proves it anew for each request, with the nonce that the server asks for', async () => {
    const prove = async (method: string, _url: string, nonce?: string): Promise<string> =>
      `proof of ${method} ${nonce}`
    await using desk = openDesk({
      api,
      issuing: {
        capabilities: { dpop: true },
        answer: (right) => ({
          ...right,
          tokenType: 'dpop',
          prove,
          claims: { ...right.claims, cnf: { jkt: 'k' } },
        }),
      },
    })
    const told = await desk.call(async (credentials) => {
      await credentials.fetch(`${api.origin}/nonce`, { method: 'POST', body: 'x' })
      await credentials.fetch(`${api.origin}/`)
      return credentials.token()
    })
    expect(api.seen.map(({ headers }) => headers['dpop'])).toEqual([
      'proof of POST undefined',
      'proof of POST n-1',
      'proof of GET undefined',
    ])
    expect(api.seen.every(({ headers }) => headers.authorization?.startsWith('DPoP '))).toBe(true)
    expect(told).toContain('bound to a key')
  })

  test('whose contract names no origin gets none for fetch()', async () => {
    await using desk = openDesk({
      api,
      credentials: { issuers: {} },
      wanted: { audience: 'api://orders', scopes: ['a'] },
      guard: {
        credentials: { issue: () => ({ audience: 'x', expires: undefined, token: () => 'a-token' }) },
      },
    })
    expect(await desk.call((credentials) => credentials.fetch(api.origin))).toContain('names no origin')
  })
})

describe('scopes', () => {
  test('are computed from the input that was decided on', async () => {
    const wanted = {
      audience: api.origin,
      scopes: ({ id }: Record<string, unknown>) => [`orders:read:${String(id)}`],
    }
    await using desk = openDesk({ api, wanted })
    await desk.call(() => 'ok', { id: 'o-1' })
    await desk.call(() => 'ok', { id: 'o-2' })
    expect(desk.issuer.asked.map(({ scopes }) => scopes)).toEqual([['orders:read:o-1'], ['orders:read:o-2']])
  })

  test('are for reading alone after hours', async () => {
    const clock = { at: new Date('2026-11-23T15:00:00Z') }
    const now = (): Date => clock.at
    const wanted = {
      audience: api.origin,
      scopes: (_: unknown, { now: at }: { now: Date }) =>
        at.getUTCHours() >= 8 && at.getUTCHours() < 18 ? ['orders:read', 'orders:write'] : ['orders:read'],
    }
    await using desk = openDesk({ api, wanted, issuing: { now }, guard: { now }, credentials: { now } })
    await desk.call(() => 'ok')
    clock.at = new Date('2026-11-23T22:00:00Z')
    await desk.call(() => 'ok')
    expect(desk.issuer.asked.map(({ scopes }) => scopes)).toEqual([
      ['orders:read', 'orders:write'],
      ['orders:read'],
    ])
  })

  test.for<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('CANARY')
      },
    ],
    ['gives none', () => []],
    ['gives two in one text', () => ['orders:read admin']],
    ['gives no list', () => 'orders:read'],
  ])('of a function that %s: the call is refused', async ([, scopes]) => {
    await using desk = openDesk({ api, wanted: { audience: api.origin, scopes: scopes as never } })
    let ran = false
    expect(await desk.call(() => (ran = true))).toContain('did not permit')
    expect(ran).toBe(false)
    expect(desk.issuer.asked).toEqual([])
  })
})

test("the user's own token reaches the issuer, and nothing else", async () => {
  await using desk = openDesk({ api })
  await desk.call(() => 'ok', { subjectToken: new Secret('CANARY-subject-token') })
  expect(desk.issuer.asked[0]?.subjectToken?.reveal()).toBe('CANARY-subject-token')
  expect(JSON.stringify(desk.events)).not.toContain('CANARY')
  await expect(
    desk.guard.startRun({ principal: { subject: 'user:alice' }, subjectToken: 'CANARY' as never }),
  ).rejects.toThrow('subjectToken: expected new Secret(token)')
})
