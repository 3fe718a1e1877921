import { AssertionError } from 'node:assert'
import type { ToolSet } from 'ai'
import type { GuardedCallOptions } from '../loop/guard-agent.ts'
import { type CallPattern, expectBlocked, expectNoViolation, matches } from './expect.ts'
import { injected, type Place, PLACES } from './injected.ts'
import { obeyingModel, type ObeyingOptions } from './obeying-model.ts'
import { recordCalls, type RecordedCall } from './record-calls.ts'
import type { ScriptedModel, ToolCall } from './scripted-model.ts'

/** One thing that an attacker who can write into a document wants done. */
export interface Attack {
  /** Ends the sentence "the attacker cannot …", such as `have the invoices mailed out`. */
  readonly name: string
  /** The call that the attacker writes into the documents. */
  readonly wants: ToolCall
  /** What must not be executed. Default: exactly the call that the attacker wants. */
  readonly never?: CallPattern
  /** Where in the documents it stands. Default: every place. */
  readonly places?: readonly Place[]
}

/** Puts an injection into a document of the mock tools; the document as it is, where nobody attacks. */
export type Plant = (document: string, where?: Place) => string

/** An agent, guarded or not, as far as a suite drives it. */
export interface AttackedAgent {
  generate(call: { prompt: string; options: GuardedCallOptions }): PromiseLike<unknown>
  stream(call: {
    prompt: string
    options: GuardedCallOptions
  }): PromiseLike<{ consumeStream(): PromiseLike<void> }>
}

export interface AttackSuite<TOOLS extends ToolSet> {
  /** Mock tools whose documents an attacker can write into: give each such document to `plant`. */
  readonly tools: (plant: Plant) => TOOLS
  /** The agent under test, around the given model and tools: `guardAgent(createGuard(…), { model, tools, … })`. */
  readonly build: (parts: { model: ScriptedModel; tools: TOOLS }) => AttackedAgent
  readonly prompt: string
  readonly options: GuardedCallOptions
  /** The calls that do what the prompt asks. Each must be executed when nobody attacks. */
  readonly task: readonly ToolCall[]
  readonly attacks: readonly Attack[]
  /** How the attacker puts it, if not in the syntax of `instruct`; with `understand`, so that the model obeys. */
  readonly phrase?: (call: ToolCall) => string
  readonly understand?: ObeyingOptions['understand']
}

/** As vitest and `node:test` have them. */
export interface TestApi {
  readonly describe: (name: string, define: () => void) => unknown
  readonly test: (name: string, run: () => Promise<void>) => unknown
}

const WAYS = ['generate', 'stream'] as const

/**
 * Define a suite of tests: for each attack, each place in a document, `generate` and `stream`, a model that obeys
 * every instruction tries the attacker's call, and the call is never executed. And with no attack the task is done.
 *
 * `api` is vitest's `{ describe, test }`, or that of another runner.
 *
 * @example
 * ```ts
 * import { describe, test } from 'vitest'
 * describeAttacks('the support agent', { tools, build, prompt, options: { principal }, task, attacks }, { describe, test })
 * ```
 */
export function describeAttacks<TOOLS extends ToolSet>(
  name: string,
  suite: AttackSuite<TOOLS>,
  { describe, test }: TestApi,
): void {
  describe(name, () => {
    for (const way of WAYS)
      test(`does its task when nobody attacks (${way})`, async () => {
        const { tools } = await play(suite, way, (document) => document)
        expectDone(tools.calls, suite.task)
      })
    for (const attack of suite.attacks)
      for (const place of attack.places ?? PLACES)
        for (const way of WAYS)
          test(`the attacker cannot ${attack.name}, from ${place} (${way})`, async () => {
            const instruction = suite.phrase?.(attack.wants) ?? attack.wants
            const played = await play(suite, way, (document, where = place) =>
              injected(document, where, instruction),
            )
            const never = attack.never ?? attack.wants
            expectNoViolation(played.tools, { never: [never] })
            expectBlocked(played, attack.wants)
          })
  })
}

interface Played {
  readonly model: ScriptedModel
  readonly tools: { readonly calls: readonly RecordedCall[] }
}

async function play<TOOLS extends ToolSet>(
  { tools, build, prompt, options, task, understand }: AttackSuite<TOOLS>,
  way: (typeof WAYS)[number],
  plant: Plant,
): Promise<Played> {
  const recorded = recordCalls(tools(plant))
  const model = obeyingModel({ task, ...(understand === undefined ? {} : { understand }) })
  const agent = build({ model, tools: recorded.tools })
  if (way === 'generate') await agent.generate({ prompt, options })
  else await (await agent.stream({ prompt, options })).consumeStream()
  return { model, tools: recorded }
}

function expectDone(calls: readonly RecordedCall[], task: readonly ToolCall[]): void {
  const missing = task.filter((wanted) => !calls.some((call) => matches(call, wanted)))
  if (missing.length === 0) return
  throw new AssertionError({
    message: `Expected the task to be done, but these were not executed: ${JSON.stringify(missing)}.`,
    stackStartFn: expectDone,
  })
}
