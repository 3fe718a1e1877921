import { generateText, type LanguageModel, Output, type ToolSet } from 'ai'
import { z } from 'zod'
import type { Awaitable } from '../policy/decision.ts'
import { narrow, type TaskGrant } from '../policy/grant.ts'
import { grantFrom as propose, type ProposeGrant } from '../policy/propose.ts'
import { type Run, stateOf } from '../run.ts'

/** All that a task grant may be computed from: trusted input, before anything untrusted of this turn is seen. */
export interface GrantContext {
  readonly run: Run
  /** What the user said in this turn, in their own words. */
  readonly trusted: readonly string[]
  readonly tools: readonly { readonly name: string; readonly description?: string }[]
}

/** Gives each turn its task grant. A throw leaves an empty one, so that every call asks. */
export type TurnGrant = (context: GrantContext, options: { signal: AbortSignal }) => Awaitable<TaskGrant>

/**
 * A task grant that a model proposes: it is shown what the user said and what the tools are, and nothing else.
 *
 * Such a grant only narrows. A model that fails leaves an empty grant, so that every call asks.
 */
export function grantFrom(model: LanguageModel, { by = modelName(model) }: { by?: string } = {}): TurnGrant {
  const ask: ProposeGrant = propose(
    async ({ trusted, tools }, { signal }) => {
      const { output } = await generateText({
        model,
        output: Output.object({ schema: z.object({ tools: z.array(z.string()) }) }),
        abortSignal: signal,
        prompt: [
          'Name the tools that this task needs, and no others.',
          `Tools:\n${tools.map(({ name, description }) => `- ${name}: ${description ?? ''}`).join('\n')}`,
          `Task:\n${trusted.join('\n')}`,
        ].join('\n\n'),
      })
      return output.tools
    },
    { by },
  )
  return async ({ trusted, tools }, options) => (await ask({ trusted, tools }, options)).grant
}

/** Compute the grant of this turn, once. It narrows what the run was granted for the turn before. */
export async function lookUpGrant(run: Run, grant: TurnGrant, tools: ToolSet): Promise<void> {
  const state = stateOf(run)
  if (state.grant?.turn === state.ledger.turn && state.grant.computed) return
  const given = state.grant?.turn === state.ledger.turn ? state.grant.grant : undefined
  const trusted = state.ledger.chunks
    .filter(({ origin, turn }) => origin.kind === 'user-message' && turn === state.ledger.turn)
    .map(({ content }) => String(content))
  const described = Object.entries(tools).map(([name, { description }]) => ({
    name,
    ...(typeof description === 'string' ? { description } : {}),
  }))
  let computed: TaskGrant
  try {
    computed = await grant({ run, trusted, tools: described }, { signal: state.signal })
  } catch {
    computed = { from: 'rule', by: 'a grant that could not be computed', tools: {} }
  }
  await run.grant(narrow(given, computed))
  if (state.grant !== undefined) state.grant.computed = true
}

function modelName(model: LanguageModel): string {
  return typeof model === 'string' ? model : model.modelId
}
