import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import { ConfigError, GuardError, storeHalts } from '@gatewright/runtime'
import {
  type AgentRecord,
  type AgentRegistry,
  type AgentRotation,
  type AgentSpec,
  type AgentUpdate,
  fileAgents,
  retireAgent,
  type RetireStep,
  storeAgents,
  storeSessions,
} from '@gatewright/runtime/identity'
import type { Store } from '@gatewright/runtime/store'
import { openStore, type StoreOptions } from './open-store.ts'
import { agentLine, agentText, stepLine } from './print-agent.ts'
import { inert, type Terminal } from './terminal.ts'
import { tokenSteps } from './token-steps.ts'
import { UsageError } from './usage-error.ts'

export interface AgentsOptions extends StoreOptions {
  /** A registry in a file, in the place of one in the store. */
  readonly file?: string
  readonly json?: boolean
}

export interface AgentChangeOptions extends AgentsOptions {
  readonly reason: string
  readonly by?: string
  /** The revision that was looked at. */
  readonly revision?: number
}

const ANSWER_MS = 30_000

/** Print every agent, or one of them with its history. */
export async function listAgents(options: AgentsOptions, terminal: Terminal): Promise<number> {
  return withAgents(options, terminal, async ({ agents, signal }) => {
    const records = await agents.list({ signal })
    if (options.json === true) await terminal.out(`${JSON.stringify(records)}\n`)
    else if (records.length === 0) await terminal.out('No agent is registered.\n')
    else await terminal.out(records.map((record) => agentLine(record, terminal)).join(''))
  })
}

/** Print one agent: what it may do, until when, its sessions, and who changed it. */
export async function showAgent(id: string, options: AgentsOptions, terminal: Terminal): Promise<number> {
  return withAgents(options, terminal, async ({ agents, store, signal }) => {
    const record = await agents.get(id, { signal })
    if (record === undefined) throw new GuardError('ERR_AGENT_UNKNOWN', `There is no agent '${id}'.`)
    const sessions = store && (await sessionsOf(store).list(id, { signal }))
    if (options.json === true) await terminal.out(`${JSON.stringify({ ...record, sessions })}\n`)
    else await terminal.out(agentText(record, sessions, terminal))
  })
}

export async function registerAgent(
  spec: AgentSpec,
  options: AgentChangeOptions,
  terminal: Terminal,
): Promise<number> {
  return changing('Registered', { ...options, isNew: true }, terminal, (agents, why) =>
    agents.register(spec, why),
  )
}

export async function updateAgent(
  id: string,
  update: AgentUpdate,
  options: AgentChangeOptions,
  terminal: Terminal,
): Promise<number> {
  return changing('Updated', options, terminal, (agents, why) => agents.update(id, update, why))
}

export async function rotateAgent(
  id: string,
  rotation: AgentRotation,
  options: AgentChangeOptions,
  terminal: Terminal,
): Promise<number> {
  return changing('Rotated', options, terminal, (agents, why) => agents.rotate(id, rotation, why))
}

/** Retire an agent, and say system by system what became of what it held. Resolves with 1 if any of it is not known to be done. */
export async function retire(
  id: string,
  options: AgentChangeOptions & { readonly waitMs: number },
  terminal: Terminal,
): Promise<number> {
  return withAgents(options, terminal, async ({ agents, store, signal }) => {
    await using halts = store && storeHalts(store)
    await halts?.opened()
    const { waitMs } = options
    const steps = await retireAgent(id, {
      agents,
      ...whyOf(options),
      signal,
      waitMs,
      ...(halts === undefined ? {} : { halts }),
      ...(store === undefined
        ? {}
        : {
            sessions: sessionsOf(store),
            revoke: [
              { system: 'credentials', run: async (agent, call) => await tokenSteps(store, agent, call) },
            ],
          }),
    })
    const all: readonly RetireStep[] = store === undefined ? [...steps, NO_STORE] : steps
    if (options.json === true) await terminal.out(`${JSON.stringify(all)}\n`)
    else await terminal.out(all.map((step) => stepLine(step, terminal)).join(''))
    return all.every(({ confirmed }) => confirmed) ? 0 : 1
  })
}

const NO_STORE: RetireStep = {
  system: 'halts',
  action: 'none',
  confirmed: false,
  detail: 'no store was named: what runs stops when its process looks at the registry again',
}

type Why = Parameters<AgentRegistry['retire']>[1]

async function changing(
  done: string,
  options: AgentChangeOptions & { readonly isNew?: boolean },
  terminal: Terminal,
  change: (agents: AgentRegistry, why: Why) => Promise<AgentRecord>,
): Promise<number> {
  return withAgents(options, terminal, async ({ agents, signal }) => {
    const record = await change(agents, { ...whyOf(options), signal })
    if (options.json === true) await terminal.out(`${JSON.stringify(record)}\n`)
    else
      await terminal.out(
        `${done} ${inert(`${record.id}@${record.version}`)}, revision ${record.revision}; expires ${record.expires.toISOString()}.\n`,
      )
  })
}

interface Opened {
  readonly agents: AgentRegistry
  /** Where halts are kept and sessions counted, if it was named. */
  readonly store: Store | undefined
  readonly signal: AbortSignal
}

async function withAgents(
  options: AgentsOptions & { readonly isNew?: boolean },
  terminal: Terminal,
  use: (opened: Opened) => Promise<number | void>,
): Promise<number> {
  const { file } = options
  const isInStore = file === undefined
  const hasStore = options.store !== undefined || (process.env['GATEWRIGHT_STORE'] ?? '') !== ''
  if (isInStore && !hasStore)
    throw new UsageError('which registry? Say --store STORE, or --file FILE, or set GATEWRIGHT_STORE.')
  if (!isInStore && options.isNew !== true && !existsSync(file))
    throw new UsageError(`there is no registry at '${file}'.`)
  const opened = hasStore ? await openStore(options) : undefined
  try {
    const store = opened?.store
    const agents = isInStore ? storeAgents({ store: store as Store }) : fileAgents({ path: file })
    return (await use({ agents, store, signal: AbortSignal.timeout(ANSWER_MS) })) ?? 0
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    if (!GuardError.isInstance(error)) throw error
    await terminal.error(`gatewright: ${inert(sentence(error))}\n`)
    return 1
  } finally {
    await opened?.close()
  }
}

function sessionsOf(store: Store): ReturnType<typeof storeSessions> {
  return storeSessions({ store, now: () => new Date(), newId: () => crypto.randomUUID() })
}

/** What is wrong with a registry is for whoever keeps it; never the address of a store, which may hold a password. */
function sentence({ message, cause }: GuardError): string {
  if (cause instanceof ConfigError) return `${message} ${cause.message}`
  const inner = GuardError.isInstance(cause) ? cause.cause : cause
  const code = (inner as NodeJS.ErrnoException | undefined)?.code
  return typeof code === 'string' ? `${message.replace(/\.$/, '')} (${code}).` : message
}

function whyOf({ by = userInfo().username, reason, revision }: AgentChangeOptions): Omit<Why, 'signal'> {
  return { by, reason, ...(revision === undefined ? {} : { revision }) }
}
