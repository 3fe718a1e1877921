import {
  type Agent,
  type AgentCallParameters,
  type AgentStreamParameters,
  type GenerateTextResult,
  type ModelMessage,
  type StreamTextResult,
  ToolLoopAgent,
  type ToolLoopAgentSettings,
  type ToolSet,
} from 'ai'
import type { Contracts } from '../contract/infer.ts'
import { ConfigError, ContractError } from '../errors.ts'
import { type Guard, partsOf } from '../guard.ts'
import { checkPriced } from '../limit-request.ts'
import { type Run, stateOf } from '../run.ts'
import { record } from '../run-state.ts'
import { bindTools, compileTools, type GuardedTools, isGuarded } from './guard-tools.ts'
import { guardModel } from './guard-model.ts'
import { hear } from './hear.ts'
import { type GuardedCallOptions, type OpenRun, openRun } from './open-run.ts'
import { deriveTool } from './derive-tool.ts'
import { lookUpGrant, type TurnGrant } from './turn-grant.ts'

/** Tools that are found at run time, apart from those known by name. A tool with no contract is refused. */
export interface DynamicTools {
  readonly tools: ToolSet
  readonly contracts: Readonly<Record<string, unknown>>
  /** `trusted`: the developer stands for their names, descriptions and schemas. Else they are anyone's. */
  readonly definitions?: 'trusted'
}

export type { GuardedCallOptions } from './open-run.ts'

type Settings<TOOLS extends ToolSet> = ToolLoopAgentSettings<never, TOOLS>
type PrepareStep = NonNullable<Settings<ToolSet>['prepareStep']>

export type GuardedAgentSettings<TOOLS extends ToolSet> = Omit<
  Settings<TOOLS>,
  'tools' | 'callOptionsSchema' | 'prepareCall' | 'instructions'
> & {
  readonly instructions?: string
  readonly tools: TOOLS
  readonly contracts: Contracts<TOOLS>
  readonly dynamic?: readonly DynamicTools[]
  /** Offer the model a tool `derive`, which computes values from what the user said and from bound records. */
  readonly derive?: boolean
  /** The task grant of each turn, from trusted input alone. */
  readonly grant?: TurnGrant
  /** As in the AI SDK; hears the run as well. What it returns is under guard as much as the settings. */
  readonly prepareCall?: (
    call: PreparedCall<TOOLS>,
  ) => Partial<PreparedCall<TOOLS>> | PromiseLike<Partial<PreparedCall<TOOLS>>>
}

/** What `prepareCall` gets and may change. */
export type PreparedCall<TOOLS extends ToolSet> = Partial<
  Omit<Settings<TOOLS>, 'prepareCall' | 'callOptionsSchema'>
> & {
  readonly run: Run
  readonly prompt?: string | ModelMessage[]
  readonly messages?: ModelMessage[]
}

/** An agent whose every call goes through the guard. Without `options.principal` a call does not compile. */
export type GuardedAgent<TOOLS extends ToolSet> = Agent<GuardedCallOptions, TOOLS>

/**
 * Wrap an agent's settings: the same agent, with every tool call decided on by who asked, who the agent is, and
 * where everything that led to the call came from.
 *
 * @throws {ContractError} On a tool with no contract, or contracts that are not safe to start with.
 * @throws {ConfigError} On a contract that needs what the guard is not configured with, and on a model with no price
 * where a limit counts cost.
 */
