import { z } from 'zod'
import { ConfigError, GuardError, UnavailableError } from '../errors.ts'
import type { Awaitable } from '../policy/decision.ts'
import {
  type AgentChange,
  type AgentCredential,
  type AgentRecord,
  type AgentSpec,
  changed,
  parsed,
  parseRecord,
  parseSpec,
  recordJson,
} from './agent-record.ts'

export interface AgentCall {
  readonly signal: AbortSignal
}

/** Who changes a registration, and why; kept with it. */
export interface AgentChangeOptions extends AgentCall {
  readonly by: string
  readonly reason: string
  /** The revision that the change was decided on: if the record has another one by now, nothing changes. */
  readonly revision?: number
}

/** What an operator may change of an agent that stays the same agent. `null` takes a bound away. */
export interface AgentUpdate {
  readonly type?: string
  readonly environment?: string
  readonly owner?: string
  readonly allowedTools?: readonly string[] | null
  readonly deniedTools?: readonly string[] | null
  readonly maxSessions?: number | null
}

/** A new version, new keys or a new end; what is left out stays. */
export interface AgentRotation {
  readonly version?: string
  readonly expires?: Date
  readonly credentials?: readonly AgentCredential[]
  /**
   * How long the version and keys that are rotated out stay valid, in milliseconds, and at most until they would have
   * expired. Default 0: they are gone at once, with any that were rotated out before.
   */
  readonly overlapMs?: number
}

/**
 * The register of agents: which there are, what each may do, and until when.
 *
 * @throws {UnavailableError} `ERR_AGENTS_UNAVAILABLE`, from every method, if the register cannot be reached or is
 * malformed: nothing is taken from it then.
 */
export interface AgentRegistry {
  /** What the driver is, for a start-up log. */
  readonly name: string
  get(id: string, call: AgentCall): Promise<AgentRecord | undefined>
  /** All agents, retired ones too, by id. */
  list(call: AgentCall): Promise<readonly AgentRecord[]>
  /** @throws {GuardError} `ERR_AGENT_CONFLICT` if there is, or ever was, an agent of this id. */
  register(spec: AgentSpec, change: AgentChangeOptions): Promise<AgentRecord>
  /** @throws {GuardError} `ERR_AGENT_UNKNOWN`, `ERR_AGENT_RETIRED`; `ERR_AGENT_CONFLICT` if somebody else was first. */
  update(id: string, update: AgentUpdate, change: AgentChangeOptions): Promise<AgentRecord>
  /** Give an agent a new version, keys or end. @throws {GuardError} As `update`. */
  rotate(id: string, rotation: AgentRotation, change: AgentChangeOptions): Promise<AgentRecord>
  /** Final: no version of it may act from now on. A retired agent stays as it is. @throws {GuardError} As `update`. */
  retire(id: string, change: AgentChangeOptions): Promise<AgentRecord>
  /** Hear that something changed, where the driver can tell. Without it, readers look again every so often. */
  watch?(listener: () => void, call: AgentCall): Promise<Disposable>
}

/** What a driver of the registry does: keep records, and change one as a whole or not at all. */
export interface AgentDriver {
  readonly name: string
  read(id: string, call: AgentCall): Awaitable<AgentRecord | undefined>
  list(call: AgentCall): Awaitable<readonly AgentRecord[]>
  /**
   * Put what `make` makes of the record in its place, atomically among all processes. What `make` throws passes.
   *
   * @throws {GuardError} `ERR_AGENT_CONFLICT`, if another writer was first.
   */
  change(
    id: string,
    make: (current: AgentRecord | undefined) => AgentRecord,
    call: AgentCall,
  ): Awaitable<AgentRecord>
  watch?(listener: () => void, call: AgentCall): Promise<Disposable>
}

const MOST_OVERLAP_MS = 30 * 24 * 3_600_000

const update = z.strictObject({
  type: z.string('a text').min(1, 'a text that is not empty').optional(),
  environment: z.string('a text').min(1, 'a text that is not empty').optional(),
  owner: z.string('a text').min(1, 'a text that is not empty').optional(),
  allowedTools: z.array(z.string().min(1), 'a list of names of tools, or null').nullable().optional(),
  deniedTools: z.array(z.string().min(1), 'a list of names of tools, or null').nullable().optional(),
  maxSessions: z.int('a whole number from 1, or null').min(1, 'a whole number from 1').nullable().optional(),
})

const rotation = z.strictObject({
  version: changed.version.optional(),
  expires: changed.expires.optional(),
  credentials: changed.credentials.optional(),
  overlapMs: z
    .number('milliseconds')
    .min(0, 'milliseconds, not below 0')
    .max(MOST_OVERLAP_MS, 'at most 30 days, in milliseconds')
    .optional(),
})

