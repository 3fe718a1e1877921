import type {
  LanguageModelV4Content,
  LanguageModelV4FinishReason,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
  LanguageModelV4Usage,
} from '@ai-sdk/provider'
import { simulateReadableStream } from 'ai/test'

const USAGE: LanguageModelV4Usage = {
  inputTokens: { total: 1, noCache: 1, cacheRead: 0, cacheWrite: 0 },
  outputTokens: { total: 1, text: 1, reasoning: 0 },
}

/** What a model gives back in one step, for `generate`. */
export function generated(content: readonly LanguageModelV4Content[]): LanguageModelV4GenerateResult {
  return { content: [...content], finishReason: finishReason(content), usage: USAGE, warnings: [] }
}

/** The same step as a stream: words and inputs come in pieces, as they do from a provider. */
export function streamed(content: readonly LanguageModelV4Content[]): LanguageModelV4StreamResult {
  const chunks: LanguageModelV4StreamPart[] = [
    { type: 'stream-start', warnings: [] },
    ...content.flatMap(pieces),
    { type: 'finish', usage: USAGE, finishReason: finishReason(content) },
  ]
  return { stream: simulateReadableStream({ chunks, initialDelayInMs: null, chunkDelayInMs: null }) }
}

function finishReason(content: readonly LanguageModelV4Content[]): LanguageModelV4FinishReason {
  const calls = content.some((part) => part.type === 'tool-call' && part.providerExecuted !== true)
  return { unified: calls ? 'tool-calls' : 'stop', raw: undefined }
}

function pieces(part: LanguageModelV4Content, index: number): LanguageModelV4StreamPart[] {
  const id = `part-${index}`
  switch (part.type) {
    case 'text':
      return [
        { type: 'text-start', id },
        ...halves(part.text).map((delta) => ({ type: 'text-delta' as const, id, delta })),
        { type: 'text-end', id },
      ]
    case 'reasoning':
      return [
        { type: 'reasoning-start', id },
        ...halves(part.text).map((delta) => ({ type: 'reasoning-delta' as const, id, delta })),
        { type: 'reasoning-end', id },
      ]
    case 'tool-call': {
      const { toolCallId, toolName, input, providerExecuted, dynamic } = part
      return [
        {
          type: 'tool-input-start',
          id: toolCallId,
          toolName,
          ...(providerExecuted === undefined ? {} : { providerExecuted }),
          ...(dynamic === undefined ? {} : { dynamic }),
        },
        ...halves(input).map((delta) => ({ type: 'tool-input-delta' as const, id: toolCallId, delta })),
        { type: 'tool-input-end', id: toolCallId },
        part,
      ]
    }
    default:
      return [part]
  }
}

function halves(text: string): string[] {
  const middle = text.length >> 1
  return [text.slice(0, middle), text.slice(middle)].filter((piece) => piece !== '')
}
