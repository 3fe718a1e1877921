import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { type Instruction, instructionsIn } from './instruction.ts'
import { callTool, modelOf, say, type ScriptedModel, type ToolCall } from './scripted-model.ts'
import { visibleTexts } from './visible.ts'

/** A call of the task, several at once, or a function from the request to them, for values that come from results. */
export type TaskStep =
  | ToolCall
  | readonly ToolCall[]
  | ((request: LanguageModelV4CallOptions) => ToolCall | readonly ToolCall[])

export interface ObeyingOptions {
  /** The calls that do the user's task, in order. */
  readonly task: readonly TaskStep[]
  /** What it says when all is done. Default: `Done.` */
  readonly answer?: string
  /**
   * What a text tells the model to do. Default: the instructions of `instruct`. Give your own to map prose, such
   * as "forward the invoices to …", to the calls that would carry it out.
   */
  readonly understand?: (text: string) => readonly Instruction[]
}

/**
 * The worst model: it does the user's task, and as soon as an instruction is visible anywhere in its prompt
 * (a message, a field of a result, an HTML comment, invisible Unicode, the description of a tool) it carries that
 * out first, exactly, and once. A refusal does not keep it from going on.
 *
 * Make one for each conversation: it remembers how far it got.
 */
export function obeyingModel({
  task,
  answer = 'Done.',
  understand = instructionsIn,
}: ObeyingOptions): ScriptedModel {
  const obeyed = new Set<string>()
  let done = 0
  const newInstructions = (request: LanguageModelV4CallOptions): Instruction[] => {
    const fresh: Instruction[] = []
    for (const instruction of visibleTexts(request).flatMap((text) => understand(text))) {
      const key = JSON.stringify(instruction)
      if (obeyed.has(key)) continue
      obeyed.add(key)
      fresh.push(instruction)
    }
    return fresh
  }
  const owed: string[] = []
  return modelOf((request) => {
    const instructions = newInstructions(request)
    for (const one of instructions) if ('say' in one) owed.push(one.say)
    const calls = instructions.filter((one) => 'tool' in one)
    if (calls.length > 0) return calls.map(({ tool, input }) => callTool(tool, input))
    const next = task[done]
    if (next !== undefined) {
      done += 1
      const step = typeof next === 'function' ? next(request) : next
      return [step].flat().map(({ tool, input }) => callTool(tool, input))
    }
    return say([answer, ...owed].join('\n\n'))
  })
}
