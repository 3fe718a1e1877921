import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'

/** What a server says of how a tool behaves. Its own word: it may tighten a contract, never loosen one. */
export interface ToolAnnotations {
  readonly title?: string
  readonly readOnlyHint?: boolean
  readonly destructiveHint?: boolean
  readonly idempotentHint?: boolean
  readonly openWorldHint?: boolean
}

export type JsonObject = { readonly [key: string]: unknown }

/** All that a server says about a tool and that can reach a model, a contract or a check. It is what a pin holds. */
export interface ToolDefinition {
  readonly name: string
  readonly title?: string
  readonly description?: string
  readonly inputSchema: JsonObject
  readonly outputSchema?: JsonObject
  readonly annotations?: ToolAnnotations
}

/** Characters of JSON that a definition may have: what is longer is not read by whoever has to accept it. */
export const LONGEST_DEFINITION = 100_000

/** The definition in an entry of `tools/list`; undefined for what is none, is no plain JSON or is too long. */
export function definitionOf(listed: unknown): ToolDefinition | undefined {
  if (!isObject(listed)) return undefined
  const { name, title, description, inputSchema, outputSchema, annotations } = listed
  if (typeof name !== 'string' || name === '' || !isObject(inputSchema)) return undefined
  if (!isText(title) || !isText(description)) return undefined
  if (outputSchema !== undefined && !isObject(outputSchema)) return undefined
  if (annotations !== undefined && !isObject(annotations)) return undefined
  const text = written({
    name,
    title,
    description,
    inputSchema,
    outputSchema,
    annotations: annotations && annotationsIn(annotations),
  })
  if (text === undefined || text.length > LONGEST_DEFINITION) return undefined
  return JSON.parse(text) as ToolDefinition
}

/** SHA-256 over the canonical JSON (RFC 8785) of a definition: one changed character gives another. */
export function digestOf(definition: ToolDefinition): string {
  return `sha256:${createHash('sha256')
    .update(canonicalize(['mcp-tool', 1, definition]) as string)
    .digest('hex')}`
}

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const

// Clients hand on different ones of the keys that no version of the protocol has; these are what is acted upon.
function annotationsIn(of: JsonObject): ToolAnnotations {
  const out: Record<string, unknown> = {}
  if (typeof of['title'] === 'string') out['title'] = of['title']
  for (const hint of HINTS) if (typeof of[hint] === 'boolean') out[hint] = of[hint]
  return out
}

function written(value: unknown): string | undefined {
  try {
    const text = canonicalize(value)
    // A lone surrogate has two spellings in UTF-8: what is shown would not be what is digested.
    return text?.isWellFormed() === true ? text : undefined
  } catch {
    return undefined
  }
}

function isText(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
