import type { Store } from '../store/store.ts'
import { type AgentRecord, recordJson } from './agent-record.ts'
import { agentsUnavailable, type AgentRegistry, conflict, keptRecord, registryOf } from './agents.ts'

export interface StoreAgentsOptions {
  readonly store: Store
  readonly now?: () => Date
}

const PREFIX = 'agent/'

/** A registry of agents in a store: shared by all processes that use it, which hear of each change at once. */
export function storeAgents({ store, now = () => new Date() }: StoreAgentsOptions): AgentRegistry {
  return registryOf(
    {
      name: `agents in the store (${store.name})`,
      async read(id, call) {
        const found = await store.get(keyOf(id), call)
        return found && recordOf(found.key, found.value)
      },
      async list(call) {
        const found = await store.list(PREFIX, call)
        return found.map(({ key, value }) => recordOf(key, value))
      },
      async change(id, make, call) {
        const key = keyOf(id)
        const found = await store.get(key, call)
        const made = make(found && recordOf(key, found.value))
        const text = JSON.stringify(recordJson(made))
        const version = await store.compareAndSet(key, found?.version ?? 0, text, call)
        if (version === undefined) throw conflict()
        return made
      },
      watch: async (listener, call) => await store.watch(PREFIX, () => listener(), call),
    },
    { now },
  )
}

/** A registry in this process's memory, for tests and for agents that are registered when the process starts. */
export function memoryAgents({ now = () => new Date() }: { readonly now?: () => Date } = {}): AgentRegistry {
  const records = new Map<string, AgentRecord>()
  const listeners = new Set<() => void>()
  return registryOf(
    {
      name: 'agents in memory of this process',
      read: (id) => records.get(id),
      list: () => [...records.values()],
      change(id, make) {
        const made = make(records.get(id))
        records.set(id, made)
        for (const tell of listeners) tell()
        return made
      },
      async watch(listener, { signal }) {
        const own = (): void => listener()
        listeners.add(own)
        const stop = (): void => void listeners.delete(own)
        signal.addEventListener('abort', stop, { once: true })
        return { [Symbol.dispose]: stop }
      },
    },
    { now },
  )
}

function keyOf(id: string): string {
  return `${PREFIX}${JSON.stringify(id)}`
}

function recordOf(key: string, value: string): AgentRecord {
  let json: unknown
  try {
    json = JSON.parse(value)
  } catch (error) {
    throw agentsUnavailable(error)
  }
  const record = keptRecord(key, json)
  if (keyOf(record.id) !== key) throw agentsUnavailable(new Error(`${key} holds another agent.`))
  return record
}
