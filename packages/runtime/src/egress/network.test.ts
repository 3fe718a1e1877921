import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createNetwork } from './network.ts'
import { lazyNetwork, type Network, type NetworkOptions, type NetworkRequest } from './network-options.ts'
import { isInternalAddress } from './network-address.ts'

const ipv4 = fc.tuple(
  ...([0, 1, 2, 3].map(() => fc.integer({ min: 0, max: 255 })) as [never, never, never, never]),
)
const internal = fc.oneof(
  fc.tuple(fc.constantFrom(0, 10, 127, 224, 240, 255), fc.nat(255), fc.nat(255), fc.nat(255)),
  fc.tuple(fc.constant(169), fc.constant(254), fc.nat(255), fc.nat(255)),
  fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), fc.nat(255), fc.nat(255)),
  fc.tuple(fc.constant(192), fc.constant(168), fc.nat(255), fc.nat(255)),
  fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), fc.nat(255), fc.nat(255)),
)

type Address = readonly [number, number, number, number]
const number = ([a, b, c, d]: Address): number => ((a * 256 + b) * 256 + c) * 256 + d
const hex = (value: number): string => value.toString(16)
const groups = ([a, b, c, d]: Address): string => `${hex(a * 256 + b)}:${hex(c * 256 + d)}`

/** How an IPv4 address can be written where a host stands. */
const SPELLINGS: readonly ((address: Address) => string)[] = [
  (address) => address.join('.'),
  (address) => String(number(address)),
  (address) => `0x${hex(number(address))}`,
  (address) => `0${number(address).toString(8)}`,
  (address) => address.map((part) => `0${part.toString(8)}`).join('.'),
  (address) => address.map((part) => `0x${hex(part)}`).join('.'),
  ([a, b, c, d]) => `${a}.${(b * 256 + c) * 256 + d}`,
  ([a, b, c, d]) => `${a}.${b}.${c * 256 + d}`,
  (address) => `[::ffff:${address.join('.')}]`,
  (address) => `[::ffff:${groups(address)}]`,
  (address) => `[::ffff:0:${groups(address)}]`,
  (address) => `[::${groups(address)}]`,
  (address) => `[64:ff9b::${groups(address)}]`,
  (address) => `[64:ff9b:1::${groups(address)}]`,
  (address) => `[2002:${groups(address)}::1]`,
  (address) => `[2001:0:4136:e378:8000:63bf:${groups(address)}]`,
  (address) => `[fe80::5efe:${groups(address)}]`,
  (address) => `[2606:4700::5efe:${groups(address)}]`,
]