export function guardAgent<const TOOLS extends ToolSet>(
  guard: Guard,
  settings: GuardedAgentSettings<TOOLS>,
): GuardedAgent<TOOLS> {
  const {
    tools,
    contracts,
    dynamic = [],
    derive = false,
    grant,
    prepareCall,
    instructions,
    ...rest
  } = settings
  const sets = [
    compileTools(tools, contracts),
    ...dynamic.map((one) =>
      compileTools(one.tools, one.contracts, one.definitions === 'trusted' ? 'developer' : 'anyone'),
    ),
  ]
  checkNames(sets, derive)
  for (const set of sets) checkConfigured(guard, set)
  const { model } = settings
  checkPriced(
    partsOf(guard).limiting,
    typeof model === 'string' ? { provider: 'gateway', modelId: model } : model,
  )
  const allowed = 'expires' in guard.agent ? guard.agent.allowedTools : undefined
  if (derive && allowed?.includes('derive') === false)
    throw new ConfigError(
      'agent.allowedTools',
      allowed,
      "a list with 'derive' in it, since the agent is offered that tool",
    )

  const agentFor = async (
    run: Run,
    call: CallerParameters,
    over?: () => Promise<void>,
  ): Promise<Prepared<TOOLS>> => {
    const state = stateOf(run)
    if (instructions !== undefined)
      state.transcript.remember(
        'system',
        instructions,
        record(state, { kind: 'instructions' }, ['developer'], instructions, []).id,
      )
    const bound: ToolSet = Object.assign(
      {},
      ...sets.map((set) => bindTools(run, set)),
      derive ? deriveTool(run) : {},
    )
    hear(run, call.messages ?? call.prompt ?? [])
    if (grant !== undefined) await lookUpGrant(run, grant, bound)
    const own: Partial<Settings<ToolSet>> = {
      ...(rest as Partial<Settings<ToolSet>>),
      tools: bound,
      ...(instructions === undefined ? {} : { instructions }),
    }
    const prepared = ((await prepareCall?.({
      ...own,
      run,
      ...pick(call, PROMPT_KEYS),
    } as PreparedCall<TOOLS>)) ?? {}) as Record<string, unknown>
    const merged = { ...own, ...pick(prepared, PREPARED_KEYS) } as Settings<ToolSet>
    const underGuard = new ToolLoopAgent<never, ToolSet>({
      ...merged,
      ...(over === undefined ? {} : closing(merged, over)),
      model: guardModel(run, merged.model),
      tools: toolsUnderGuard(run, merged.tools ?? bound, sets, bound),
      ...(merged.prepareStep === undefined ? {} : { prepareStep: stepUnderGuard(run, merged.prepareStep) }),
    })
    return {
      agent: underGuard as unknown as ToolLoopAgent<never, TOOLS>,
      prompt: { ...pick(call, PROMPT_KEYS), ...pick(prepared, PROMPT_KEYS) },
    }
  }

  return {
    version: 'agent-v1',
    id: settings.id,
    tools,
    async generate(
      parameters: AgentCallParameters<GuardedCallOptions, TOOLS>,
    ): Promise<GenerateTextResult<TOOLS, never, never>> {
      await using open = await openRun(guard, parameters.options)
      const { agent, prompt } = await agentFor(open.run, parameters)
      const result = await agent.generate({
        ...callbacks(parameters),
        ...prompt,
        abortSignal: signals(open.run, parameters),
      } as never)
      await open.save()
      return result as never
    },
    async stream(
      parameters: AgentStreamParameters<GuardedCallOptions, TOOLS>,
    ): Promise<StreamTextResult<TOOLS, never, never>> {
      const open = await openRun(guard, parameters.options)
      try {
        const { agent, prompt } = await agentFor(open.run, parameters, () => close(open))
        const { experimental_transform } = parameters
        const result = await agent.stream({
          ...callbacks(parameters),
          ...(experimental_transform === undefined ? {} : { experimental_transform }),
          ...prompt,
          abortSignal: signals(open.run, parameters),
        } as never)
        return result as never
      } catch (error) {
        await open[Symbol.asyncDispose]()
        throw error
      }
    },
  } as GuardedAgent<TOOLS>
}

/** A stream goes on after it was returned; its run ends when the stream does, however it does. */
function closing(settings: Settings<ToolSet>, over: () => Promise<void>): Partial<Settings<ToolSet>> {
  const then =
    <E>(own: ((event: E) => unknown) | undefined) =>
    async (event: E): Promise<void> => {
      try {
        return (await own?.(event)) as undefined
      } finally {
        await over()
      }
    }
  return {
    onEnd: then(settings.onEnd ?? settings.onFinish),
    onError: then(settings.onError ?? (({ error }) => console.error(error))),
    onAbort: then(settings.onAbort),
  }
}

async function close(open: OpenRun): Promise<void> {
  await open.save()
  await open[Symbol.asyncDispose]()
}

interface Prepared<TOOLS extends ToolSet> {
  readonly agent: ToolLoopAgent<never, TOOLS>
  readonly prompt: Record<string, unknown>
}

