import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4Content,
  LanguageModelV4Prompt,
} from '@ai-sdk/provider'
import { MockLanguageModelV4 } from 'ai/test'
import { generated, streamed } from './answer.ts'

/** A call as a model makes it: the tool, and what the model says to it. */
export interface ToolCall {
  readonly tool: string
  readonly input: Readonly<Record<string, unknown>>
}

/** One piece of a step, as a provider would give it: of `say`, of `callTool`, or spelled out. */
export type Part = LanguageModelV4Content

export type Step = Part | readonly Part[]

/** A step, or a function from the request that the model really got to one. */
export type ScriptedStep = Step | ((request: LanguageModelV4CallOptions) => Step)

/** A model for tests, and what it was asked and did. */
export interface ScriptedModel extends LanguageModelV4 {
  /** The prompt of each request, as the provider would get it. */
  readonly prompts: readonly LanguageModelV4Prompt[]
  readonly requests: readonly LanguageModelV4CallOptions[]
  /** The calls that the model made, whatever became of them. */
  readonly calls: readonly ToolCall[]
}

/** Words in a step. */
export function say(text: string): Part {
  return { type: 'text', text }
}

/** A tool call in a step. Left out, the id is one that no other call of the process has. */
export function callTool(
  tool: string,
  input: Readonly<Record<string, unknown>>,
  { id }: { id?: string } = {},
): Part {
  return { type: 'tool-call', toolCallId: id ?? nextId(), toolName: tool, input: JSON.stringify(input) }
}

/**
 * A model that plays the listed steps, one for each request, with `generate` and `stream` alike.
 *
 * It ignores the abort signal, as the worst model would. A request past the last step throws, so that a script
 * that is too short does not look like an agent that stopped by itself.
 */
export function scriptedModel(steps: readonly ScriptedStep[]): ScriptedModel {
  let played = 0
  return modelOf((request) => {
    const step = steps[played]
    if (step === undefined)
      throw new RangeError(
        `scriptedModel: asked for step ${played + 1}, but only ${steps.length} are listed.`,
      )
    played += 1
    return typeof step === 'function' ? step(request) : step
  })
}

/** A model that answers each request by a function of it. */
export function modelOf(answer: (request: LanguageModelV4CallOptions) => Step): ScriptedModel {
  const requests: LanguageModelV4CallOptions[] = []
  const prompts: LanguageModelV4Prompt[] = []
  const calls: ToolCall[] = []
  const take = (request: LanguageModelV4CallOptions): readonly Part[] => {
    requests.push(request)
    prompts.push(request.prompt)
    const content = [answer(request)].flat()
    for (const part of content)
      if (part.type === 'tool-call') calls.push({ tool: part.toolName, input: parsed(part.input) })
    return content
  }
  const model = new MockLanguageModelV4({
    provider: 'gatewright-testing',
    modelId: 'scripted',
    doGenerate: async (request) => generated(take(request)),
    doStream: async (request) => streamed(take(request)),
  })
  return Object.assign(model, { requests, prompts, calls })
}

let ids = 0

function nextId(): string {
  ids += 1
  return `scripted-${ids}`
}

function parsed(input: string): ToolCall['input'] {
  try {
    const value: unknown = JSON.parse(input)
    return typeof value === 'object' && value !== null ? (value as ToolCall['input']) : { '': value }
  } catch {
    return { '': input }
  }
}
