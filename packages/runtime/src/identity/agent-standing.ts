import type { AgentRecord } from './agent-record.ts'

/** Why an agent may not act. */
export type AgentProblem = 'agent-unknown' | 'agent-retired' | 'agent-expired'

/** An agent that a guard acts as: which registration, and which version of it. */
export interface AgentReference {
  readonly id: string
  readonly version: string
}

/** Why a version of an agent may not act now; undefined if it may. */
export function problemOf(
  record: AgentRecord | undefined,
  { version }: AgentReference,
  now: Date,
): AgentProblem | undefined {
  if (record === undefined) return 'agent-unknown'
  if (record.status !== 'active') return 'agent-retired'
  const at = now.getTime()
  // A clock that gives no time must not read as one before the end.
  const isBefore = (end: Date): boolean => at < end.getTime()
  if (record.version === version) return isBefore(record.expires) ? undefined : 'agent-expired'
  const overlap = record.overlaps.filter((one) => one.version === version)
  if (overlap.length === 0) return 'agent-unknown'
  return overlap.some(({ until }) => isBefore(until)) ? undefined : 'agent-expired'
}

/** When a version of an agent stops being valid, as far as is known; undefined if it is not valid. */
export function endOf(record: AgentRecord, { version }: AgentReference): Date | undefined {
  if (record.version === version) return record.expires
  return record.overlaps
    .filter((one) => one.version === version)
    .map(({ until }) => until)
    .toSorted((a, b) => b.getTime() - a.getTime())[0]
}

/** Which tools somebody may call. */
export interface ToolBounds {
  readonly allowedTools?: readonly string[] | undefined
  readonly deniedTools?: readonly string[] | undefined
}

/** Why a tool is not for whoever has these bounds; undefined if it is. The deny list wins. */
export function toolProblem(
  { allowedTools, deniedTools }: ToolBounds,
  tool: string,
): 'tool-denied-to-agent' | 'tool-not-allowed-to-agent' | undefined {
  if (deniedTools?.includes(tool) === true) return 'tool-denied-to-agent'
  return allowedTools !== undefined && !allowedTools.includes(tool) ? 'tool-not-allowed-to-agent' : undefined
}

/** The bounds of a chain of agents, each acting for the one before: what every one of them may call, and no more. */
export function narrowed(hops: readonly ToolBounds[]): ToolBounds {
  const lists = hops.flatMap(({ allowedTools }) => (allowedTools === undefined ? [] : [allowedTools]))
  const deniedTools = [...new Set(hops.flatMap((hop) => hop.deniedTools ?? []))]
  const [first, ...others] = lists
  return first === undefined
    ? { deniedTools }
    : { deniedTools, allowedTools: first.filter((tool) => others.every((list) => list.includes(tool))) }
}