type CallerParameters = { prompt?: string | ModelMessage[]; messages?: ModelMessage[] }

const PROMPT_KEYS = ['prompt', 'messages'] as const
const CALLBACK_KEYS = [
  'timeout',
  'onStart',
  'experimental_onStart',
  'onStepStart',
  'experimental_onStepStart',
  'onToolExecutionStart',
  'experimental_onToolCallStart',
  'onToolExecutionEnd',
  'experimental_onToolCallFinish',
  'onStepEnd',
  'onStepFinish',
  'onEnd',
  'onFinish',
  'experimental_sandbox',
  'experimental_steering',
] as const
/** What `prepareCall` may change: everything but callbacks, and all of it under guard. */
const PREPARED_KEYS = [
  'model',
  'tools',
  'toolChoice',
  'maxRetries',
  'maxOutputTokens',
  'temperature',
  'topP',
  'topK',
  'presencePenalty',
  'frequencyPenalty',
  'stopSequences',
  'seed',
  'reasoning',
  'headers',
  'instructions',
  'stopWhen',
  'telemetry',
  'activeTools',
  'toolOrder',
  'toolCallConcurrency',
  'toolApproval',
  'prepareStep',
  'repairToolCall',
  'providerOptions',
  'experimental_refineToolInput',
  'include',
  'runtimeContext',
  'toolsContext',
] as const

// The AI SDK lets any setting through at run time; only what is named here can be passed by a caller.
function callbacks(parameters: object): Record<string, unknown> {
  return pick(parameters, CALLBACK_KEYS)
}

function pick(from: object, keys: readonly string[]): Record<string, unknown> {
  const out: Record<string, unknown> = {}
  for (const key of keys) {
    const value = (from as Record<string, unknown>)[key]
    if (Object.hasOwn(from, key) && value !== undefined) out[key] = value
  }
  return out
}

function signals(run: Run, { abortSignal }: { abortSignal?: AbortSignal }): AbortSignal {
  return abortSignal === undefined ? run.signal : AbortSignal.any([run.signal, abortSignal])
}

/** Tools that `prepareCall` put in the place of others are wrapped too, by the contract of their name. */
function toolsUnderGuard(run: Run, tools: ToolSet, sets: readonly GuardedTools[], bound: ToolSet): ToolSet {
  if (tools === bound || Object.values(tools).every((tool) => isGuarded(run, tool))) return tools
  const out: ToolSet = {}
  for (const [name, tool] of Object.entries(tools)) {
    if (isGuarded(run, tool)) {
      out[name] = tool
      continue
    }
    const contract = sets.map(({ guarded }) => guarded.get(name)).find((one) => one !== undefined)
      ?.contract.contract
    if (contract === undefined)
      throw new ContractError(
        `contracts.${name}`,
        undefined,
        'a contract for a tool that prepareCall returned',
        'ERR_CONTRACT_MISSING',
      )
    Object.assign(out, bindTools(run, compileTools({ [name]: tool }, { [name]: contract }, 'anyone')))
  }
  return out
}

function stepUnderGuard(run: Run, prepareStep: PrepareStep): PrepareStep {
  return async (step) => {
    const prepared = await prepareStep(step)
    return prepared?.model === undefined ? prepared : { ...prepared, model: guardModel(run, prepared.model) }
  }
}

function checkNames(sets: readonly GuardedTools[], derive: boolean): void {
  const seen = new Set(derive ? ['derive'] : [])
  for (const { guarded } of sets)
    for (const name of guarded.keys()) {
      if (seen.has(name)) throw new ContractError(`tools.${name}`, name, 'a name that no other tool has')
      seen.add(name)
    }
}

function checkConfigured(guard: Guard, { guarded }: GuardedTools): void {
  const { credentials } = partsOf(guard)
  for (const [name, { contract }] of guarded) {
    const wanted = contract.contract.credentials
    if (wanted === undefined) continue
    if (credentials === undefined)
      throw new ConfigError(
        'credentials',
        undefined,
        `a credential source, since contracts.${name}.credentials asks for tokens`,
      )
    if ('secret' in wanted && credentials.key === undefined)
      throw new ConfigError(
        'credentials.secrets',
        undefined,
        `a source of keys, since contracts.${name}.credentials asks for one`,
      )
  }
}
