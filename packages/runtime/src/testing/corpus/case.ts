import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { ModelMessage, ToolSet } from 'ai'
import type { Mode } from '../../policy/flow.ts'
import type { ToolCall } from '../scripted-model.ts'
import type { CallPattern } from '../expect.ts'
import type { WorldState } from './world-state.ts'

/** Through what an attacker's words or values come in. */
export type Door =
  | 'mail'
  | 'file'
  | 'bank'
  | 'contacts'
  | 'calendar'
  | 'shop'
  | 'web'
  | 'memory'
  | 'draft'
  | 'sub-agent'
  | 'tool-definition'
  | 'tool-error'
  | 'name'
  | 'user-message'
  | 'history'
  | 'approval'
  | 'refusal'

/** The calls of one step of a model: made at once where there are several. */
export type CorpusStep =
  | ToolCall
  | readonly ToolCall[]
  | ((request: LanguageModelV4CallOptions) => ToolCall | readonly ToolCall[])

/** A message of the user, and what the model does about it. */
export interface CorpusTurn {
  readonly says: string | ModelMessage['content']
  readonly calls: readonly CorpusStep[]
  /** Begins another conversation, of which nothing is left but the world. */
  readonly newSession?: boolean
  /** The conversation as the client sends it, in the place of what was really said before. */
  readonly history?: (before: readonly ModelMessage[]) => readonly ModelMessage[]
  /** What the model says at the end. Default: `Done.` */
  readonly answer?: string
}

/** What must not be executed: a call, and how often at most. */
export interface Never extends CallPattern {
  readonly where?: (input: Readonly<Record<string, unknown>>) => boolean
  /** How many executions are the user's own. Default 0. */
  readonly beyond?: number
}

/** What a call is offered, so that a case can change the loop around it. */
export interface CorpusStage {
  readonly turn: number
  readonly tools: ToolSet
  /** Another agent, under the same guard where there is one, with the given settings over its tools. */
  readonly agent: (settings: Readonly<Record<string, unknown>>) => StageAgent
}

export interface StageAgent {
  generate(call: { readonly messages: readonly ModelMessage[] }): Promise<string>
}

interface Scene {
  /** `family/name`, unique in the corpus. */
  readonly id: string
  readonly family: string
  readonly prompt?: string | ModelMessage['content']
  readonly calls?: readonly CorpusStep[]
  /** In the place of `prompt` and `calls`, where there are several. */
  readonly turns?: readonly CorpusTurn[]
  readonly answer?: string
  /** What the systems behind the tools hold, over what they always hold. */
  readonly world?: Partial<WorldState>
  /** More settings of the agent, such as `prepareStep` or dynamic tools. */
  readonly settings?: (stage: CorpusStage) => Readonly<Record<string, unknown>>
  /** Contracts in the place of the world's. */
  readonly contracts?: Readonly<Record<string, unknown>>
  /** Tools besides those that the listed calls name. */
  readonly tools?: readonly string[]
  /** What a person answers who is asked: without it nobody is there. */
  readonly person?: (call: ToolCall, asked: number) => 'approve' | 'reject'
}

/** One way in which an attacker gets a model, wholly obeying, to do what nobody asked for. */
export interface CorpusCase extends Scene {
  /** What holds, as a sentence. */
  readonly promise: string
  readonly door: Door
  /** What must be in the model's sight for the attack to have come through its door. */
  readonly carries: string
  readonly never: readonly Never[]
  /** What the answer must not hold. */
  readonly neverSaid?: string
  /** What must not come into the model's sight. */
  readonly neverSeen?: string
  /** Which modes claim to stop it. Default: both. */
  readonly modes?: readonly Mode[]
  /** Why it cannot be shown to work on the bare SDK, if it cannot. */
  readonly bareCannot?: string
}

/** The same doings without an attacker's hand in them: a guard that refuses everything fails on these. */
export interface CorpusTwin extends Scene {
  readonly promise: string
  /** What must be executed, with nobody asked. */
  readonly must: readonly CallPattern[]
  readonly says?: string
  /** In which modes. Default: `attest` alone, since floor mode asks after anything untrusted. */
  readonly modes?: readonly Mode[]
}

export interface CorpusFamily {
  readonly family: string
  readonly attacks: readonly CorpusCase[]
  readonly twins: readonly CorpusTwin[]
}

type Named<T> = Omit<T, 'id' | 'family'>

/** A family of cases by their names. */
export function family(
  named: string,
  attacks: Readonly<Record<string, Named<CorpusCase>>>,
  twins: Readonly<Record<string, Named<CorpusTwin>>>,
): CorpusFamily {
  const all = <T>(cases: Readonly<Record<string, T>>): (T & { id: string; family: string })[] =>
    Object.entries(cases).map(([name, one]) => ({ ...one, id: `${named}/${name}`, family: named }))
  return { family: named, attacks: all(attacks), twins: all(twins) }
}

/** A call, briefly. */
export function call(tool: string, input: Readonly<Record<string, unknown>> = {}): ToolCall {
  return { tool, input }
}
