import { dpopKey } from '@gatewright/adapters/identity/token-exchange'
import type { Misbehaviour } from '@gatewright/example-authorization-server'
import { type CallCredential, Secret } from '@gatewright/runtime/credentials'
import { describe, expect, test } from 'vitest'
import { never, openWorld, type World, type WorldOptions } from './real-server.ts'

const OWN = 'LT-20501'
const BOBS = 'LT-20999'

async function within(use: (world: World) => Promise<void>, options: WorldOptions = {}): Promise<void> {
  await using world = await openWorld(options)
  await use(world)
}

type Claims = NonNullable<Misbehaviour['claims']>

/** A token as a loop would use it that takes what it is given. */
async function unchecked({ issuer, request }: World): Promise<string> {
  const { token } = await issuer.obtain(await request(), { signal: never })
  return token.reveal()
}

describe('a server that gives something else than was asked for', () => {
  test.each<[string, (world: World) => Claims, string, (token: string, world: World) => Promise<void>]>([
    [
      'a token for another API',
      ({ other }) =>
        (claims) => ({ ...claims, aud: other.url }),
      'audience',
      async (token, { ask, other }) => expect(await ask(token, OWN, other)).toBe(200),
    ],
    [
      'a token for another API as well',
      ({ other, orders }) =>
        (claims) => ({ ...claims, aud: [orders.url, other.url] }),
      'audience',
      async (token, { ask, other }) => expect(await ask(token, OWN, other)).toBe(200),
    ],
    [
      'a wider scope',
      () => (claims) => ({ ...claims, scope: 'orders:read orders:admin' }),
      'scope',
      async (token, { ask }) => expect(await ask(token, BOBS)).toBe(200),
    ],
    [
      'the token of another user',
      () => (claims) => ({ ...claims, sub: 'bob' }),
      'subject',
      async (token, { ask }) => expect(await ask(token, BOBS)).toBe(200),
    ],
    [
      'a token that names no actor, as if the user themselves had called',
      () => (claims) => ({ ...claims, act: undefined }),
      'actor',
      async (token, { ask, orders }) => {
        expect(await ask(token, OWN)).toBe(200)
        expect(orders.seen.at(-1)).not.toHaveProperty('act')
      },
    ],
    [
      'a token that names another actor',
      () => (claims) => ({ ...claims, act: { sub: 'other-agent' } }),
      'actor',
      async (token, { ask, orders }) => {
        expect(await ask(token, OWN)).toBe(200)
        expect(orders.seen.at(-1)).toMatchObject({ act: { sub: 'other-agent' } })
      },
    ],
    [
      'a token that names this agent as who acted before alone',
      () => (claims) => ({ ...claims, act: { sub: 'other-agent', act: { sub: 'support-agent' } } }),
      'actor',
      async (token, { ask }) => expect(await ask(token, OWN)).toBe(200),
    ],
    [
      'a token of another issuer',
      () => (claims) => ({ ...claims, iss: 'https://id.example' }),
      'issuer',
      async () => {},
    ],
    [
      'a token that lives for a day',
      () => (claims) => ({ ...claims, exp: Number(claims['iat']) + 86_400 }),
      'lifetime',
      async (token, { ask }) => expect(await ask(token, OWN)).toBe(200),
    ],
  ])('%s', async (_, claims, reason, works) =>
    within(async (world) => {
      const { server, credentials, issue, given } = world
      // Signed in before the server goes wrong.
      await world.request()
      server.misbehave({ claims: claims(world) })
      await works(await unchecked(world), world)
      await expect(issue()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL', reason })
      server.misbehave({})
      // Nobody holds it, and the server does not know it for long: no call waits until it is revoked.
      expect(credentials.held().filter(({ state }) => state === 'live')).toEqual([])
      if (reason !== 'issuer') await expect.poll(() => world.isActive(given.at(-1) ?? '')).toBe(false)
    }),
  )

  test.each<[string, Claims, string]>([
    [
      'something that is no access token',
      (answer) => ({ ...answer, issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }),
      'issued-type',
    ],
    ['no word on what it is', (answer) => ({ ...answer, issued_token_type: undefined }), 'issued-type'],
    ['a wider scope in its answer', (answer) => ({ ...answer, scope: 'orders:read orders:write' }), 'scope'],
    ['a token that lives for ever', (answer) => ({ ...answer, expires_in: 1e9 }), 'lifetime'],
    ['a token that is over', (answer) => ({ ...answer, expires_in: 0 }), 'lifetime'],
  ])('%s', async (_, response, reason) =>
    within(async (world) => {
      await world.request()
      world.server.misbehave({ response })
      await expect(world.issue()).rejects.toMatchObject({ code: 'ERR_CREDENTIAL', reason })
    }),
  )
})

describe('clocks', () => {
  const shifted =
    (seconds: number): Claims =>
    (claims) => ({
      ...claims,
      iat: Number(claims['iat']) + seconds,
      exp: Number(claims['exp']) + seconds,
    })

  test.each([-290, 290])(
    'a server whose clock is off by %i seconds is believed, for no longer',
    async (seconds) =>
      within(async ({ server, request, issue }) => {
        await request()
        server.misbehave({ claims: shifted(seconds) })
        const { expires } = await issue()
        expect((expires?.getTime() ?? Infinity) - Date.now()).toBeLessThanOrEqual(120_000)
      }),
  )

  test('a server whose clock is further behind gives tokens that are over', async () =>
    within(async ({ server, request, issue }) => {
      await request()
      server.misbehave({ claims: shifted(-500) })
      await expect(issue()).rejects.toMatchObject({ reason: 'lifetime' })
    }))

  test('an agent whose clock is five minutes ahead lets go of its tokens early, and never uses one that is over', async () => {
    let ahead = 0
    await within(
      async ({ issue, given }) => {
        await issue()
        ahead = 300_000
        await expect(issue()).resolves.toBeDefined()
        // It took the first for expired.
        expect(given).toHaveLength(2)
      },
      {
        credentials: { now: () => new Date(Date.now() + ahead) },
        issuer: { now: () => new Date(Date.now() + ahead) },
      },
    )
  })
})

describe('tokens of several users', () => {
  test('asked for at the same time, none is used for another', async () =>
    within(async ({ issue, ask, orders, given }) => {
      const users = Array.from({ length: 60 }, (_, i) => (i % 2 === 0 ? 'alice' : 'bob'))
      await Promise.all(
        users.map(async (user, i) => {
          const credential = await issue({ subject: `user:${user}`, run: `run-${user}-${i % 6}` })
          await ask(credential.token(), user === 'alice' ? OWN : BOBS)
        }),
      )
      expect(orders.seen.filter(({ status }) => status !== 200)).toEqual([])
      expect(orders.seen.map(({ sub, path }) => `${sub} ${path}`).toSorted()).toEqual(
        users.map((user) => (user === 'alice' ? `alice /orders/${OWN}` : `bob /orders/${BOBS}`)).toSorted(),
      )
      // One for each run, since each is revoked with its own.
      expect(new Set(given).size).toBe(6)
    }))

  test('a thousand calls of one run make one exchange', async () =>
    within(async ({ server, issue, given }) => {
      const all = await Promise.all(Array.from({ length: 1000 }, async () => issue()))
      expect(new Set(all.map((credential) => credential.token())).size).toBe(1)
      expect(given).toHaveLength(1)
      expect(server.asked).toHaveLength(1)
    }))
})

describe('a stolen token', () => {
  const ask = async (
    world: World,
    credential: CallCredential,
    proof: string | undefined,
  ): Promise<number> => {
    const scheme = credential.tokenType === 'dpop' ? 'DPoP' : 'Bearer'
    const headers = {
      authorization: `${scheme} ${credential.token()}`,
      ...(proof === undefined ? {} : { dpop: proof }),
    }
    return (await fetch(`${world.orders.url}orders/${OWN}`, { headers })).status
  }

  test('works for whoever finds it', async () =>
    within(async (world) => {
      const credential = await world.issue()
      expect(await ask(world, credential, undefined)).toBe(200)
      expect(await ask(world, credential, undefined)).toBe(200)
    }))

  test('is worth nothing where it is bound to a key, and neither is a proof that was seen', async () =>
    within(
      async (world) => {
        const credential = await world.issue()
        const url = `${world.orders.url}orders/${OWN}`
        const proof = await credential.prove?.('GET', url)
        expect(await ask(world, credential, proof)).toBe(200)
        expect(await ask(world, credential, proof)).toBe(401)
        expect(await ask(world, credential, undefined)).toBe(401)
        expect(await ask(world, credential, await credential.prove?.('POST', url))).toBe(401)
        expect(
          await ask(world, credential, await credential.prove?.('GET', `${world.orders.url}orders/${BOBS}`)),
        ).toBe(401)
        const thief = await dpopKey()
        const forged = await thief.prove({ method: 'GET', url, token: credential.token() })
        expect(await ask(world, credential, forged)).toBe(401)
        const bare = await fetch(url, { headers: { authorization: `Bearer ${credential.token()}` } })
        expect(bare.status).toBe(401)
      },
      { issuer: { dpop: await dpopKey() } },
    ))

  test('a server that ignores the proof gives a token that is not bound, and it is refused', async () =>
    within(
      async ({ server, request, issue }) => {
        await request()
        server.misbehave({ response: (answer) => ({ ...answer, token_type: 'Bearer' }) })
        await expect(issue()).rejects.toMatchObject({ reason: 'token-type' })
      },
      { issuer: { dpop: await dpopKey() } },
    ))
})

describe('revocation', () => {
  const WHY = { by: 'user:robin', reason: 'INC-42' }

  test('a token that was revoked behind our back is dropped once an API refuses it', async () =>
    within(async ({ issue, isActive, issuer, orders, server, given, ask }) => {
      orders.trust(server.issuer, { introspect: isActive })
      const credential = await issue()
      expect(await ask(credential.token(), OWN)).toBe(200)
      await issuer.revoke?.(new Secret(given[0] ?? ''), { signal: never })
      expect(await ask(credential.token(), OWN)).toBe(401)
      // Without that, the next call would use it again.
      expect((await issue()).token()).toBe(given[0])
      credential.refused?.()
      const next = await issue()
      expect(next.token()).not.toBe(given[0])
      expect(await ask(next.token(), OWN)).toBe(200)
    }))

  test('a halted run leaves no token that works, and gets no other, at the server either', async () =>
    within(async ({ guard, issue, isActive, issuer, request, given, server, orders, ask }) => {
      orders.trust(server.issuer, { introspect: isActive })
      await issue()
      expect(await ask(given[0] ?? '', OWN)).toBe(200)
      const halted = await guard.halt({ run: 'run-1' }, WHY)
      expect(halted.hooks).toMatchObject([{ name: 'credentials', confirmed: true }])
      expect(await isActive(given[0] ?? '')).toBe(false)
      expect(await ask(given[0] ?? '', OWN)).toBe(401)
      await expect(issue()).rejects.toMatchObject({ code: 'ERR_HALTED' })
      // Whoever has the user's token and the agent's key gets nothing from the server.
      await expect(issuer.obtain(await request(), { signal: never })).rejects.toMatchObject({
        reason: 'invalid_grant',
      })
      // Those of other users go on.
      await expect(issue({ subject: 'user:bob', run: 'run-2' })).resolves.toBeDefined()
    }))

  test('what the server does not confirm is not claimed', async () =>
    within(async ({ guard, issue, server, given, isActive }) => {
      await issue()
      server.misbehave({ cannotRevoke: true })
      const { hooks } = await guard.halt({ run: 'run-1' }, WHY)
      expect(hooks).toMatchObject([{ confirmed: false }])
      server.misbehave({})
      expect(await isActive(given[0] ?? '')).toBe(true)
      // Halting it again tries again.
      const again = await guard.halt({ run: 'run-1' }, WHY)
      expect(again.hooks).toMatchObject([{ confirmed: true }])
      expect(await isActive(given[0] ?? '')).toBe(false)
    }))

  test('a halt while an exchange is under way: nobody gets what comes back, and it is revoked', async () =>
    within(async ({ guard, issue, request, server, given, isActive }) => {
      await request()
      await issue({ run: 'run-0' })
      server.misbehave({ delayMs: 80 })
      const waiting = issue()
      const outcome = waiting.catch((error: unknown) => error)
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
      const { hooks } = await guard.halt({ run: 'run-1' }, WHY)
      expect(await outcome).toMatchObject({ code: 'ERR_HALTED' })
      expect(hooks).toMatchObject([{ confirmed: true }])
      server.misbehave({})
      for (const token of given.slice(1)) expect(await isActive(token)).toBe(false)
      expect(await isActive(given[0] ?? '')).toBe(true)
    }))
})
