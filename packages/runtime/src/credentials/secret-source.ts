import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ConfigError, CredentialError, UnavailableError } from '../errors.ts'
import type { Awaitable } from '../policy/decision.ts'
import { Secret } from './secret.ts'

/**
 * Where keys of third parties are kept. Read at the time of each call, so that one that was changed or taken away is
 * changed or gone with the next call.
 */
export interface SecretSource {
  readonly name: string
  /**
   * @throws {CredentialError} `ERR_CREDENTIAL`, if there is none of this name.
   * @throws {UnavailableError} `ERR_CREDENTIALS_UNAVAILABLE`, if it cannot be looked up.
   */
  read(name: string, options: { readonly signal: AbortSignal }): Awaitable<Secret>
}

/** Keys in environment variables. They are in the process for all of its code to see: the least of the three. */
export function environmentSecrets(
  environment: Readonly<Record<string, string | undefined>> = process.env,
): SecretSource {
  return {
    name: 'environment',
    read(name) {
      const value = Object.hasOwn(environment, name) ? environment[name] : undefined
      if (value === undefined || value === '') throw noSecret()
      return new Secret(value)
    },
  }
}

/** Keys in files of one directory, as Docker and Kubernetes mount them: the name is the file's. */
export function fileSecrets(directory: string): SecretSource {
  if (typeof directory !== 'string' || directory === '')
    throw new ConfigError('fileSecrets', directory, 'a directory')
  return {
    name: 'files',
    async read(name, { signal }) {
      // A name is one step down and never a step up.
      if (!/^[\w][\w.-]*$/.test(name)) throw noSecret()
      try {
        const text = await readFile(join(directory, name), { encoding: 'utf8', signal })
        return new Secret(text.replace(/\r?\n$/, ''))
      } catch (error) {
        signal.throwIfAborted()
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw noSecret()
        throw unread(error)
      }
    },
  }
}

export interface VaultOptions {
  /** `https://vault.example:8200`. */
  readonly address: string
  /** Reads the token of this process: it is asked for each time, since it is renewed. */
  readonly token: (options: { readonly signal: AbortSignal }) => Awaitable<Secret>
  /** Where the key-value engine (version 2) is mounted. Default `secret`. */
  readonly mount?: string
  /** A `fetch` of your own, such as one with a private certificate authority. */
  readonly fetch?: (url: string, init: RequestInit) => Promise<Response>
}

/**
 * Keys in a vault with the HTTP interface of HashiCorp Vault's key-value engine, version 2 (OpenBao has the same).
 * A name is `path#field`; without `#field`, the field is `value`.
 *
 * @throws {ConfigError} If the address is not https, other than of this machine.
 */
export function vaultSecrets({
  address,
  token,
  mount = 'secret',
  fetch: get = fetch,
}: VaultOptions): SecretSource {
  const base = URL.parse(address)
  const isHere = base !== null && ['127.0.0.1', '[::1]', 'localhost'].includes(base.hostname)
  if (base === null || (base.protocol !== 'https:' && !(base.protocol === 'http:' && isHere)))
    throw new ConfigError('vaultSecrets.address', address, "an address such as 'https://vault.example:8200'")
  return {
    name: 'vault',
    async read(name, { signal }) {
      const [path = '', field = 'value'] = name.split('#', 2)
      const steps = path.split('/')
      if (!steps.every((step) => /^[\w][\w.-]*$/.test(step))) throw noSecret()
      const url = new URL(`/v1/${mount}/data/${steps.join('/')}`, base)
      let response
      try {
        const headers = { 'x-vault-token': (await token({ signal })).reveal(), accept: 'application/json' }
        // A redirect would take the vault's token along.
        response = await get(url.href, { headers, signal, redirect: 'error' })
      } catch (error) {
        signal.throwIfAborted()
        throw unread(error)
      }
      if (response.status === 404 || response.status === 403) throw noSecret()
      if (!response.ok) throw unread(undefined)
      return new Secret(fieldOf(await response.json().catch(() => undefined), field))
    },
  }
}

function fieldOf(body: unknown, field: string): string {
  const data = (body as { data?: { data?: unknown } } | undefined)?.data?.data
  if (typeof data !== 'object' || data === null || !Object.hasOwn(data, field)) throw noSecret()
  const value = (data as Record<string, unknown>)[field]
  if (typeof value !== 'string' || value === '') throw noSecret()
  return value
}

function noSecret(): CredentialError {
  return new CredentialError('ERR_CREDENTIAL', 'There is no key of this name.', { reason: 'secret' })
}

function unread(error: unknown): UnavailableError {
  const { code } = (error ?? {}) as { code?: unknown }
  const known = typeof code === 'string' && /^[A-Z_]{1,40}$/.test(code)
  const options = known ? { cause: new Error(code) } : {}
  return new UnavailableError('ERR_CREDENTIALS_UNAVAILABLE', 'A key could not be read.', options)
}
