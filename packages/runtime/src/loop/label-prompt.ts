import type {
  LanguageModelV4CallOptions,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultOutput,
} from '@ai-sdk/provider'
import { type Json, plainJson } from '../json/plain.ts'
import { label } from '../label/label.ts'
import { join } from '../label/join.ts'
import type { Origin } from '../ledger/chunk.ts'
import type { Snapshot } from '../ledger/ledger.ts'
import { record, type RunState } from '../run-state.ts'
import { isAsProduced, showsMore } from './provider-options.ts'

type Message = LanguageModelV4Prompt[number]
type AssistantPart = Extract<Message, { role: 'assistant' }>['content'][number]
type ToolPart = Extract<Message, { role: 'tool' }>['content'][number]
type ToolDefinition = NonNullable<LanguageModelV4CallOptions['tools']>[number]

/**
 * Label everything in a model request: each part is looked up by its content among what the run recorded, and
 * what is not found is authored by anyone. The join is the cause of every call that the request leads to.
 */
export function labelPrompt(run: RunState, params: LanguageModelV4CallOptions): Snapshot {
  const chunks: number[] = []
  for (const message of params.prompt) labelMessage(run, message, chunks)
  for (const tool of params.tools ?? []) chunks.push(...definitionChunks(run, tool))
  const more = showsMore(run, params.providerOptions)
  if (more !== undefined)
    chunks.push(...unknown(run, `provider option ${more}`, { kind: 'history', from: more }))
  return run.ledger.snapshot(chunks)
}

/** The text under which the definition of a tool is remembered. */
export function definitionText(tool: ToolDefinition): string {
  return tool.type === 'function'
    ? JSON.stringify([tool.name, tool.description ?? '', tool.inputSchema, tool.inputExamples ?? []])
    : JSON.stringify([tool.name, tool.id, tool.args])
}

function labelMessage(run: RunState, message: Message, into: number[]): void {
  switch (message.role) {
    case 'system':
      into.push(...known(run, 'system', message.content))
      return
    case 'user':
      for (const part of message.content)
        into.push(
          ...(part.type === 'text'
            ? known(run, 'user', part.text)
            : unknown(run, fileText(part), { kind: 'file' })),
        )
      return
    case 'assistant':
      for (const part of message.content) into.push(...assistantChunks(run, part))
      return
    case 'tool':
      for (const part of message.content) into.push(...toolChunks(run, part))
      return
    default:
      message satisfies never
  }
}

function assistantChunks(run: RunState, part: AssistantPart): readonly number[] {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      if (!isAsProduced(run, part.providerOptions)) return unknown(run, part.text, { kind: 'history' })
      return part.text === '' ? [] : known(run, 'assistant', part.text)
    case 'tool-call':
      return part.providerExecuted !== true &&
        isAsProduced(run, part.providerOptions) &&
        run.transcript.hadInput(part.toolCallId, part.input)
        ? callChunks(run, part.toolCallId)
        : unknown(run, JSON.stringify([part.toolName, part.input]), { kind: 'history' })
    case 'tool-result':
      // A provider ran this tool out of our sight.
      return unknown(run, JSON.stringify(part.output), { kind: 'history', from: part.toolName })
    case 'file':
    case 'reasoning-file':
      return unknown(run, fileText(part), { kind: 'file' })
    case 'custom':
      return unknown(run, `custom:${part.kind}`, { kind: 'history' })
    default:
      return part satisfies never
  }
}

/** A call that the model wrote: caused by the prompt of its step. */
function callChunks(run: RunState, call: string): readonly number[] {
  const said = run.ledger.call(call)?.said
  return said === undefined ? unknown(run, call, { kind: 'history' }) : [run.relabelled.get(said) ?? said]
}

function toolChunks(run: RunState, part: ToolPart): readonly number[] {
  if (part.type === 'tool-approval-response')
    return part.reason === undefined ? [] : unknown(run, part.reason, { kind: 'history' })
  const shown = shownValue(part.output)
  const found = run.transcript.findResult(part.toolCallId, shown)
  if (found !== undefined) return [run.relabelled.get(found) ?? found]
  if (part.output.type === 'execution-denied' && part.output.reason === undefined) return []
  return unknown(run, typeof shown === 'string' ? shown : JSON.stringify(shown), {
    kind: 'history',
    from: part.toolName,
  })
}

/** The value that an output shows to the model. */
export function shownValue(output: LanguageModelV4ToolResultOutput): unknown {
  return output.type === 'execution-denied' ? (output.reason ?? null) : output.value
}

function definitionChunks(run: RunState, tool: ToolDefinition): readonly number[] {
  // What a provider's own tool finds reaches the model within the request, before any call that follows from it.
  if (tool.type === 'provider' && run.tools.get(tool.name)?.runsHere !== true)
    return unknown(run, `results of ${tool.id}`, { kind: 'history', from: tool.name })
  const seen = run.definitions.get(tool.name)
  // The SDK computes a definition once; the same schema object with the same words is the same definition.
  if (
    seen !== undefined &&
    tool.type === 'function' &&
    seen.schema === tool.inputSchema &&
    seen.description === tool.description
  )
    return seen.chunks
  const text = definitionText(tool)
  const found = run.transcript.find('tool-definition', text)
  const chunks = found.length > 0 ? found : unknown(run, text, { kind: 'tool-definition' })
  if (tool.type === 'function' && (tool.inputExamples ?? []).length === 0)
    run.definitions.set(tool.name, { schema: tool.inputSchema, description: tool.description, chunks })
  return chunks
}

function known(run: RunState, role: 'system' | 'user' | 'assistant', text: string): readonly number[] {
  const found = run.transcript.find(role, text)
  if (found.length === 0) return unknown(run, text, { kind: 'history' })
  return run.relabelled.size === 0 ? found : found.map((id) => run.relabelled.get(id) ?? id)
}

/** The chunk of something that nobody vouches for; one chunk for one content. */
function unknown(run: RunState, text: string, origin: Origin): readonly number[] {
  const found = run.transcript.find('unknown', text)
  if (found.length > 0) return found.map((id) => run.relabelled.get(id) ?? id)
  const chunk = record(run, origin, ['anyone'], text.toWellFormed())
  run.transcript.remember('unknown', text, chunk.id)
  return [chunk.id]
}

/** Record words of the model: caused by the prompt of their step, and the agent's. */
export function outputChunk(run: RunState, snapshot: Snapshot, text: string): number {
  const content = text.toWellFormed()
  const made = run.ledger.append({
    origin: { kind: 'model-output', step: snapshot.step },
    label: join(snapshot.cause, label([run.actor])),
    content,
  })
  return made.id
}

function fileText(part: { data: unknown; mediaType: string }): string {
  const { data } = part
  if (typeof data === 'string') return data
  const plain = plainJson(data)
  return plain.ok ? JSON.stringify(plain.value satisfies Json) : `${part.mediaType}: binary`
}
