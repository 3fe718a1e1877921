import { ConfigError } from './errors.ts'
import type { AgentReference } from './identity/agent-standing.ts'
import type { AgentRegistry } from './identity/agents.ts'
import { storeSessions } from './identity/sessions.ts'
import { parseAgent, parseAgentReference } from './parse.ts'
import type { AgentIdentity } from './principal.ts'
import { fixedRegistration, liveRegistration, type Registration } from './registration.ts'
import { memoryStore } from './store/memory.ts'
import type { Store } from './store/store.ts'

export interface RegistrationTimes {
  /** How old what is known of the registry may be at a call, in milliseconds. Default 2,000; at most 60,000. */
  readonly maxAgeMs?: number
  /** How long the sessions of a process that was killed stay counted, in milliseconds. Default 15,000. */
  readonly sessionLeaseMs?: number
}

interface AgentOptions {
  readonly agent: AgentIdentity | AgentReference
  readonly agents?: AgentRegistry
  readonly registration?: RegistrationTimes
  readonly store?: Store
}

/** @throws {ConfigError} If it is no registration, or has expired; or no reference, where there is a registry. */
export function agentOf({ agent, agents }: AgentOptions, now: () => Date): AgentIdentity | AgentReference {
  if (agents !== undefined) {
    if (typeof agents?.get !== 'function')
      throw new ConfigError('agents', agents, 'a registry of agents, with get()')
    return parseAgentReference(agent)
  }
  const made = parseAgent(agent as AgentIdentity)
  if (!(made.expires.getTime() > now().getTime()))
    throw new ConfigError('agent.expires', made.expires, 'a time that is still to come')
  return made
}

/** The registration of a guard's agent; its sessions are counted in the guard's store. */
export function registrationOf(
  { agent, agents, registration = {}, store }: AgentOptions,
  { now, newId }: { readonly now: () => Date; readonly newId: () => string },
): Registration {
  if (agents === undefined) return fixedRegistration(agentOf({ agent }, now) as AgentIdentity, now)
  const { maxAgeMs, sessionLeaseMs: leaseMs } = registration
  if (leaseMs !== undefined && !(leaseMs > 0))
    throw new ConfigError('registration.sessionLeaseMs', leaseMs, 'milliseconds above 0')
  const sessions = storeSessions({
    store: store ?? memoryStore({ now }),
    now,
    newId,
    ...(leaseMs === undefined ? {} : { leaseMs }),
  })
  return liveRegistration({ agents, agent, sessions, now, maxAgeMs })
}
