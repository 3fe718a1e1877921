import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Secret } from './secret.ts'
import { environmentSecrets, fileSecrets, type SecretSource, vaultSecrets } from './secret-source.ts'

const NEVER = new AbortController().signal
const read = async (source: SecretSource, name: string): Promise<string> =>
  (await source.read(name, { signal: NEVER })).reveal()
const none = { code: 'ERR_CREDENTIAL', reason: 'secret' }

test('a key of the environment is read at the time it is wanted', async () => {
  const environment: Record<string, string> = { STRIPE_KEY: 'first', EMPTY: '' }
  const source = environmentSecrets(environment)
  expect(await read(source, 'STRIPE_KEY')).toBe('first')
  environment['STRIPE_KEY'] = 'second'
  expect(await read(source, 'STRIPE_KEY')).toBe('second')
  for (const name of ['OTHER', 'EMPTY', 'constructor', '__proto__'])
    await expect(read(source, name)).rejects.toMatchObject(none)
})

describe('a key in a file', () => {
  let directory: string
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'secrets-'))
    await writeFile(join(directory, 'STRIPE_KEY'), 'CANARY-key\n')
    await writeFile(join(directory, '..', 'outside-secret'), 'CANARY-outside')
    await symlink('STRIPE_KEY', join(directory, 'linked'))
  })
  afterAll(async () => {
    await rm(directory, { recursive: true })
    await rm(join(directory, '..', 'outside-secret'))
  })

  test('is the file of that name, as it stands', async () => {
    const source = fileSecrets(directory)
    expect(await read(source, 'STRIPE_KEY')).toBe('CANARY-key')
    expect(await read(source, 'linked')).toBe('CANARY-key')
  })

  test.for(['../outside-secret', '/etc/passwd', '..', '.', '', 'a/b', '.hidden', 'STRIPE_KEY\0', 'missing'])(
    'is none for %j',
    async (name) => expect(read(fileSecrets(directory), name)).rejects.toMatchObject(none),
  )

  test('that cannot be read is not a key that is not there', async () => {
    await writeFile(join(directory, 'dir-below'), '')
    const source = fileSecrets(join(directory, 'STRIPE_KEY'))
    await expect(read(source, 'x')).rejects.toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
  })
})

describe('a key in a vault', () => {
  let server: Server
  let address: string
  const seen: string[] = []
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.url} ${String(request.headers['x-vault-token'])}`)
      if (request.url === '/v1/secret/data/app/stripe')
        response.end(JSON.stringify({ data: { data: { value: 'CANARY-key', other: 'CANARY-2', n: 1 } } }))
      else if (request.url === '/v1/secret/data/nonsense') response.end('CANARY <html>')
      else if (request.url === '/v1/secret/data/away')
        response.writeHead(302, { location: `${address}/v1/secret/data/app/stripe` }).end()
      else if (request.url === '/v1/secret/data/broken') response.writeHead(500).end('CANARY')
      else response.writeHead(404).end('{"errors":[]}')
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const vault = (): SecretSource => vaultSecrets({ address, token: () => new Secret('CANARY-vault') })

  test('is the field of a path, asked for with the token of this process', async () => {
    expect(await read(vault(), 'app/stripe')).toBe('CANARY-key')
    expect(await read(vault(), 'app/stripe#other')).toBe('CANARY-2')
    expect(seen).toContain('/v1/secret/data/app/stripe CANARY-vault')
  })

  test.for<[string, object]>([
    ['missing', none],
    ['app/stripe#nothing', none],
    ['app/stripe#n', none],
    ['app/../../sys/seal', none],
    ['', none],
    ['nonsense', none],
    ['broken', { code: 'ERR_CREDENTIALS_UNAVAILABLE' }],
    ['away', { code: 'ERR_CREDENTIALS_UNAVAILABLE' }],
  ])('%s is refused, and no error holds a value', async ([name, error]) => {
    const thrown: unknown = await read(vault(), name).catch((one: unknown) => one)
    expect(thrown).toMatchObject(error)
    expect(inspect(thrown, { depth: Infinity, showHidden: true })).not.toContain('CANARY')
  })

  test('is only asked for over TLS, but for a vault on this machine', async () => {
    const token = (): Secret => new Secret('x')
    expect(() => vaultSecrets({ address: 'http://vault.example', token })).toThrow('vaultSecrets.address')
    expect(() => vaultSecrets({ address: 'https://vault.example', token })).not.toThrow()
    const down = vaultSecrets({ address: 'http://127.0.0.1:1', token })
    await expect(read(down, 'a')).rejects.toMatchObject({ code: 'ERR_CREDENTIALS_UNAVAILABLE' })
  })
})