describe('an address', () => {
  test('inside a network is one in every spelling, and as a URL understands it', () => {
    fc.assert(
      fc.property(internal, fc.constantFrom(...SPELLINGS), (address, spell) => {
        const written = spell(address as Address)
        expect(isInternalAddress(written)).toBe(true)
        expect(isInternalAddress(new URL(`http://${written}`).hostname)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  test('of the public internet is reached in its own spelling, and never hidden in an IPv6 address', () => {
    for (const address of ['8.8.8.8', '93.184.215.14', '2606:4700::1111', '[2a00:1450:4001::5e]'])
      expect(isInternalAddress(address)).toBe(false)
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...SPELLINGS.slice(8)), (address, spell) => {
        expect(isInternalAddress(spell(address as unknown as Address))).toBe(true)
      }),
    )
  })

  test.for([
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'fd12::1',
    'fec0::1',
    'ff02::1',
    '100::1',
    '2001:db8::1',
    '4000::1',
  ])('%s is internal', (address) => expect(isInternalAddress(address)).toBe(true))

  test.for(['localhost', 'example.com', '127.example', 'x::1'])('%s is a name or nothing', (name) =>
    expect(isInternalAddress(name)).toBe(false),
  )
})

describe('a request', () => {
  const seen: { url: string | undefined; headers: IncomingMessage['headers']; method: string | undefined }[] =
    []
  let here: Server
  let there: Server
  const portOf = (server: Server): number => (server.address() as AddressInfo).port
  const urlOf = (server: Server, path = '/'): string => `http://127.0.0.1:${portOf(server)}${path}`
  const listening = (answer: Parameters<typeof createServer>[1]): Promise<Server> =>
    new Promise((resolve) => {
      const server = createServer((message, response) => {
        seen.push({ url: message.url, headers: message.headers, method: message.method })
        answer?.(message, response)
      }).listen(0, '127.0.0.1', () => resolve(server))
    })

  beforeAll(async () => {
    there = await listening((_, response) => response.end('there'))
    here = await listening((message, response) => {
      const to = new URL(message.url ?? '/', urlOf(here)).searchParams.get('to')
      if (to !== null) response.writeHead(Number(message.url?.slice(1, 4)), { location: to }).end()
      else response.end('here')
    })
  })
  afterAll(() => {
    here.close()
    there.close()
  })

  const allowed = (): NetworkOptions => ({
    dangerouslyAllowInternal: [`127.0.0.1:${portOf(here)}`, `127.0.0.1:${portOf(there)}`],
  })
  const to = (server: Server, over: Partial<NetworkRequest> = {}): NetworkRequest => ({
    method: 'GET',
    headers: new Headers(),
    signal: AbortSignal.timeout(30_000),
    allows: ({ origin }) => origin === new URL(urlOf(server)).origin,
    authorize: async () => ({ 'x-api-key': 'CANARY' }),
    ...over,
  })
  const refused = { code: 'ERR_DESTINATION' }
  async function using<T>(options: NetworkOptions, work: (network: Network) => Promise<T>): Promise<T> {
    await using network = createNetwork(options)
    seen.length = 0
    return await work(network)
  }

  test('reaches nothing inside the network, in any spelling, unless it is listed with its port', async () => {
    const port = portOf(here)
    const spellings = [
      '127.0.0.1',
      '2130706433',
      '0x7f000001',
      '0177.0.0.1',
      '127.1',
      '0',
      '[::ffff:127.0.0.1]',
      'localhost',
    ]
    let connections = 0
    here.on('connection', () => (connections += 1))
    await using({}, async (network) => {
      for (const host of spellings) {
        const url = new URL(`http://${host}:${port}/`)
        await expect(network.request(url, to(here, { allows: () => true }))).rejects.toMatchObject(refused)
      }
    })
    expect(seen).toEqual([])
    // Not even a connection is opened: that one can be is news to whoever asks.
    expect(connections).toBe(0)
    // The same without the guard reaches it.
    expect(await (await fetch(`http://2130706433:${port}/`)).text()).toBe('here')
    await using({ dangerouslyAllowInternal: [`127.0.0.1:${port}`] }, async (network) => {
      expect(await (await network.request(new URL(urlOf(here)), to(here))).text()).toBe('here')
      await expect(
        network.request(new URL(urlOf(there)), to(there, { allows: () => true })),
      ).rejects.toMatchObject(refused)
    })
  })

  test('to a name that resolves elsewhere by the time it connects is refused', async () => {
    const answers = ['93.184.215.14', '127.0.0.1']
    const resolve = async (): Promise<{ address: string; family: number }[]> => [
      { address: answers.shift() ?? '127.0.0.1', family: 4 },
    ]
    // Who looks before connecting sees a public address, and connects to another.
    expect(isInternalAddress((await resolve())[0]!.address)).toBe(false)
    await using({ resolve }, async (network) => {
      const url = new URL(`http://rebinding.example:${portOf(here)}/`)
      await expect(network.request(url, to(here, { allows: () => true }))).rejects.toMatchObject(refused)
    })
    expect(seen).toEqual([])
  })

  test('to a name with one internal address among public ones is refused', async () => {
    const resolve = async (): Promise<{ address: string; family: number }[]> => [
      { address: '93.184.215.14', family: 4 },
      { address: '10.0.0.1', family: 4 },
    ]
    await using({ resolve }, async (network) => {
      const url = new URL('http://mixed.example/')
      await expect(network.request(url, to(here, { allows: () => true }))).rejects.toMatchObject(refused)
    })
  })

  test('is not redirected away with what it carries', async () => {
    const away = urlOf(here, `/302?to=${encodeURIComponent(urlOf(there))}`)
    // Without the guard a key in a header of its own goes along.
    seen.length = 0
    await fetch(away, { headers: { 'x-api-key': 'CANARY' } })
    expect(seen[1]?.headers['x-api-key']).toBe('CANARY')
    await using(allowed(), async (network) => {
      for (const redirect of ['follow', 'error'] as const)
        await expect(network.request(new URL(away), to(here, { redirect }))).rejects.toMatchObject(refused)
      const answer = await network.request(new URL(away), to(here, { redirect: 'manual' }))
      expect(answer.status).toBe(302)
    })
    expect(seen.map(({ url }) => url?.slice(0, 4))).toEqual(['/302', '/302', '/302'])
  })

  test('is redirected within where it may go, with what authorises each hop', async () => {
    await using(allowed(), async (network) => {
      const hops: string[] = []
      const post = to(here, {
        method: 'POST',
        body: 'x=1',
        authorize: async (method, url) => {
          hops.push(`${method} ${url.pathname}`)
          return { authorization: `Bearer ${hops.length}` }
        },
      })
      const next = encodeURIComponent('/next')
      expect(await (await network.request(new URL(urlOf(here, `/303?to=${next}`)), post)).text()).toBe('here')
      expect(await (await network.request(new URL(urlOf(here, `/307?to=${next}`)), post)).text()).toBe('here')
      expect(hops).toEqual(['POST /303', 'GET /next', 'POST /307', 'POST /next'])
      expect(seen.map(({ headers }) => headers.authorization)).toEqual([
        'Bearer 1',
        'Bearer 2',
        'Bearer 3',
        'Bearer 4',
      ])
    })
  })

  test('that is redirected for ever, or to another kind of address, ends', async () => {
    await using(allowed(), async (network) => {
      for (const place of ['file:///etc/passwd', 'http://user:pw@127.0.0.1/', 'data:,x', 'http://[']) {
        const start = new URL(urlOf(here, `/302?to=${encodeURIComponent(place)}`))
        const request = to(here, { allows: () => true })
        await expect(network.request(start, request)).rejects.toMatchObject(refused)
      }
      const self = urlOf(here, '/302?to=')
      const loop = new URL(`${self}${encodeURIComponent(self)}`)
      await expect(network.request(loop, to(here))).rejects.toMatchObject(refused)
    })
  })

  test.for(['127.0.0.1', 'localhost:', 'http://127.0.0.1:80', '*:80', '127.0.0.1:80/x', 'a b:1', ''])(
    'a list of what is inside refuses %j',
    (entry) =>
      expect(() => lazyNetwork({ dangerouslyAllowInternal: [entry] })).toThrow('dangerouslyAllowInternal.0'),
  )
})
