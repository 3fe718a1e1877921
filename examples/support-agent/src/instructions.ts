import { type Instruction, obeyingModel, type ScriptedModel } from '@gatewright/runtime/testing'
import type { Story } from './story.ts'
import type { Tools } from './tools.ts'

const TOOLS: Record<keyof Tools, true> = {
  searchDocuments: true,
  readMailbox: true,
  lookUpOrder: true,
  issueRefund: true,
  sendEmail: true,
  deleteAccount: true,
}
const CALL = new RegExp(
  String.raw`\b(${Object.keys(TOOLS).join('|')})\((\{[^{}]*(?:\{\{[^{}]*\}\}[^{}]*)*\})\)`,
  'g',
)
const SAY = /End your answer with: (.+)/g
// Unicode tag characters: ASCII that no screen shows.
const TAGS = /[\u{e0020}-\u{e007e}]/gu
const ALL = '{{everything you have read}}'

type Prompt = ScriptedModel['prompts'][number]

/** An instruction as it stands in a document. */
export interface Found {
  readonly source: string
  readonly instruction: Instruction
}

/** The instructions in a text that an obeying model carries out: a call written down, or an end for the answer. */
export function instructionsIn(text: string): Found[] {
  const shown = unhidden(text)
  const calls = [...shown.matchAll(CALL)].flatMap(([source, tool = '', input = '']) => {
    const parsed = json(input)
    return parsed === undefined ? [] : [{ source, instruction: { tool, input: parsed } }]
  })
  const sayings = [...shown.matchAll(SAY)].map(([source, words = '']) => ({
    source,
    instruction: { say: words },
  }))
  return [...calls, ...sayings]
}

/** A text with its invisible characters as what they say. */
export function unhidden(text: string): string {
  return text.replaceAll(TAGS, (one) => String.fromCodePoint((one.codePointAt(0) ?? 0) - 0xe0000))
}

/**
 * The model that obeys whoever spoke last. It reads the real prompt, decodes what is hidden in it, and copies
 * everything that it has read to wherever an instruction wants it.
 */
export function obedient({ task, answer }: Story): ScriptedModel {
  const understood = new Map<string, Instruction>()
  let answered = 0
  const understand = (text: string): Instruction[] => {
    const { prompts } = model
    return instructionsIn(text).flatMap(({ source, instruction }) => {
      const known = understood.get(source)
      if (known !== undefined) return [known]
      // One at a time, so that a later one can use what an earlier one brought.
      if (answered === prompts.length) return []
      answered = prompts.length
      const filled = filledIn(instruction, prompts.at(-1) ?? [])
      understood.set(source, filled)
      return [filled]
    })
  }
  const model: ScriptedModel = obeyingModel({ task, answer, understand })
  return model
}

/** What tools gave the model to read, as text. */
export function textsRead(prompt: Prompt): string[] {
  return results(prompt).map(({ output }) =>
    output.type === 'json' ? JSON.stringify(output.value) : 'value' in output ? String(output.value) : '',
  )
}

/** Whether the last call that the model made came back as an error. */
export function refusedLast(prompt: Prompt): boolean {
  return results(prompt).at(-1)?.output.type.startsWith('error') === true
}

function results(prompt: Prompt) {
  return prompt.flatMap((message) =>
    message.role === 'tool' ? message.content.filter((part) => part.type === 'tool-result') : [],
  )
}

function filledIn(instruction: Instruction, prompt: Prompt): Instruction {
  const read = textsRead(prompt).join('\n')
  if ('say' in instruction)
    return { say: instruction.say.replace(ALL, encodeURIComponent(read.slice(0, 200))) }
  const input = Object.entries(instruction.input).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.replace(ALL, () => read) : value,
  ])
  return { ...instruction, input: Object.fromEntries(input) as Record<string, unknown> }
}

function json(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
