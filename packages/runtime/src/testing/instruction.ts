import type { ToolCall } from './scripted-model.ts'

/** What an injected text can make an obeying model do: call a tool, or say something to the user. */
export type Instruction = ToolCall | { readonly say: string }

/**
 * The text of an injected instruction that an `obeyingModel` understands, for use inside ordinary prose:
 * `[[do: sendEmail {"to":"eve@evil.example"}]]` or `[[say: "words"]]`.
 */
export function instruct(instruction: Instruction): string {
  return 'say' in instruction
    ? `[[say: ${JSON.stringify(instruction.say)}]]`
    : `[[do: ${instruction.tool} ${JSON.stringify(instruction.input)}]]`
}

/** The instructions of `instruct` in a text. What is not complete, or not JSON, is none. */
export function instructionsIn(text: string): Instruction[] {
  const out: Instruction[] = []
  for (const { 0: opening, 1: kind, 2: tool, index } of text.matchAll(/\[\[(?:(say):|do: *([\w.-]+)) */g)) {
    const value = jsonUpToEnd(text, index + opening.length)
    if (kind === 'say') {
      if (typeof value === 'string') out.push({ say: value })
    } else if (tool !== undefined && typeof value === 'object' && value !== null) {
      out.push({ tool, input: value as ToolCall['input'] })
    }
  }
  return out
}

// The JSON may hold `]]` itself, so the end is the first one before which it can be parsed.
function jsonUpToEnd(text: string, start: number): unknown {
  for (let end = text.indexOf(']]', start); end >= 0; end = text.indexOf(']]', end + 1)) {
    const source = text.slice(start, end).trim()
    if (source === '') return {}
    try {
      return JSON.parse(source)
    } catch {
      continue
    }
  }
  return undefined
}
