import type {
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import { APICallError } from 'ai'
import type { TokenUse } from '../control/budget.ts'
import { countsRequests, type HeldRequest, holdRequest, type ModelName } from '../limit-request.ts'
import type { RunState } from '../run-state.ts'

/** A request to a model. */
export interface Ask<T> {
  /** Throws if the request may not be sent after all: the budgets may have made it wait. */
  check(): void
  send(): PromiseLike<T>
}

/** A request whose budgets are held before it is sent, and charged by what the model says it used. */
export function meteredGenerate(
  run: RunState,
  model: ModelName,
  params: LanguageModelV4CallOptions,
  ask: Ask<LanguageModelV4GenerateResult>,
): PromiseLike<LanguageModelV4GenerateResult> {
  return countsRequests(run) ? countedGenerate(run, model, params, ask) : uncounted(ask)
}

/** The same for a stream: charged at its end; in full if it breaks off before the model has said what it used. */
export function meteredStream(
  run: RunState,
  model: ModelName,
  params: LanguageModelV4CallOptions,
  ask: Ask<LanguageModelV4StreamResult>,
): PromiseLike<LanguageModelV4StreamResult> {
  return countsRequests(run) ? countedStream(run, model, params, ask) : uncounted(ask)
}

async function countedGenerate(
  run: RunState,
  model: ModelName,
  params: LanguageModelV4CallOptions,
  ask: Ask<LanguageModelV4GenerateResult>,
): Promise<LanguageModelV4GenerateResult> {
  const held = await hold(run, model, params)
  const result = await asked(held, ask)
  await held?.settle(useOf(result.usage))
  return result
}

async function countedStream(
  run: RunState,
  model: ModelName,
  params: LanguageModelV4CallOptions,
  ask: Ask<LanguageModelV4StreamResult>,
): Promise<LanguageModelV4StreamResult> {
  const held = await hold(run, model, params)
  const result = await asked(held, ask)
  if (held === undefined) return result
  const meter = new TransformStream<LanguageModelV4StreamPart, LanguageModelV4StreamPart>({
    async transform(part, controller) {
      // Before the end is passed on, so that the next request finds it charged.
      if (part.type === 'finish') await held.settle(useOf(part.usage))
      controller.enqueue(part)
    },
    flush: () => held.settle(undefined),
    cancel: () => held.settle(undefined),
  })
  return { ...result, stream: result.stream.pipeThrough(meter) }
}

function hold(
  run: RunState,
  model: ModelName,
  params: LanguageModelV4CallOptions,
): Promise<HeldRequest | undefined> {
  const { maxOutputTokens, abortSignal = run.signal } = params
  return holdRequest(run, model, { text: () => textOf(params), maxOutputTokens }, abortSignal)
}

function uncounted<T>({ check, send }: Ask<T>): PromiseLike<T> {
  check()
  return send()
}

async function asked<T>(held: HeldRequest | undefined, { check, send }: Ask<T>): Promise<T> {
  try {
    check()
  } catch (error) {
    await held?.release()
    throw error
  }
  try {
    return await send()
  } catch (error) {
    if (wasTurnedAway(error)) await held?.release()
    else await held?.settle(undefined)
    throw error
  }
}

/** Whether a provider answered that it would not answer; a time-out says nothing of what was used. */
function wasTurnedAway(error: unknown): boolean {
  if (!APICallError.isInstance(error)) return false
  const { statusCode = 0 } = error
  return statusCode >= 400 && statusCode < 500 && statusCode !== 408
}

/** What a model reads as text. Files and images are charged once it has said what they came to. */
function textOf({ prompt, tools, responseFormat }: LanguageModelV4CallOptions): string {
  const files = new Set<unknown>(prompt.flatMap(filesIn))
  return JSON.stringify([prompt, tools, responseFormat], function (this: unknown, key, value: unknown) {
    return key === 'data' && files.has(this) ? undefined : value
  })
}

// By identity: a tool result may hold anything, also what looks like a file.
function filesIn(message: LanguageModelV4CallOptions['prompt'][number]): object[] {
  if (typeof message.content === 'string') return []
  return message.content.flatMap((part): object[] => {
    if (part.type === 'tool-result' && part.output.type === 'content') return part.output.value.filter(isFile)
    return isFile(part) ? [part] : []
  })
}

function isFile({ type }: { readonly type: string }): boolean {
  return type.includes('file')
}

function useOf({ inputTokens, outputTokens }: LanguageModelV4Usage): TokenUse {
  const { total: input, cacheRead, cacheWrite } = inputTokens
  return { input, output: outputTokens.total, cacheRead, cacheWrite }
}
