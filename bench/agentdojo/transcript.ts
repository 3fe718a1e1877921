import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import type { Json } from './manifest.ts'

/** One result that a model can see in its prompt, and the name under which `derive` reads it. */
export interface SeenResult {
  readonly tool: string
  readonly input: Json
  readonly output: Json
  /** `results.lookup_order[0]` */
  readonly expression: string
}

type Prompt = LanguageModelV4CallOptions['prompt']

/** What the user says in a prompt. */
export function userWords(prompt: Prompt): string {
  return prompt
    .flatMap((message) => (message.role === 'user' ? message.content : []))
    .map((part) => (part.type === 'text' ? part.text : ''))
    .join('\n')
}

/** The results in a prompt, in the order of their calls. Errors and refusals are none. */
export function seenResults(prompt: Prompt): SeenResult[] {
  const outputs = new Map<string, Json>()
  for (const message of prompt)
    if (message.role === 'tool')
      for (const part of message.content)
        if (part.type === 'tool-result' && (part.output.type === 'json' || part.output.type === 'text'))
          outputs.set(part.toolCallId, part.output.value as Json)
  const counts = new Map<string, number>()
  const out: SeenResult[] = []
  for (const message of prompt) {
    if (message.role !== 'assistant') continue
    for (const part of message.content) {
      if (part.type !== 'tool-call') continue
      const output = outputs.get(part.toolCallId)
      if (output === undefined) continue
      const index = counts.get(part.toolName) ?? 0
      counts.set(part.toolName, index + 1)
      const name = /^\w+$/.test(part.toolName) ? `.${part.toolName}` : `[${JSON.stringify(part.toolName)}]`
      out.push({
        tool: part.toolName,
        input: part.input as Json,
        output,
        expression: `results${name}[${index}]`,
      })
    }
  }
  return out
}

/** Every text that stands anywhere in a prompt. */
export function* promptTexts(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* promptTexts(inner)
}
