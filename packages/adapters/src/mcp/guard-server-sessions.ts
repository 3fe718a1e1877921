import type { McpCaller } from './guard-server-caller.ts'

/** Which MCP sessions there are, and whose. */
export interface SessionOwners {
  /** Whether this caller opened the session; its id alone is no proof of anything. */
  isOwn(session: string, caller: McpCaller): boolean
  /** Make the session this caller's; false if it is somebody else's already. */
  bind(session: string, caller: McpCaller): boolean
  forget(session: string): void
}

/** Beyond these the oldest are forgotten, and their clients have to begin again. */
const MOST_SESSIONS = 10_000

export function sessionOwners(most: number = MOST_SESSIONS): SessionOwners {
  const owners = new Map<string, string>()
  return {
    isOwn: (session, caller) => owners.get(session) === ownerOf(caller),
    bind(session, caller) {
      const owner = ownerOf(caller)
      const known = owners.get(session)
      if (known !== undefined) return known === owner
      owners.set(session, owner)
      const [oldest] = owners.keys()
      if (owners.size > most && oldest !== undefined) owners.delete(oldest)
      return true
    },
    forget: (session) => void owners.delete(session),
  }
}

/** The same user through another agent, or for another tenant, is somebody else. */
function ownerOf({ subject, client, chain, tenant }: McpCaller): string {
  return JSON.stringify([subject, client ?? null, chain, tenant ?? null])
}
