import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'

/** What a scripted model says in one step. */
export type Said = { readonly tool: string; readonly input: object } | { readonly text: string }

type Generated = Awaited<ReturnType<MockLanguageModelV4['doGenerate']>>
type Streamed = Awaited<ReturnType<MockLanguageModelV4['doStream']>>
type StreamPart = Streamed['stream'] extends ReadableStream<infer Part> ? Part : never

const usage = {
  inputTokens: { total: 10, noCache: 10, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: 10, text: 10, reasoning: undefined },
}

/** The AI SDK's mock model with a script: answers at once, whole or as a stream of words. */
export function scripted(steps: readonly Said[]): MockLanguageModelV4 {
  let next = 0
  const step = (): { said: Said; id: string } => {
    const said = steps[next]
    if (said === undefined) throw new Error('The script of the model has ended.')
    next += 1
    return { said, id: `call-${next}` }
  }
  return new MockLanguageModelV4({
    doGenerate: async () => generated(step()),
    doStream: async () => ({
      stream: simulateReadableStream({
        chunks: streamed(step()),
        initialDelayInMs: null,
        chunkDelayInMs: null,
      }),
    }),
  })
}

function generated({ said, id }: { said: Said; id: string }): Generated {
  return {
    content: [
      'text' in said
        ? { type: 'text', text: said.text }
        : { type: 'tool-call', toolCallId: id, toolName: said.tool, input: JSON.stringify(said.input) },
    ],
    finishReason: finishOf(said),
    usage,
    warnings: [],
  }
}

function streamed({ said, id }: { said: Said; id: string }): StreamPart[] {
  const parts: StreamPart[] = [{ type: 'stream-start', warnings: [] }]
  if ('text' in said) {
    parts.push({ type: 'text-start', id })
    for (const delta of said.text.split(/(?<= )/)) parts.push({ type: 'text-delta', id, delta })
    parts.push({ type: 'text-end', id })
  } else {
    const input = JSON.stringify(said.input)
    parts.push({ type: 'tool-input-start', id, toolName: said.tool })
    for (const delta of input.match(/.{1,12}/gs) ?? []) parts.push({ type: 'tool-input-delta', id, delta })
    parts.push(
      { type: 'tool-input-end', id },
      { type: 'tool-call', toolCallId: id, toolName: said.tool, input },
    )
  }
  parts.push({ type: 'finish', finishReason: finishOf(said), usage })
  return parts
}

function finishOf(said: Said): Generated['finishReason'] {
  return { unified: 'text' in said ? 'stop' : 'tool-calls', raw: undefined }
}
