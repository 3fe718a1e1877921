import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { ApprovalRequest, AuditEvent } from '@gatewright/runtime'
import { MockLanguageModelV4 } from 'ai/test'
import type { Json } from './manifest.ts'
import { createPlanner, type Planned, type Planner, type PlannerOptions } from './planner.ts'
import type { InjectionTask, Suite, UserTask } from './suite.ts'
import { createWorld, type Execution, type World } from './world.ts'

/** One task of a user, with or without an attack in what it reads. */
export interface Scene {
  readonly suite: Suite
  readonly task: UserTask
  readonly attack: InjectionTask | undefined
  readonly effects: ReadonlySet<string>
  readonly today: string
  readonly prepares: boolean
  readonly probes?: PlannerOptions['probes']
}

/** A question to a person, or a refusal without one. */
export interface Refusal {
  readonly role: Planned['role']
  readonly index: number
  readonly tool: string
  readonly outcome: 'ask' | 'deny'
  /** `unattested-argument recipient` */
  readonly why: readonly string[]
}

export interface Episode {
  readonly executions: readonly Execution[]
  /** What a person was asked, once for each question. */
  readonly prompts: readonly Refusal[]
  /** Every time the guard did not permit a call outright. */
  readonly refusals: readonly Refusal[]
  readonly unanswered: readonly string[]
  /** The attacker's instruction stood in a prompt. */
  readonly hasSeen: boolean
  /** Microseconds of loop and guard for each call that was permitted outright, tools themselves not counted. */
  readonly times: readonly number[]
}

/** One model and one person, who play every episode, one after the other. */
export interface Stage {
  readonly model: MockLanguageModelV4
  /** The tools of the suite, playing the episode that is on. */
  readonly tools: World['tools']
  /** Says yes to a correct call, and no to anything else. */
  readonly person: (request?: Pick<ApprovalRequest, 'tool'>) => 'approve' | 'reject'
  readonly listen: (event: AuditEvent) => void
  play(scene: Scene, run: (prompt: string) => PromiseLike<unknown>): Promise<Episode>
  /** The task whose episode is on. */
  readonly task: () => UserTask | undefined
}

const USAGE = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

interface On {
  readonly scene: Scene
  readonly world: World
  readonly planner: Planner
  readonly prompts: Refusal[]
  readonly refusals: Refusal[]
  readonly times: number[]
  /** When the model gave its last answer, what the tools had taken by then, and how often it had been refused. */
  last: { at: number; spent: number; refused: number } | undefined
}

export function createStage(suite: Suite): Stage {
  let on: On | undefined
  let ids = 0
  const playing = (): On => {
    if (on === undefined) throw new Error('No episode is on.')
    return on
  }
  const refusedBy = ({ refusals, prompts }: On): number => refusals.length + prompts.length
  const answer = (request: LanguageModelV4CallOptions): Planned[] => {
    const now = playing()
    const { last, world } = now
    if (last !== undefined && last.refused === refusedBy(now))
      now.times.push((performance.now() - last.at - (world.spent() - last.spent)) * 1000)
    return [...now.planner.next(request)]
  }
  const model = new MockLanguageModelV4({
    doGenerate: async (request) => {
      const calls = answer(request)
      const now = playing()
      now.last =
        calls.length === 1
          ? { at: performance.now(), spent: now.world.spent(), refused: refusedBy(now) }
          : undefined
      return {
        content:
          calls.length === 0
            ? [{ type: 'text', text: 'Done.' }]
            : calls.map(({ tool, input }) => ({
                type: 'tool-call',
                toolCallId: `call-${(ids += 1)}`,
                toolName: tool,
                input: JSON.stringify(input),
              })),
        finishReason: { unified: calls.length === 0 ? 'stop' : 'tool-calls', raw: undefined },
        usage: USAGE,
        warnings: [],
      }
    },
  })
  const note = (tool: string, outcome: Refusal['outcome'], why: readonly string[]): Refusal => {
    const call = playing().planner.inFlight()
    return { role: call?.role ?? 'task', index: call?.index ?? -1, tool, outcome, why }
  }
  const template = createWorld({
    suite,
    task: { id: '', prompt: '', calls: [], injectedCalls: [] },
    attack: undefined,
    effects: new Set(),
    inFlight: () => undefined,
  })
  const tools = Object.fromEntries(
    Object.entries(template.tools).map(([name, made]) => [
      name,
      {
        ...made,
        execute: (input: Json, options: object): unknown => {
          const { execute } = playing().world.tools[name] as {
            execute: (input: Json, options: object) => Json
          }
          return execute(input, options)
        },
      },
    ]),
  ) as World['tools']

  return {
    model,
    tools,
    task: () => on?.scene.task,
    person(request) {
      const now = playing()
      const call = now.planner.inFlight()
      const why = now.refusals.at(-1)?.why ?? []
      now.prompts.push(note(request?.tool ?? call?.tool ?? '', 'ask', why))
      return call?.role === 'task' ? 'approve' : 'reject'
    },
    listen(event) {
      if (on === undefined || event.type !== 'decision' || event.outcome === 'permit') return
      const why = event.reasons
        .filter(({ outcome }) => outcome !== 'permit')
        .map(({ rule, path }) => (path === undefined ? rule : `${rule} ${path}`))
      on.refusals.push(note(event.tool, event.outcome, why))
    },
    async play(scene, run) {
      const world = createWorld({ ...scene, inFlight: () => planner.inFlight() })
      const planner: Planner = createPlanner({
        ...scene,
        wasExecuted: (role, index) =>
          world.executions.some((one) => one.role === role && one.index === index),
      })
      on = { scene, world, planner, prompts: [], refusals: [], times: [], last: undefined }
      const { prompts, refusals, times } = on
      try {
        await run(scene.task.prompt)
      } finally {
        on = undefined
      }
      const { executions, unanswered } = world
      return { executions, prompts, refusals, unanswered, hasSeen: planner.hasSeen(), times }
    },
  }
}
