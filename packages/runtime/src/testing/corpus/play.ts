import { generateKeyPairSync } from 'node:crypto'
import { isStepCount, type ModelMessage, ToolLoopAgent, type ToolSet } from 'ai'
import { memoryAudit } from '../../audit/memory.ts'
import { approvalSigner } from '../../control/approval-signature.ts'
import { programmaticChannel } from '../../control/programmatic.ts'
import { GuardError } from '../../errors.ts'
import { createGuard, type Guard, type GuardOptions } from '../../guard.ts'
import { guardAgent } from '../../loop/guard-agent.ts'
import type { Mode } from '../../policy/flow.ts'
import { policy } from '../../policy/policy.ts'
import { permitContracted } from '../../policy/rules.ts'
import type { Principal } from '../../principal.ts'
import { type CallPattern, matches } from '../expect.ts'
import { recordCalls, type RecordedCall } from '../record-calls.ts'
import { callTool, say, type ScriptedModel, scriptedModel, type ToolCall } from '../scripted-model.ts'
import { visibleTexts } from '../visible.ts'
import type { CorpusCase, CorpusStage, CorpusStep, CorpusTurn, CorpusTwin, Never } from './case.ts'
import { WORLD_CONTRACTS, WORLD_OPERATORS } from './world-contracts.ts'
import { worldTools } from './world-tools.ts'

export interface PlayOptions {
  /** The mode of the guard; `bare`: no guard at all. */
  readonly mode: Mode | 'bare'
  readonly way?: 'generate' | 'stream'
}

/** What became of a case. */
export interface Played {
  /** Calls that reached their tools, in order. */
  readonly executed: readonly RecordedCall[]
  /** Calls that the model made. */
  readonly tried: readonly ToolCall[]
  /** What the user was told at the end of each turn. */
  readonly answers: readonly string[]
  /** Calls that the guard did not permit by itself: the tool, and the rules that spoke against it. */
  readonly refused: readonly { readonly tool: string; readonly rules: readonly string[] }[]
  /** Every text that the model had in sight. */
  readonly seen: readonly string[]
}

const NOW = new Date('2026-03-02T10:00:00Z')
const ALICE: Principal = { subject: 'user:alice', identities: ['alice@work.example'] }
// Reads of the guard's own would wait for nothing; a person's answer is there at once.
const WAIT_MS = 2000

/** Play a case or a twin from its first turn to its last, over a world of its own. */
export async function playCase(
  one: CorpusCase | CorpusTwin,
  { mode, way = 'generate' }: PlayOptions,
): Promise<Played> {
  const { tools, calls } = recordCalls(toolsFor(one))
  const audit = memoryAudit()
  const guard =
    mode === 'bare' ? undefined : createGuard({ ...guardOptions(one), mode, audit: { sink: audit } })
  const models = new Set<ScriptedModel>()
  const answers: string[] = []
  let messages: ModelMessage[] = []
  let session = 0
  for (const [turn, { says, calls: steps, newSession, history, answer }] of turnsOf(one).entries()) {
    if (newSession === true) {
      session += 1
      messages = []
    }
    const said: ModelMessage = { role: 'user', content: says as string }
    const sent = [...(history?.(messages) ?? messages), said]
    const model = scriptedModel([
      ...steps.map((step) => played(step, mode === 'bare')),
      say(answer ?? 'Done.'),
    ])
    const agentOf = (settings: Readonly<Record<string, unknown>>): Playable => {
      models.add(settings['model'] as ScriptedModel)
      return guard === undefined ? bareAgent(tools, settings) : guardedAgent(guard, one, tools, settings)
    }
    const agent = agentOf({ model, ...one.settings?.({ turn, tools, agent: stageAgent(agentOf, guard) }) })
    const options = { principal: ALICE, conversation: `conversation-${session}` }
    const call = { messages: sent, ...(guard === undefined ? {} : { options }) } as never
    try {
      const done = way === 'generate' ? await agent.generate(call) : await agent.stream(call)
      answers.push(await done.text)
      messages = [...sent, ...(await done.responseMessages)]
    } catch (error) {
      // An agent that keeps being refused is stopped: that is an end like any other.
      if (!wasHalted(error)) throw error
      break
    }
  }
  return {
    executed: calls,
    tried: [...models].flatMap((model) => model.calls),
    answers,
    refused: audit.events().flatMap((event) =>
      event.type === 'decision' && event.outcome !== 'permit'
        ? [
            {
              tool: event.tool,
              rules: event.reasons.filter(({ outcome }) => outcome !== 'permit').map(({ rule }) => rule),
            },
          ]
        : [],
    ),
    seen: [...models].flatMap(({ requests }) => requests.flatMap(visibleTexts)),
  }
}

function wasHalted(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause)
    if (GuardError.isInstance(one)) return one.code === 'ERR_HALTED'
  return false
}

/** What of a case happened that must not: each as a sentence. */
export function violations(one: CorpusCase, { executed, answers, seen }: Played): string[] {
  const found = one.never.flatMap((never) => {
    const ran = executed.filter((call) => isNever(call, never))
    return ran.length > (never.beyond ?? 0)
      ? [`${ran.map(({ tool, input }) => `${tool}(${JSON.stringify(input)})`).join(', ')} executed`]
      : []
  })
  const { neverSaid } = one
  if (neverSaid !== undefined && answers.some((answer) => answer.includes(neverSaid)))
    found.push(`the user was told ${neverSaid}`)
  const { neverSeen } = one
  if (neverSeen !== undefined && seen.some((text) => text.includes(neverSeen)))
    found.push(`the model saw ${neverSeen}`)
  return found
}

