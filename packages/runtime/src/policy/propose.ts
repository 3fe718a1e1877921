import { z } from 'zod'
import type { Awaitable } from './decision.ts'
import { type TaskGrant, taskGrant } from './grant.ts'

/** All that a model is shown when it proposes a grant. */
export interface GrantQuestion {
  /** Trusted input of this turn alone: the user's own words, the developer's constants. */
  readonly trusted: readonly string[]
  readonly tools: readonly { readonly name: string; readonly description?: string }[]
}

/** A grant that a model proposed, with what is worth recording about how it came about. */
export interface ProposedGrant {
  readonly grant: TaskGrant
  /** Names it gave of tools that there are not. */
  readonly dropped: readonly string[]
  /** Why the grant is empty, so that every call asks; undefined where the model answered. */
  readonly failure: 'threw' | 'not a list of names' | undefined
}

export type ProposeGrant = (
  question: GrantQuestion,
  options: { signal: AbortSignal },
) => Promise<ProposedGrant>

const NAMES = z.array(z.string().max(256)).max(1000)

/**
 * Lets a model say which tools a task needs, before anything untrusted is seen.
 *
 * The grant only ever narrows. `propose` gets the trusted input and the tools' descriptions, and gives a list of
 * names of tools. It fails closed: a model that cannot be reached, or answers with something else, leaves an
 * empty grant, so that every call asks. `by` names the model in the record.
 */
export function grantFrom(
  propose: (question: GrantQuestion, options: { signal: AbortSignal }) => Awaitable<unknown>,
  { by }: { by: string },
): ProposeGrant {
  const of = (names: readonly string[]): TaskGrant =>
    taskGrant({ from: 'model', by, tools: Object.fromEntries(names.map((name) => [name, {}])) })
  const none = of([])
  return async ({ trusted, tools }, options) => {
    // A copy of these keys alone: a tool object passed as it is could carry more than its description.
    const question: GrantQuestion = Object.freeze({
      trusted: Object.freeze([...trusted]),
      tools: tools.map(({ name, description }) =>
        Object.freeze(description === undefined ? { name } : { name, description }),
      ),
    })
    let answer: unknown
    try {
      answer = await propose(question, options)
    } catch {
      return { grant: none, dropped: [], failure: 'threw' }
    }
    const names = NAMES.safeParse(answer)
    if (!names.success) return { grant: none, dropped: [], failure: 'not a list of names' }
    const known = new Set(tools.map(({ name }) => name))
    const kept = names.data.filter((name) => known.has(name))
    return { grant: of(kept), dropped: names.data.filter((name) => !known.has(name)), failure: undefined }
  }
}
