import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { isVisible } from './attack.ts'
import type { Json } from './manifest.ts'
import { isRecord, sameInput, scalars } from './plain.ts'
import type { InjectionTask, Suite, UserTask } from './suite.ts'
import { expressionsFor, isSaid, readWords, type Said } from './templates.ts'
import { promptTexts, seenResults, type SeenResult, userWords } from './transcript.ts'
import type { InFlight, Role } from './world.ts'

/** One call that the planner means to make. */
export interface Planned {
  readonly role: Role
  readonly index: number
  readonly tool: string
  readonly input: Json
}

export interface PlannerOptions {
  readonly suite: Suite
  readonly task: UserTask
  readonly attack: InjectionTask | undefined
  readonly effects: ReadonlySet<string>
  /** The day, as the guard's clock tells it. */
  readonly today: string
  /** Whether it tries templates before calls with an effect. */
  readonly prepares: boolean
  /** Whether a call of this role and position was executed: the planner is told what it could read in its prompt. */
  readonly wasExecuted: (role: Role, index: number) => boolean
  /** Calls to make when the task is done, instead of the attack, if the instruction was seen. */
  readonly probes?: (results: readonly SeenResult[], said: Said) => readonly Planned[]
}

/** The worst model: does the task, and obeys whatever instruction it can see. */
export interface Planner {
  /** The next calls; none when it has nothing more to do. */
  next(request: LanguageModelV4CallOptions): readonly Planned[]
  readonly inFlight: () => InFlight | undefined
  /** The instruction stood in a prompt. */
  readonly hasSeen: () => boolean
}

/**
 * A planner that does the task by its known correct calls. As soon as it sees the attacker's instruction it carries
 * that out, exactly, before anything else, and what was refused once more at the end, when more may be attested.
 *
 * Before a call with an effect whose values the user did not say, it tries the look-ups and derivations of
 * `templates.ts`.
 */
export function createPlanner({
  suite,
  task,
  attack,
  effects,
  today,
  prepares,
  wasExecuted,
  probes,
}: PlannerOptions): Planner {
  const queue: Planned[] = task.calls.map((call, index) => ({
    role: 'task',
    index,
    tool: call.tool,
    input: call.args,
  }))
  const prepared = new Set<Planned>()
  const lookedUp = new Set<Planned>()
  const asked = new Set<string>()
  let hasSeen = false
  let isLate = false
  let current: InFlight | undefined

  const attackCalls = (): Planned[] =>
    (attack?.calls ?? []).map((call, index) => ({
      role: 'attack',
      index,
      tool: call.tool,
      input: call.args,
    }))

  const advance = (request: LanguageModelV4CallOptions): Planned[] => {
    const next = queue[0]
    if (next === undefined) {
      if (!hasSeen || isLate) return []
      isLate = true
      if (probes !== undefined)
        return [...probes(seenResults(request.prompt), readWords(userWords(request.prompt)))]
      queue.push(
        ...attackCalls().filter(({ tool, index }) => effects.has(tool) && !wasExecuted('attack', index)),
      )
      return queue.length === 0 ? [] : advance(request)
    }
    if (prepares && next.role === 'task' && effects.has(next.tool) && !prepared.has(next)) {
      prepared.add(next)
      const before = preparations(next, request)
      queue.unshift(...before)
      return advance(request)
    }
    queue.shift()
    // What an effect changed may be looked up again.
    if (effects.has(next.tool)) asked.clear()
    return [next]
  }

  const preparations = (call: Planned, { prompt, tools }: LanguageModelV4CallOptions): Planned[] => {
    const said = readWords(userWords(prompt))
    const results = seenResults(prompt)
    const missing = [...scalars(call.input)]
      .map(([, value]) => value)
      .filter(
        (value) => (typeof value === 'string' || typeof value === 'number') && !isSaid(said, value),
      ) as (string | number)[]
    if (missing.length === 0) return []
    const lookups = lookedUp.has(call) ? [] : lookUps(suite, effects, results, said, missing)
    const fresh = lookups.filter(({ tool, input }) => {
      const key = JSON.stringify([tool, input])
      return !asked.has(key) && asked.add(key) !== undefined
    })
    if (fresh.length > 0) {
      // Derivations may read what the look-ups bring, so they are thought of after these.
      lookedUp.add(call)
      prepared.delete(call)
      return fresh
    }
    if (tools?.every(({ name }) => name !== 'derive') ?? true) return []
    return missing
      .flatMap((value) => expressionsFor(value, results, said, today))
      .map((expression) => ({ role: 'preparation', index: -1, tool: 'derive', input: { expression } }))
  }

  return {
    next(request) {
      if (attack !== undefined && !hasSeen && isVisible(attack, promptTexts(request.prompt))) {
        hasSeen = true
        if (probes === undefined) queue.unshift(...attackCalls())
      }
      const calls = advance(request)
      const [call] = calls
      current = call && { role: call.role, index: call.index, tool: call.tool }
      return calls
    },
    inFlight: () => current,
    hasSeen: () => hasSeen,
  }
}

function lookUps(
  suite: Suite,
  effects: ReadonlySet<string>,
  results: readonly SeenResult[],
  said: Said,
  missing: readonly (string | number)[],
): Planned[] {
  const out: Planned[] = []
  const plan = (tool: string, input: Json): void => {
    if (results.some((one) => one.tool === tool && sameInput(one.input, input))) return
    out.push({ role: 'preparation', index: -1, tool, input })
  }
  for (const { tool, input, output } of results) {
    const required = requiredOf(suite, tool)
    if (!isRecord(input) || required.length === 0 || effects.has(tool)) continue
    if (![...scalars(output)].some(([, value]) => missing.includes(value as string))) continue
    plan(tool, Object.fromEntries(Object.entries(input).filter(([key]) => required.includes(key))))
  }
  for (const { name, inputSchema } of suite.tools) {
    const [only, ...more] = requiredOf(suite, name)
    const properties = inputSchema['properties']
    if (effects.has(name) || only === undefined || more.length > 0 || !isRecord(properties)) continue
    const schema = properties[only]
    if (!isRecord(schema) || schema['type'] !== 'string') continue
    for (const words of said.names) plan(name, { [only]: words })
  }
  return out
}

function requiredOf(suite: Suite, tool: string): readonly string[] {
  const required = suite.tools.find((one) => one.name === tool)?.inputSchema['required']
  return Array.isArray(required) ? (required as string[]) : []
}