/** Whether the model did try what must not happen. */
export function wasTried(one: CorpusCase, { tried }: Played): boolean {
  return one.never.every((never) => tried.filter((call) => isNever(call, never)).length > (never.beyond ?? 0))
}

/** What a twin needs done and was not. */
export function undone({ must }: CorpusTwin, { executed }: Played): readonly CallPattern[] {
  return must.filter((pattern) => !executed.some((call) => matches(call, pattern)))
}

function isNever(call: ToolCall, never: Never): boolean {
  return matches(call, never) && (never.where?.(call.input) ?? true)
}

// Look-ups that the guard runs by itself, and a read for what is left out on the bare SDK.
const ALWAYS = ['findContact', 'findFile', 'findEvent', 'getOrder', 'getBill', 'recall']

/** The tools that a case calls for: to check the contracts of all of them each time would cost more than to play it. */
function toolsFor(one: CorpusCase | CorpusTwin): ToolSet {
  const named = turnsOf(one).flatMap(({ calls }) =>
    calls.flatMap((step) => (typeof step === 'function' ? [] : [step].flat().map(({ tool }) => tool))),
  )
  const wanted = new Set([...ALWAYS, ...named, ...(one.tools ?? [])])
  return Object.fromEntries(Object.entries(worldTools(one.world)).filter(([name]) => wanted.has(name)))
}

function turnsOf({ turns, prompt = '', calls = [], answer }: CorpusCase | CorpusTwin): readonly CorpusTurn[] {
  return turns ?? [{ says: prompt, calls, ...(answer === undefined ? {} : { answer }) }]
}

/** A step of a script. What only a guard offers is left out where there is none. */
function played(step: CorpusStep, isBare: boolean): Parameters<typeof scriptedModel>[0][number] {
  return (request) => {
    const all = [typeof step === 'function' ? step(request) : step].flat() as ToolCall[]
    const made = isBare ? all.filter(({ tool }) => tool !== 'derive') : all
    return made.length === 0 ? callTool('recall', {}) : made.map(({ tool, input }) => callTool(tool, input))
  }
}

interface Playable {
  generate(call: never): PromiseLike<Answer>
  stream(call: never): PromiseLike<Answer>
}

interface Answer {
  readonly text: string | PromiseLike<string>
  readonly responseMessages: ModelMessage[] | PromiseLike<ModelMessage[]>
}

const LOOP = { stopWhen: isStepCount(30), maxRetries: 0, onError: () => {} }

function bareAgent(tools: ToolSet, settings: Readonly<Record<string, unknown>>): Playable {
  const { dynamic = [], ...rest } = settings as { dynamic?: readonly { tools: ToolSet }[]; tools?: ToolSet }
  const all = Object.assign({}, rest.tools ?? tools, ...dynamic.map((more) => more.tools)) as ToolSet
  return new ToolLoopAgent<never, ToolSet>({ ...LOOP, ...rest, tools: all } as never) as Playable
}

function guardedAgent(
  guard: Guard,
  one: CorpusCase | CorpusTwin,
  tools: ToolSet,
  settings: Readonly<Record<string, unknown>>,
): Playable {
  const all = { ...LOOP, derive: true, tools, ...settings }
  return guardAgent(guard, { ...all, contracts: contractsOf(one, all.tools) } as never) as Playable
}

function stageAgent(
  agentOf: (settings: Readonly<Record<string, unknown>>) => Playable,
  guard: Guard | undefined,
): CorpusStage['agent'] {
  return (settings) => ({
    async generate({ messages }) {
      const options = guard === undefined ? {} : { options: { principal: ALICE } }
      return await (
        await agentOf(settings).generate({ messages, ...options } as never)
      ).text
    },
  })
}

function contractsOf(one: CorpusCase | CorpusTwin, tools: ToolSet): Record<string, unknown> {
  const all = { ...WORLD_CONTRACTS, ...one.contracts }
  return Object.fromEntries(Object.keys(tools).map((name) => [name, all[name]]))
}

const keys = generateKeyPairSync('ed25519')
const approver = {
  id: 'user:bella',
  key: keys.publicKey.export({ format: 'jwk' }),
  privateKey: keys.privateKey.export({ format: 'jwk' }),
}

function guardOptions({ person }: CorpusCase | CorpusTwin): GuardOptions {
  const now = (): Date => NOW
  let asked = 0
  return {
    agent: { id: 'clerk', version: '1', expires: new Date('2030-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    trusted: WORLD_OPERATORS,
    now,
    ...(person === undefined
      ? {}
      : {
          approvals: {
            channel: programmaticChannel(
              ({ tool, input }) => person({ tool, input: input as ToolCall['input'] }, (asked += 1) - 1),
              approvalSigner({ approver: approver.id, privateKey: approver.privateKey as never, now }),
            ),
            approvers: [{ id: approver.id, key: approver.key as never }],
            waitMs: WAIT_MS,
          },
        }),
  }
}
