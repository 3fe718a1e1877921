import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4Prompt,
  LanguageModelV4StreamResult,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider'
import { gateway, type LanguageModel, wrapLanguageModel } from 'ai'
import { checkAgent, checkSubject } from '../agent-check.ts'
import { haltSubject } from '../decide.ts'
import { HaltedError } from '../errors.ts'
import type { Snapshot } from '../ledger/ledger.ts'
import { checkPriced } from '../limit-request.ts'
import { type Run, stateOf } from '../run.ts'
import { checkRunning, type RunState } from '../run-state.ts'
import { labelPrompt } from './label-prompt.ts'
import { MARK } from './marks.ts'
import { meteredGenerate, meteredStream } from './meter.ts'
import { providerMayRun, takeContent, takeStream } from './model-output.ts'
import { frames } from './take-up.ts'
import { through } from './through.ts'
import { type Replaced, type ToolResultPart, withheldResults } from './withhold.ts'

const guarded = new WeakMap<LanguageModelV4, Run>()

/**
 * The model under guard: each request is labelled before it is sent, each call that comes back is tied to the
 * request that produced it, and a halted run sends nothing.
 *
 * Tools that the provider would run out of our sight are taken out of the request, unless their contract allows it.
 *
 * Middleware that adds to a request (retrieved passages, a memory) goes around the guarded model, where its words
 * are anyone's. What is added inside, between the guard and the provider, the guard cannot see.
 */
export function guardModel(run: Run, model: LanguageModel): LanguageModelV4 {
  const state = stateOf(run)
  const inner = resolve(model)
  if (guarded.get(inner) === run) return inner
  checkPriced(state.guard.limiting, inner)
  // Without middleware it is the model itself, as of the version of the interface that is spoken here.
  const asked = wrapLanguageModel({ model: inner, middleware: [] })
  const made: LanguageModelV4 = {
    specificationVersion: 'v4',
    provider: asked.provider,
    modelId: asked.modelId,
    supportedUrls: asked.supportedUrls,
    async doGenerate(params) {
      const { sent, snapshot } = await labelled(state, params)
      const check = (): void => checkMayAsk(state, sent.abortSignal)
      const send = (): PromiseLike<LanguageModelV4GenerateResult> => asked.doGenerate(sent)
      const result = await meteredGenerate(state, inner, sent, { check, send })
      check()
      return { ...result, content: takeContent(state, snapshot, result.content) }
    },
    async doStream(params) {
      const { sent, snapshot } = await labelled(state, params)
      const check = (): void => checkMayAsk(state, sent.abortSignal)
      const send = (): PromiseLike<LanguageModelV4StreamResult> => asked.doStream(sent)
      const result = await meteredStream(state, inner, sent, { check, send })
      check()
      return { ...result, stream: through(result.stream, takeStream(state, snapshot)) }
    },
  }
  guarded.set(made, run)
  return made
}

/** A request as it may be sent, and what it was labelled as. */
interface Labelled {
  readonly sent: LanguageModelV4CallOptions
  readonly snapshot: Snapshot
}

async function labelled(run: RunState, params: LanguageModelV4CallOptions): Promise<Labelled> {
  checkMayAsk(run, params.abortSignal)
  const standing = checkAgent(run)
  if (standing !== undefined) await standing
  const allowed = withoutUnseenTools(run, params)
  const pending = withheldResults(run, allowed.prompt)
  const withheld = pending === undefined ? undefined : await pending
  // What is withheld still counts: taking a result out of the prompt restores no trust.
  const snapshot = labelPrompt(run, allowed)
  const prompt = forProvider(run, allowed.prompt, withheld)
  const { maxOutputTokens = run.guard.limiting.maxOutputTokens } = allowed
  const sent = { ...allowed, prompt, ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }) }
  return { sent, snapshot }
}

function checkMayAsk(run: RunState, signal: AbortSignal | undefined): void {
  checkRunning(run)
  checkSubject(run)
  signal?.throwIfAborted()
  // An agent that a tool runs has no more to ask once the tool was stopped, whether or not it was told.
  frames.getStore()?.signal.throwIfAborted()
  if (run.guard.halts.haltOf(haltSubject(run)) !== undefined)
    throw new HaltedError('ERR_HALTED', 'This was halted by an operator.')
}

function withoutUnseenTools(run: RunState, params: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { tools } = params
  if (tools === undefined || tools.every(({ type }) => type === 'function')) return params
  return {
    ...params,
    tools: tools.filter(
      (tool) => tool.type === 'function' || runsHere(run, tool.name) || providerMayRun(run, tool.name),
    ),
  }
}

/** A tool that a provider only defines, and that is executed here, under guard. */
function runsHere(run: RunState, tool: string): boolean {
  return run.tools.get(tool)?.runsHere === true
}

/** The prompt as the provider is to see it: with its own call ids, without our marks and without what is withheld. */
function forProvider(
  run: RunState,
  prompt: LanguageModelV4Prompt,
  withheld: Replaced | undefined,
): LanguageModelV4Prompt {
  return prompt.map((message) => {
    const own = unmarked(message)
    if (own.role === 'system') return own
    const content = own.content.map((part) => {
      const plain = unmarked(part)
      if (plain.type !== 'tool-call' && plain.type !== 'tool-result') return plain
      const providerId = run.ledger.call(plain.toolCallId)?.providerId
      const shown =
        plain.type === 'tool-call'
          ? plain
          : {
              ...plain,
              output: withheld?.get(part as ToolResultPart) ?? unmarkedOutput(plain.output),
            }
      return providerId === undefined ? shown : { ...shown, toolCallId: providerId }
    })
    return { ...own, content } as typeof own
  })
}

function unmarkedOutput(output: LanguageModelV4ToolResultOutput): LanguageModelV4ToolResultOutput {
  const own = unmarked(output)
  return own.type === 'content' ? { ...own, value: own.value.map((item) => unmarked(item)) } : own
}

function unmarked<T extends object>(of: T): T {
  const { providerOptions } = of as { providerOptions?: Record<string, unknown> }
  if (providerOptions === undefined || !(MARK in providerOptions)) return of
  const { [MARK]: _, ...rest } = providerOptions
  return { ...of, providerOptions: rest }
}

function resolve(model: LanguageModel): LanguageModelV4 {
  const provider =
    (globalThis as { AI_SDK_DEFAULT_PROVIDER?: { languageModel(id: string): LanguageModel } })
      .AI_SDK_DEFAULT_PROVIDER ?? gateway
  return (typeof model === 'string' ? provider.languageModel(model) : model) as LanguageModelV4
}
