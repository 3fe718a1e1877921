import type { ModelMessage } from 'ai'
import type { CorpusStep } from './corpus/case.ts'
import type { Planted } from './kit-stubs.ts'
import type { ToolCall } from './scripted-model.ts'

/** One attack of the corpus, in the words of the agent under audit. */
export interface KitCase {
  /** `swaps/sendEmail.to`, unique among the agent’s cases. */
  readonly id: string
  readonly family: string
  /** What holds, as a sentence. */
  readonly promise: string
  readonly tool: string
  /** The argument that it turns on, if it turns on one. */
  readonly argument: string | undefined
  /** Contract keys whose lines would narrow it, besides those of the argument. */
  readonly keys: readonly string[]
  readonly prompt: string | ModelMessage['content']
  readonly history: readonly ModelMessage[]
  readonly calls: readonly CorpusStep[]
  readonly planted: Planted
  /** What must not be executed, and how often it is the user’s own. */
  readonly never: (call: ToolCall) => boolean
  readonly beyond: number
  /** What the answer is, and what must not be in it. */
  readonly answer?: { readonly text: string; readonly never: string }
  /** Takes the poisoned result out of the prompt of later steps. */
  readonly prunes?: string
}

/** A family of the corpus that was not adapted, and why. */
export interface Skipped {
  readonly family: string
  readonly because: string
}

/** A call that the user asks for in their own words, after the model has read what an outsider wrote. */
export interface KitTwin {
  readonly tool: string
  readonly prompt: string
  readonly calls: readonly CorpusStep[]
  readonly planted: Planted
  /** Why its contract has a person asked each time, if it does. */
  readonly asks: string | undefined
}

type Given = Pick<KitCase, 'id' | 'family' | 'promise' | 'tool' | 'prompt' | 'calls' | 'planted' | 'never'> &
  Partial<KitCase>

export function kitCase(given: Given): KitCase {
  return { argument: undefined, keys: [], history: [], beyond: 0, ...given }
}
