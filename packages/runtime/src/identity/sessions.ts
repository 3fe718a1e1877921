import type { Store, StoreCall } from '../store/store.ts'

/** One run of an agent that is counted, for as long as its lease is renewed. */
export interface AgentSession {
  /** False if it is lost: its lease ran out, and another may have the place. */
  renew(call: StoreCall): Promise<boolean>
  release(call: StoreCall): Promise<void>
}

/** A session as the store knows it. */
export interface CountedSession {
  readonly run: string
  readonly since: string
}

/** The runs of agents that are in progress, counted among all processes that share the store. */
export interface AgentSessions {
  /** How long a session is counted after it was last renewed, in milliseconds. */
  readonly leaseMs: number
  /** Count a run, if fewer than `most` are counted; undefined if not. */
  take(
    agent: string,
    run: string,
    options: StoreCall & { readonly most: number | undefined },
  ): Promise<AgentSession | undefined>
  list(agent: string, call: StoreCall): Promise<readonly CountedSession[]>
}

export interface StoreSessionsOptions {
  readonly store: Store
  readonly now: () => Date
  readonly newId: () => string
  /** Default 15,000. A process that is killed holds its sessions for so long. */
  readonly leaseMs?: number
}

/** How often it is worth trying places that others take at the same time. */
const MOST_ROUNDS = 10

/**
 * Sessions in a store. There are as many places as an agent may have sessions, each a record that one writer at most
 * can make: the count is exact however many processes start runs at once. Only after the limit was lowered, the
 * sessions that were there before may go on.
 */
export function storeSessions({ store, now, newId, leaseMs = 15_000 }: StoreSessionsOptions): AgentSessions {
  async function takeAt(key: string, run: string, { signal }: StoreCall): Promise<AgentSession | undefined> {
    const value = JSON.stringify({ run, since: now().toISOString(), holder: newId() })
    const version = await store.compareAndSet(key, 0, value, { signal, ttlMs: leaseMs })
    return version === undefined ? undefined : held(key, value, version)
  }

  function held(key: string, value: string, version: number): AgentSession {
    let known = version
    /** A write that threw may have happened: what stands there says whether it is still ours. */
    const write = async (next: string | undefined, call: StoreCall): Promise<boolean> => {
      for (let round = 0; round < 2; round += 1) {
        const options = next === undefined ? call : { ...call, ttlMs: leaseMs }
        const made = await store.compareAndSet(key, known, next, options)
        if (made !== undefined) {
          known = made
          return true
        }
        const found = await store.get(key, call)
        if (found?.value !== value) return false
        known = found.version
      }
      return false
    }
    return {
      renew: async (call) => await write(value, call),
      async release(call) {
        await write(undefined, call)
      },
    }
  }

  return {
    leaseMs,
    async take(agent, run, { signal, most }) {
      const prefix = prefixOf(agent)
      if (most === undefined) return await takeAt(`${prefix}${newId()}`, run, { signal })
      for (let round = 0; round < MOST_ROUNDS; round += 1) {
        const taken = new Set((await store.list(prefix, { signal })).map(({ key }) => key))
        if (taken.size >= most) return undefined
        const free = Array.from({ length: most }, (_, place) => `${prefix}${place}`).filter(
          (key) => !taken.has(key),
        )
        // Each starts elsewhere, so that those who come together do not all try the same place.
        const from = Math.floor(Math.random() * free.length)
        for (let i = 0; i < free.length; i += 1) {
          const session = await takeAt(free[(from + i) % free.length] as string, run, { signal })
          if (session !== undefined) return session
        }
      }
      return undefined
    },
    async list(agent, call) {
      const found = await store.list(prefixOf(agent), call)
      return found.map(({ value }) => {
        const { run, since } = JSON.parse(value) as CountedSession
        return { run, since }
      })
    },
  }
}

function prefixOf(agent: string): string {
  return `agent-session/${JSON.stringify(agent)}/`
}
