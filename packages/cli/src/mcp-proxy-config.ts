import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { ConfigError } from '@gatewright/runtime'
import { z } from 'zod'
import { type McpServer, mcpServers } from './mcp-config.ts'
import { UsageError } from './usage-error.ts'

const text = (expected: string): z.ZodString => z.string(expected).min(1, expected)
const texts = (expected: string): z.ZodArray<z.ZodString> => z.array(text(expected), expected)
const url = (expected: string): z.ZodString => text(expected).refine((one) => URL.canParse(one), expected)
const milliseconds = z.number('milliseconds above 0').positive('milliseconds above 0')
const DATE = "a date such as '2027-06-30'"
const USER = "a user such as 'user:alice'"
const key = z.looseObject(
  {
    kty: z.literal('OKP', "'OKP'"),
    crv: z.literal('Ed25519', "'Ed25519'"),
    x: text('the public key'),
    d: z.undefined('no private key').optional(),
  },
  'an Ed25519 public key as a JWK',
)
const FILE = 'the path of a file'

const stdio = z.strictObject(
  { subject: text(USER).regex(/^user:\S/, USER), tenant: text('the name of a tenant').optional() },
  'an object that says for which user',
)
const http = z.strictObject(
  {
    url: url('the URL that clients call, which is what tokens name in aud'),
    host: text('a host to listen on').optional(),
    port: z.int('a port').min(0, 'a port').max(65_535, 'a port'),
    issuer: url('the URL of the issuer of tokens'),
    jwks: url("the URL of the issuer's keys"),
    scopes: texts('the scopes that a client needs').min(1, 'at least one scope'),
    agents: texts('agents that may act for users').optional(),
    tenantClaim: text('the claim of a token that names the tenant').optional(),
    origins: texts('origins of web pages that may call').optional(),
    idleMs: milliseconds.optional(),
  },
  'an object that says where, and whose tokens count',
)

const configuration = z.strictObject({
  $schema: z.string('the URL of a schema').optional(),
  agent: z.strictObject(
    {
      id: text('a name without @ and spaces'),
      version: text('a version'),
      expires: z.iso.date(DATE),
      owner: text('a name').optional(),
      allowedTools: texts('names of tools').optional(),
      deniedTools: texts('names of tools').optional(),
    },
    'the registration of the agent',
  ),
  contracts: text(FILE),
  policy: text(FILE).optional(),
  // What a server is reached by is checked where all commands check it.
  mcpServers: z
    .record(z.string(), z.looseObject({ operator: text('a name').optional() }), 'an object of servers')
    .refine((of) => Object.keys(of).length > 0, 'at least one server'),
  names: z.enum(['prefixed', 'exact'], "'prefixed' or 'exact'").optional(),
  pins: text(FILE).optional(),
  store: text('sqlite:FILE, redis://HOST:PORT or postgres://HOST:PORT/DATABASE'),
  audit: text(FILE),
  trusted: texts("principals such as 'operator:files'").optional(),
  approvals: z
    .strictObject(
      {
        directory: text('the path of a directory'),
        approvers: z
          .array(
            z.strictObject({ id: text('a name'), key }, 'an approver with id and key'),
            'a list of approvers',
          )
          .min(1, 'at least one approver'),
        waitMs: milliseconds.optional(),
      },
      'an object with directory and approvers',
    )
    .optional(),
  userMessages: z
    .strictObject(
      { keys: z.record(z.string(), key, 'an object of keys by kid'), maxAgeMs: milliseconds.optional() },
      'an object with keys',
    )
    .optional(),
  listen: z.union(
    [z.strictObject({ stdio }), z.strictObject({ http })],
    'either { "stdio": … } or { "http": … }',
  ),
})

/** A public key as it stands in a file. */
export interface WrittenKey {
  readonly kty: 'OKP'
  readonly crv: 'Ed25519'
  readonly x: string
}

/** Clients over HTTP: where, and whose tokens count. */
export interface ProxyHttp {
  readonly url: string
  readonly host?: string | undefined
  readonly port: number
  readonly issuer: string
  readonly jwks: string
  readonly scopes: readonly string[]
  readonly agents?: readonly string[] | undefined
  readonly tenantClaim?: string | undefined
  readonly origins?: readonly string[] | undefined
  readonly idleMs?: number | undefined
}

/** What stands in the file, checked. */
interface WrittenConfig {
  readonly agent: {
    readonly id: string
    readonly version: string
    readonly expires: string
    readonly owner?: string | undefined
    readonly allowedTools?: readonly string[] | undefined
    readonly deniedTools?: readonly string[] | undefined
  }
  readonly contracts: string
  readonly policy?: string | undefined
  readonly mcpServers: Readonly<Record<string, { readonly operator?: string | undefined }>>
  readonly names?: 'prefixed' | 'exact' | undefined
  readonly pins?: string | undefined
  readonly store: string
  readonly audit: string
  readonly trusted?: readonly string[] | undefined
  readonly approvals?:
    | {
        readonly directory: string
        readonly approvers: readonly { readonly id: string; readonly key: WrittenKey }[]
        readonly waitMs?: number | undefined
      }
    | undefined
  readonly userMessages?:
    | { readonly keys: Readonly<Record<string, WrittenKey>>; readonly maxAgeMs?: number | undefined }
    | undefined
  readonly listen:
    | { readonly stdio: { readonly subject: string; readonly tenant?: string | undefined } }
    | { readonly http: ProxyHttp }
}

export interface ProxyConfig extends WrittenConfig {
  readonly servers: readonly McpServer[]
  /** A path in the file, from where the file is. */
  at(path: string): string
}

/**
 * The configuration of a proxy. Paths in it are from where the file is; those of a server that is started are from
 * where the command is, as with other MCP clients.
 *
 * @throws {ConfigError} Names the key, what was given and what is expected. @throws {UsageError} If there is no such file, or it is not JSON.
 */
export async function proxyConfig(file: string): Promise<ProxyConfig> {
  const written = await readFile(file, 'utf8').catch(() => {
    throw new UsageError(`there is no file '${file}'.`)
  })
  let given: unknown
  try {
    given = JSON.parse(written)
  } catch {
    throw new UsageError(`'${file}' is not JSON.`)
  }
  const read: z.ZodSafeParseResult<WrittenConfig> = configuration.safeParse(given)
  if (!read.success) throw wrong(given, read.error.issues[0])
  const servers = await mcpServers({ config: file })
  return { ...read.data, servers, at: (path) => resolve(dirname(file), path) }
}

function wrong(given: unknown, issue: z.core.$ZodIssue | undefined): ConfigError {
  const at = (path: readonly PropertyKey[]): unknown =>
    path.reduce<unknown>((part, step) => (part as Record<PropertyKey, unknown> | undefined)?.[step], given)
  // Of either/or, what was meant is the one whose key is there.
  if (issue?.code === 'invalid_union') {
    const isThere = ([first]: readonly PropertyKey[]): boolean =>
      first !== undefined && at([...issue.path, first]) !== undefined
    const meant = issue.errors.find((one) => one.every(({ path }) => isThere(path)))?.[0]
    if (meant !== undefined) return wrong(given, { ...meant, path: [...issue.path, ...meant.path] })
  }
  const path = issue?.path ?? []
  if (issue?.code === 'unrecognized_keys')
    return new ConfigError([...path, issue.keys[0]].join('.'), 'a key that is not known', 'no such key')
  const isWhole = path.length === 0
  return new ConfigError(
    isWhole ? 'the file' : path.join('.'),
    at(path),
    isWhole ? 'an object' : (issue?.message ?? ''),
  )
}
