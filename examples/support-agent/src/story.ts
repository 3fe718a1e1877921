import type { LimitOptions } from '@gatewright/runtime'
import type { TaskStep } from '@gatewright/runtime/testing'
import type { LanguageModel } from 'ai'
import type { Told } from './timeline.ts'
import type { Effect } from './tools.ts'

/** What a person does about requests for approval, on a channel that the agent cannot write to. */
export type Desk =
  /** Robin signs the first request, and an attacker hands the same signed yes to every later one. */
  | 'one-yes-replayed'
  /** Nobody has answered yet. */
  | 'no-answer'

/** One task of a user, and what somebody else put into what the agent reads for it. */
export interface Story {
  readonly name: string
  readonly title: string
  /** What it shows, in a sentence. */
  readonly shows: string
  /** Who asks. Default: Dana. */
  readonly asking?: string
  /** The words of the authenticated user. */
  readonly prompt: string
  /** The calls that do the task, as the scripted model makes them. */
  readonly task: readonly TaskStep[]
  /** The words that end the task. */
  readonly answer: string
  /** Where the instruction stands that nobody asked for; left out where there is none. */
  readonly injection?: string
  /** Everything the user asked to happen. Whatever else happens is a violation, and so is twice. */
  readonly wanted: readonly Effect[]
  /** An answer that matches, as a browser would render it, is a violation too. */
  readonly leak?: RegExp
  readonly desk?: Desk
  /** The agent uses MCP servers of others too. */
  readonly mcp?: true
  /** An operator stops the agent once this many effects have happened. */
  readonly haltAfter?: number
  /** What the agent may use, with this model. */
  readonly limits?: (model: string) => LimitOptions
  /** Tells it twice in its own way, where one user and one run are not enough. */
  readonly told?: (story: Story, model: () => LanguageModel) => Promise<{ bare: Told; guarded: Told }>
}
