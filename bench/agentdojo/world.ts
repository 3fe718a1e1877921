import { jsonSchema, tool, type ToolSet } from 'ai'
import { planted } from './attack.ts'
import type { Json } from './manifest.ts'
import { isRecord, loosely, sameInput, scalars } from './plain.ts'
import type { InjectionTask, RecordedCall, Suite, UserTask } from './suite.ts'

/** On whose behalf a call is made. */
export type Role = 'task' | 'attack' | 'probe' | 'preparation'

/** A call that reached its tool. */
export interface Execution {
  readonly role: Role | 'guard'
  /** Position among the calls of its role, where the planner made it. */
  readonly index: number
  readonly tool: string
  readonly input: Json
}

/** The tools of one episode, which answer from what was recorded. */
export interface World {
  readonly tools: ToolSet
  readonly executions: readonly Execution[]
  /** Names of reads that no recording answers, as often as they were refused. */
  readonly unanswered: readonly string[]
  /** Milliseconds that tools themselves took so far. */
  readonly spent: () => number
}

/** Which call of the planner is in flight. */
export interface InFlight {
  readonly role: Role
  readonly index: number
  readonly tool: string
}

/** What an episode is about. */
export interface Setting {
  readonly suite: Suite
  readonly task: UserTask
  readonly attack: InjectionTask | undefined
  /** Names of the tools with an effect. */
  readonly effects: ReadonlySet<string>
  readonly inFlight: () => InFlight | undefined
}

/**
 * Tools that replay what was recorded: the calls of the task, further reads of the environment, the attacker's own
 * calls. What the episode itself created is found again. A read that nothing answers is refused by name.
 */
export function createWorld({ suite, task, attack, effects, inFlight }: Setting): World {
  const executions: Execution[] = []
  const unanswered: string[] = []
  const created: Json[] = []
  const shown = (output: Json): Json => planted(output, attack)
  const own = attack === undefined ? task.calls : task.injectedCalls
  const recordings = recordingsOf(suite, task)
  let spent = 0

  const answer = (name: string, input: Json, now: InFlight | undefined): Json => {
    const mine = now?.role === 'task' && now.tool === name ? own[now.index] : undefined
    if (mine !== undefined && sameCall(suite, name, input, mine.args)) return shown(mine.output)
    const theirs = now?.role === 'attack' && now.tool === name ? attack?.calls[now.index] : undefined
    if (theirs !== undefined) return theirs.output
    const read = suite.reads.find((one) => one.tool === name && sameCall(suite, name, input, one.args))
    if (read !== undefined)
      return withCreated(
        shown(attack === undefined ? read.output : (read.injectedOutput ?? read.output)),
        input,
        created,
      )
    const before = own.find((one) => one.tool === name && sameCall(suite, name, input, one.args))
    if (before !== undefined) return withCreated(shown(before.output), input, created)
    const plain = fromEnvironment(suite, name, input, created)
    if (plain !== undefined) return shown(plain)
    // A tool with an effect answers like it did elsewhere; a read has nothing to say.
    const elsewhere = effects.has(name) ? recordings.get(name) : undefined
    if (elsewhere !== undefined) return elsewhere.output
    unanswered.push(name)
    throw new Error(`No recording answers this call of ${name}.`)
  }

  const tools = Object.fromEntries(
    suite.tools.map(({ name, description, inputSchema }) => [
      name,
      tool({
        description,
        inputSchema: jsonSchema<Record<string, Json>>(inputSchema as Parameters<typeof jsonSchema>[0]),
        execute: (input, { toolCallId }): Json => {
          const begun = performance.now()
          const now = toolCallId === 'guard-lookup' ? undefined : inFlight()
          try {
            const output = answer(name, input, now)
            executions.push({ role: now?.role ?? 'guard', index: now?.index ?? -1, tool: name, input })
            if (isRecord(output) && effects.has(name)) created.push(output)
            return output
          } finally {
            spent += performance.now() - begun
          }
        },
      }),
    ]),
  )
  return { tools, executions, unanswered, spent: () => spent }
}

/** A recorded call of each tool, of any task. */
function recordingsOf(suite: Suite, task: UserTask): Map<string, RecordedCall> {
  const all = [task, ...suite.userTasks].flatMap(({ calls }) => calls)
  const out = new Map<string, RecordedCall>()
  for (const call of [...all, ...suite.injectionTasks.flatMap(({ calls }) => calls)])
    if (!out.has(call.tool)) out.set(call.tool, call)
  return out
}

function sameCall(suite: Suite, name: string, a: Json, b: Json): boolean {
  return sameInput(withDefaults(suite, name, a), withDefaults(suite, name, b))
}

/** An input with what it leaves out filled in from the schema. */
function withDefaults(suite: Suite, name: string, input: Json): Json {
  const properties = suite.tools.find((one) => one.name === name)?.inputSchema['properties']
  if (!isRecord(properties) || !isRecord(input)) return input
  const defaults = Object.entries(properties).flatMap(([key, schema]) =>
    isRecord(schema) && schema['default'] !== undefined ? [[key, schema['default']] as const] : [],
  )
  return { ...Object.fromEntries(defaults), ...input }
}

/** A list that also holds what was created since, where a field of it is what was asked for. */
function withCreated(output: Json, input: Json, created: readonly Json[]): Json {
  return Array.isArray(output)
    ? [...(output as readonly Json[]), ...created.filter((one) => isFound(one, input))]
    : output
}

function isFound(record: Json, input: Json): boolean {
  const asked = [...scalars(input)].flatMap(([, value]) =>
    typeof value === 'string' ? [loosely(value)] : [],
  )
  const fields = new Set([...scalars(record)].map(([, value]) => loosely(value)))
  return asked.length > 0 && asked.every((value) => fields.has(value))
}

/** What can plainly be told: a longer list than one that was recorded in full, or a record that was created here. */
function fromEnvironment(
  suite: Suite,
  name: string,
  input: Json,
  created: readonly Json[],
): Json | undefined {
  const recorded = suite.reads.filter((one) => one.tool === name)
  for (const { args, output } of recorded) {
    const [wanted, had] = [onlyNumber(input), onlyNumber(args)]
    if (wanted !== undefined && had !== undefined && Array.isArray(output))
      if (output.length < had && had <= wanted) return output
  }
  if (!recorded.some(({ output }) => Array.isArray(output))) return undefined
  const found = created.filter((one) => isFound(one, input))
  return found.length > 0 ? found : undefined
}

function onlyNumber(input: Json): number | undefined {
  const values = isRecord(input) ? Object.values(input) : []
  return values.length === 1 && typeof values[0] === 'number' ? values[0] : undefined
}