/** The registry that a driver keeps: the rules of register, update, rotate and retire are the same for all. */
export function registryOf(driver: AgentDriver, { now }: { readonly now: () => Date }): AgentRegistry {
  const checkExpiry = (expires: Date): void => {
    if (!(expires.getTime() > now().getTime()))
      throw new ConfigError('agent.expires', expires, 'a time that is still to come')
  }

  const changing = async (
    id: string,
    action: AgentChange['action'],
    options: AgentChangeOptions,
    make: (current: AgentRecord) => Partial<AgentRecord>,
  ): Promise<AgentRecord> => {
    const why = checkedWhy(options)
    return await reached(options, async () =>
      driver.change(
        id,
        (current) => {
          if (current === undefined) throw new GuardError('ERR_AGENT_UNKNOWN', 'There is no such agent.')
          if (options.revision !== undefined && options.revision !== current.revision) throw conflict()
          if (current.status === 'retired') {
            if (action === 'retired') return current
            throw new GuardError('ERR_AGENT_RETIRED', 'This agent has been retired.')
          }
          const at = now()
          const made = make(current)
          const revision = current.revision + 1
          return checked({
            ...current,
            ...made,
            overlaps: (made.overlaps ?? current.overlaps).filter(({ until }) => until > at),
            revision,
            changes: [
              ...current.changes,
              { revision, action, at, ...why, changed: Object.keys(made).toSorted() },
            ],
          })
        },
        options,
      ),
    )
  }

  return {
    name: driver.name,
    get: async (id, call) => await reached(call, async () => driver.read(id, call)),
    async list(call) {
      const records = await reached(call, async () => driver.list(call))
      return records.toSorted((a, b) => (a.id < b.id ? -1 : 1))
    },
    async register(given, options) {
      const spec = parseSpec(given)
      checkExpiry(spec.expires)
      const why = checkedWhy(options)
      return await reached(options, async () =>
        driver.change(
          spec.id,
          (current) => {
            if (current !== undefined) throw conflict()
            const at = now()
            return checked({
              ...spec,
              credentials: spec.credentials ?? [],
              created: at,
              status: 'active',
              overlaps: [],
              revision: 1,
              changes: [
                { revision: 1, action: 'registered', at, ...why, changed: Object.keys(spec).toSorted() },
              ],
            })
          },
          options,
        ),
      )
    },
    async update(id, given, options) {
      const { allowedTools, deniedTools, maxSessions, ...rest } = parsed('update', update, given)
      const bounds = Object.fromEntries(
        Object.entries({ allowedTools, deniedTools, maxSessions })
          .filter(([, value]) => value !== undefined)
          .map(([key, value]) => [key, value ?? undefined]),
      )
      const made = { ...rest, ...bounds } as Partial<AgentRecord>
      if (Object.keys(made).length === 0) throw new ConfigError('update', given, 'something to change')
      return await changing(id, 'updated', options, () => made)
    },
    async rotate(id, given, options) {
      const { overlapMs = 0, ...made } = parsed('rotation', rotation, given)
      if (Object.keys(made).length === 0) throw new ConfigError('rotation', given, 'something to rotate')
      if (made.expires !== undefined) checkExpiry(made.expires)
      return await changing(id, 'rotated', options, (current) => {
        const next = { ...made } as Partial<AgentRecord>
        const { version, credentials, expires } = current
        if (made.version === undefined && made.credentials === undefined) return next
        if (overlapMs === 0) return { ...next, overlaps: [] }
        // What is rotated out never lives longer than it would have.
        const until = new Date(Math.min(now().getTime() + overlapMs, expires.getTime()))
        return { ...next, overlaps: [...current.overlaps, { version, until, credentials }] }
      })
    },
    retire: async (id, options) =>
      await changing(id, 'retired', options, () => ({ status: 'retired', overlaps: [] })),
    ...(driver.watch === undefined
      ? {}
      : { watch: async (listener: () => void, call: AgentCall) => driver.watch!(listener, call) }),
  }
}

/** Somebody else was first. */
export function conflict(): GuardError {
  return new GuardError(
    'ERR_AGENT_CONFLICT',
    'The registration of this agent is not what the change was meant for: look at it again.',
  )
}

/** What a registry that cannot be read or reached is to whoever asked. */
export function agentsUnavailable(cause: unknown): UnavailableError {
  return new UnavailableError('ERR_AGENTS_UNAVAILABLE', 'The registry of agents could not be read.', {
    cause,
  })
}

/** A record as a driver kept it; one that is malformed is as good as none. @throws {UnavailableError} */
export function keptRecord(key: string, json: unknown): AgentRecord {
  try {
    return parseRecord(key, json)
  } catch (error) {
    throw agentsUnavailable(error)
  }
}

async function reached<T>({ signal }: AgentCall, work: () => Promise<T>): Promise<T> {
  try {
    signal.throwIfAborted()
    return await work()
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw error
    if (error instanceof ConfigError) throw error
    if (GuardError.isInstance(error) && error.code.startsWith('ERR_AGENT')) throw error
    throw agentsUnavailable(error)
  }
}

function checkedWhy({ by, reason }: AgentChangeOptions): { by: string; reason: string } {
  if (typeof by !== 'string' || by.trim() === '')
    throw new ConfigError('by', by, 'the name of who changes it')
  if (typeof reason !== 'string' || reason.trim() === '') throw new ConfigError('reason', reason, 'a reason')
  return { by, reason }
}

/** What is written is what can be read again: the record as it will come back, frozen. */
function checked(record: AgentRecord): AgentRecord {
  return parseRecord('agent', recordJson(record))
}
