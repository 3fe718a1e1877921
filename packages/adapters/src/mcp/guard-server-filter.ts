import { REDACTED, redactSecrets } from '@gatewright/runtime/egress'
import { isObject, type JsonObject } from './definition.ts'
import type { McpCaller } from './guard-server-caller.ts'

/** What of a tool's result may leave the server. */
export interface ResultFilter {
  /**
   * Paths that stay inside, such as `internal` or `lines.*.cost`. Of a tool with any, text that is no JSON stays
   * inside too, since nobody can say what is in it.
   */
  readonly hide?: readonly string[]
  /** Your own filter, after `hide`. What it throws is the tool's failure. */
  readonly filter?: (result: JsonObject, caller: McpCaller) => JsonObject
  /**
   * What a caller is told where the tool failed: a fixed sentence (default), or its own words with secrets redacted.
   */
  readonly errors?: 'hidden' | 'redacted'
}

const FAILED = { content: [{ type: 'text', text: 'The tool failed.' }], isError: true }

/** The result of a tool as its caller may have it. Fails closed: what cannot be filtered is a failure. */
export function filtered(result: unknown, rule: ResultFilter, caller: McpCaller): JsonObject {
  if (!isObject(result)) return FAILED
  if (result['isError'] !== undefined && result['isError'] !== false)
    return rule.errors === 'redacted' ? (redacted(textOnly(result)) as JsonObject) : FAILED
  try {
    const shown = rule.hide === undefined ? result : without(result, rule.hide)
    const own = rule.filter === undefined ? shown : rule.filter(structuredClone(shown), caller)
    if (!isObject(own)) return FAILED
    const { requestState } = own
    // What the client only hands back (`input_required`); the server has sealed it.
    return { ...(redacted(own) as JsonObject), ...(requestState === undefined ? {} : { requestState }) }
  } catch {
    return FAILED
  }
}

/** The same value, with credentials in its texts replaced. */
export function redacted(value: unknown): unknown {
  if (typeof value === 'string') return redactSecrets(value).text
  if (Array.isArray(value)) return value.map(redacted)
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, part]) => [
      redactSecrets(key).text,
      // What is called a password is one, whatever it looks like.
      typeof part === 'string' && SECRET_NAME.test(key) ? REDACTED : redacted(part),
    ]),
  )
}

const SECRET_NAME =
  /^(?:.*[_-])?(?:password|passwd|passphrase|secret|api[_-]?key|access[_-]?token|refresh[_-]?token|client[_-]?secret|private[_-]?key)$/i

function without(result: JsonObject, paths: readonly string[]): JsonObject {
  const { structuredContent, content } = result
  const hidden = paths.map((path) => path.split('.'))
  const rest =
    structuredContent === undefined ? undefined : hidden.reduce<unknown>(removed, structuredContent)
  // The same is said again as text, as the protocol wants it; here it is said from what is left.
  const blocks =
    rest !== undefined
      ? [{ type: 'text', text: JSON.stringify(rest) }]
      : (Array.isArray(content) ? (content as unknown[]) : []).flatMap((block) => jsonBlock(block, hidden))
  return { ...result, content: blocks, ...(rest === undefined ? {} : { structuredContent: rest }) }
}

function jsonBlock(block: unknown, hidden: readonly (readonly string[])[]): readonly object[] {
  if (!isObject(block) || block['type'] !== 'text' || typeof block['text'] !== 'string') return []
  let value: unknown
  try {
    value = JSON.parse(block['text'])
  } catch {
    return []
  }
  // A bare text or number has no fields: it may be one of those that are hidden.
  if (typeof value !== 'object' || value === null) return []
  return [{ type: 'text', text: JSON.stringify(hidden.reduce<unknown>(removed, value)) }]
}

function removed(value: unknown, path: readonly string[]): unknown {
  const [key, ...rest] = path
  if (key === undefined) return undefined
  if (Array.isArray(value)) {
    // A list in the way is gone through: fields are named, places are not.
    const inside = key === '*' ? rest : path
    if (inside.length === 0) return []
    return value.map((one) => removed(one, inside))
  }
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, part]) => {
      if (key !== '*' && name !== key) return [[name, part]]
      return rest.length === 0 ? [] : [[name, removed(part, rest)]]
    }),
  )
}

function textOnly({ content }: JsonObject): JsonObject {
  const texts = (Array.isArray(content) ? (content as unknown[]) : []).filter(
    (block) => isObject(block) && block['type'] === 'text',
  )
  return { content: texts, isError: true }
}
