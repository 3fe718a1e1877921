import { GuardError } from '@gatewright/runtime'
import type { Tool } from 'ai'
import { isObject, type JsonObject } from './definition.ts'
import type { Fits } from './json-schema.ts'

/** A tool of a server said that it failed. What it says of it is anyone's, as the text of every error. */
export class McpToolError extends Error {
  static {
    this.prototype.name = 'McpToolError'
  }
}

/** A piece of what a tool returned. Only these keys are handed on: no annotations of the server's, no `_meta`. */
export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image' | 'audio'; readonly data: string; readonly mimeType: string }
  | {
      readonly type: 'resource'
      readonly uri: string
      readonly mimeType?: string
      readonly text?: string
      readonly blob?: string
    }
  | {
      readonly type: 'resource_link'
      readonly uri: string
      readonly name: string
      readonly title?: string
      readonly description?: string
      readonly mimeType?: string
      readonly size?: number
    }

/** What a tool without an output schema returns. */
export interface ContentResult {
  readonly content: readonly ContentBlock[]
  readonly structuredContent?: unknown
}

const LONGEST_ERROR = 4000

/**
 * What a call returned, as contracts and labels see it.
 *
 * For a tool with an output schema that is its `structuredContent`, and nothing else: the paths of the contract are
 * those of the schema, and the same said again as text, which nothing checks, is left out. For any other tool it is
 * `{ content, structuredContent? }`, of which whatever the contract does not name is anyone's.
 *
 * @throws {McpToolError} If the tool said that it failed.
 * @throws {GuardError} `ERR_RESULT_INVALID` for a result that is too long, is none, or does not fit the schema.
 */
export function resultOf(
  returned: unknown,
  { fits, mostBytes }: { readonly fits: Fits | undefined; readonly mostBytes: number },
): unknown {
  if (!isObject(returned)) throw unusable('it is no result')
  if (sizeOf(returned) > mostBytes) throw unusable('it is too long')
  const { isError, content, structuredContent } = returned
  if (isError !== undefined && isError !== false) throw new McpToolError(errorText(content))
  if (fits !== undefined) {
    if (structuredContent === undefined) throw unusable('it lacks the structured content that was promised')
    if (!fits(structuredContent)) throw unusable('it does not fit the schema that was accepted')
    return structuredContent
  }
  if (content !== undefined && !Array.isArray(content)) throw unusable('its content is no list')
  const blocks = ((content ?? []) as readonly unknown[]).map(blockOf)
  return {
    content: blocks,
    ...(structuredContent === undefined ? {} : { structuredContent }),
  } satisfies ContentResult
}

type ModelOutput = Awaited<ReturnType<NonNullable<Tool['toModelOutput']>>>
type ContentPart = Extract<ModelOutput, { type: 'content' }>['value'][number]

/** Content as a model is to see it: images as images, all else as text or JSON. */
export function contentForModel({ output }: { readonly output: unknown }): ModelOutput {
  const { content = [], structuredContent } = (output ?? {}) as Partial<ContentResult>
  const [first] = content
  if (content.length === 1 && first?.type === 'text' && structuredContent === undefined)
    return { type: 'text', value: first.text }
  if (!content.some(({ type }) => type === 'image')) return { type: 'json', value: output as never }
  const parts = content.map((block): ContentPart => {
    if (block.type === 'image')
      return { type: 'file', mediaType: block.mimeType, data: { type: 'data', data: block.data } }
    return { type: 'text', text: block.type === 'text' ? block.text : JSON.stringify(block) }
  })
  if (structuredContent !== undefined) parts.push({ type: 'text', text: JSON.stringify(structuredContent) })
  return { type: 'content', value: parts }
}

function blockOf(given: unknown): ContentBlock {
  if (!isObject(given)) throw unusable('its content holds what is no content')
  switch (given['type']) {
    case 'text':
      return { type: 'text', text: text(given, 'text') }
    case 'image':
    case 'audio': {
      const mimeType = text(given, 'mimeType')
      if (!mimeType.startsWith(`${given['type']}/`)) throw unusable('its content is not of the type it says')
      return { type: given['type'], data: text(given, 'data'), mimeType }
    }
    case 'resource': {
      const resource = isObject(given['resource']) ? given['resource'] : {}
      return {
        type: 'resource',
        uri: text(resource, 'uri'),
        ...some(resource, 'mimeType', 'string'),
        ...some(resource, 'text', 'string'),
        ...some(resource, 'blob', 'string'),
      }
    }
    case 'resource_link':
      return {
        type: 'resource_link',
        uri: text(given, 'uri'),
        name: text(given, 'name'),
        ...some(given, 'title', 'string'),
        ...some(given, 'description', 'string'),
        ...some(given, 'mimeType', 'string'),
        ...some(given, 'size', 'number'),
      }
    default:
      throw unusable('its content is of a kind that is not known')
  }
}

function text(of: JsonObject, key: string): string {
  const value = of[key]
  if (typeof value !== 'string') throw unusable('its content is not whole')
  return value
}

function some(of: JsonObject, key: string, type: 'string' | 'number'): object {
  return typeof of[key] === type ? { [key]: of[key] } : {}
}

function errorText(content: unknown): string {
  const texts = Array.isArray(content)
    ? content.flatMap((block: unknown) =>
        isObject(block) && typeof block['text'] === 'string' ? [block['text']] : [],
      )
    : []
  const all = texts.join('\n').toWellFormed()
  return all === '' ? 'The tool failed, and did not say why.' : all.slice(0, LONGEST_ERROR).toWellFormed()
}

function sizeOf(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value))
  } catch {
    return Number.POSITIVE_INFINITY
  }
}

function unusable(why: string): GuardError {
  return new GuardError('ERR_RESULT_INVALID', `The tool ran, but its result cannot be shown: ${why}.`)
}
