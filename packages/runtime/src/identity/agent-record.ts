import { z } from 'zod'
import { ConfigError } from '../errors.ts'

/** A credential that an agent holds, by its names alone: never the key or secret itself. */
export interface AgentCredential {
  /** The client id at the authorization server. */
  readonly client: string
  readonly issuer?: string
  /** Ids of the keys with which the agent signs for this client (`kid`). */
  readonly keys?: readonly string[]
}

/** What an operator says of an agent that is to be deployed. */
export interface AgentSpec {
  /** Without `@` and spaces. An id is never used again, also after the agent was retired. */
  readonly id: string
  /** What kind of agent it is, such as `support` or `batch`. */
  readonly type: string
  readonly version: string
  readonly environment: string
  /** Who answers for it: a person or a team. */
  readonly owner: string
  /** When this registration stops being valid. There is no registration without an end. */
  readonly expires: Date
  /** Names of tools it may call; all tools under contract where left out. */
  readonly allowedTools?: readonly string[]
  /** Names of tools it may never call; wins over `allowedTools`. */
  readonly deniedTools?: readonly string[]
  /** Most runs of it that may be in progress at once, in all processes; no limit where left out. */
  readonly maxSessions?: number
  readonly credentials?: readonly AgentCredential[]
}

/** A version that was rotated out, and is still valid for a while. */
export interface AgentOverlap {
  readonly version: string
  readonly until: Date
  readonly credentials: readonly AgentCredential[]
}

/** One change of a registration: who made it, when, and why. */
export interface AgentChange {
  /** The revision that the change made. */
  readonly revision: number
  readonly action: 'registered' | 'updated' | 'rotated' | 'retired'
  readonly at: Date
  readonly by: string
  readonly reason: string
  /** What it changed, by name. */
  readonly changed: readonly string[]
}

/** An agent as the registry knows it. */
export interface AgentRecord extends AgentSpec {
  readonly created: Date
  readonly status: 'active' | 'retired'
  readonly credentials: readonly AgentCredential[]
  /** Versions that were rotated out and are valid until their overlap ends. */
  readonly overlaps: readonly AgentOverlap[]
  /** Rises by one with every change. */
  readonly revision: number
  /** Every change since it was registered, oldest first. */
  readonly changes: readonly AgentChange[]
}

const ID = 'a name without @ and spaces'
const VERSION = 'a version without spaces'
const TEXT = 'a text that is not empty'
const TIME = 'a time, as ISO 8601 writes it'
const TOOLS = 'a list of names of tools'

const id = z
  .string(ID)
  .max(200, ID)
  .regex(/^[^@\s\p{C}]+$/u, ID)
const version = z
  .string(VERSION)
  .max(200, VERSION)
  .regex(/^[^\s\p{C}]+$/u, VERSION)
const text = z
  .string(TEXT)
  .max(1000, 'a text of at most 1,000 characters')
  .refine((given) => given.trim() !== '', TEXT)
const tools = z.array(text, TOOLS)
const credential = z.strictObject(
  { client: text, issuer: text.optional(), keys: z.array(text, 'a list of ids of keys').optional() },
  'an object with the client id of a credential',
)
const count = z.int('a whole number from 1').min(1, 'a whole number from 1')

const specShape = {
  id,
  type: text,
  version,
  environment: text,
  owner: text,
  allowedTools: tools.optional(),
  deniedTools: tools.optional(),
  maxSessions: count.optional(),
}

const specified = z.strictObject({
  ...specShape,
  expires: z.date('a Date'),
  credentials: z.array(credential, 'a list of credentials').optional(),
})

/** Everything but a new state of an agent, as an operator's change may set it. */
export const changed: {
  readonly version: z.ZodType<string>
  readonly expires: z.ZodType<Date>
  readonly credentials: z.ZodType<AgentCredential[]>
} = {
  version,
  expires: z.date('a Date'),
  credentials: z.array(credential, 'a list of credentials') as z.ZodType<AgentCredential[]>,
}

// Kept as JSON, so times are texts; only the one spelling that we write is read.
const time = z.iso
  .datetime({ precision: 3, error: TIME })
  .transform((given) => new Date(given))
  .refine((given) => !Number.isNaN(given.getTime()), TIME)

const kept = z.strictObject({
  ...specShape,
  expires: time,
  created: time,
  status: z.enum(['active', 'retired'], "'active' or 'retired'"),
  credentials: z.array(credential, 'a list of credentials'),
  overlaps: z.array(z.strictObject({ version, until: time, credentials: z.array(credential) })),
  revision: count,
  changes: z
    .array(
      z.strictObject({
        revision: count,
        action: z.enum(['registered', 'updated', 'rotated', 'retired']),
        at: time,
        by: text,
        reason: text,
        changed: z.array(text),
      }),
    )
    .min(1),
})

/** @throws {ConfigError} If it does not describe an agent; names the key. */
export function parseSpec(given: AgentSpec): AgentSpec {
  return parsed('agent', specified, given) as AgentSpec
}

/**
 * A record as a driver kept it.
 *
 * @throws {ConfigError} If it is anything but what `recordJson` wrote: a registry that is half right is wrong.
 */
export function parseRecord(key: string, given: unknown): AgentRecord {
  const record = parsed(key, kept, given) as AgentRecord
  // A history with a gap is a record that somebody else has written.
  const isWhole =
    record.changes.length === record.revision &&
    record.changes.every(({ revision }, index) => revision === index + 1)
  if (!isWhole) throw new ConfigError(`${key}.changes`, record.changes.length, 'one change for each revision')
  return deepFrozen(record)
}

/** The plain form in which a record is kept. */
export function recordJson(record: AgentRecord): unknown {
  return JSON.parse(JSON.stringify(record)) as unknown
}

/** Check one value that an operator gave. */
export function parsed<T>(key: string, schema: z.ZodType<T>, given: unknown): T {
  const result = schema.safeParse(given)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = [key, ...(issue?.path ?? [])].join('.')
  const value = issue?.path.reduce<unknown>(
    (at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step],
    given,
  )
  const expected = issue?.code === 'unrecognized_keys' ? 'no other keys' : (issue?.message ?? 'another value')
  throw new ConfigError(path, issue?.code === 'unrecognized_keys' ? issue.keys : value, expected)
}

/** Nobody who is handed a record can change what the others are handed. */
export function deepFrozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || value instanceof Date) return value
  for (const part of Object.values(value)) deepFrozen(part)
  return Object.freeze(value)
}
