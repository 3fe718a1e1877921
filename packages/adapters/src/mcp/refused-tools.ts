import type { Run } from '@gatewright/runtime'
import { recordRefused } from '@gatewright/runtime/gateway'

/** Why a tool of a server is not offered to the model. */
export type RefusedBecause =
  | 'no contract'
  | 'not accepted'
  | 'changed since it was accepted'
  | 'no longer there'
  | 'not a usable definition'
  | 'not a usable name'
  | 'not a usable schema'

export interface NotOffered {
  readonly tool: string
  readonly because: RefusedBecause
}

interface Recorded {
  readonly because: RefusedBecause
  readonly kept: Promise<void>
}

const recorded = new WeakMap<Run, Map<string, ReadonlyMap<string, Recorded>>>()

/**
 * Record which tools of a server are not offered in a run: each once, however often it is looked, and anew where it
 * was offered meanwhile or there is another reason.
 *
 * @throws {UnavailableError} If the audit cannot be written: then nothing of the server may be offered.
 */
export async function recordRefusedTools(
  run: Run,
  server: string,
  refused: readonly NotOffered[],
): Promise<void> {
  const servers = recorded.get(run) ?? new Map<string, ReadonlyMap<string, Recorded>>()
  recorded.set(run, servers)
  const before = servers.get(server)
  const now = new Map<string, Recorded>()
  for (const { tool, because } of refused) {
    const known = before?.get(tool)
    const one =
      known?.because === because
        ? known
        : { because, kept: recordRefused(run, { type: 'tool-refused', server, tool, because }) }
    now.set(tool, one)
  }
  servers.set(server, now)
  try {
    await Promise.all([...now.values()].map(({ kept }) => kept))
  } catch (error) {
    servers.delete(server)
    throw error
  }
}
