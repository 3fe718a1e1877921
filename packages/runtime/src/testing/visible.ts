import type { LanguageModelV4CallOptions } from '@ai-sdk/provider'
import { invisibleRuns } from './invisible.ts'

/**
 * Every text that a model could read in a request, wherever it stands: system prompt, messages, inputs and
 * results of calls down to each field name, files of text, definitions of tools.
 *
 * A text that is JSON or HTML is given as it stands and unescaped, and runs of invisible Unicode as what they say.
 */
export function visibleTexts({ prompt, tools }: LanguageModelV4CallOptions): string[] {
  const texts: string[] = []
  for (const message of prompt) walk(message.content, texts)
  for (const tool of tools ?? []) walk(tool, texts)
  return texts
}

function walk(value: unknown, into: string[]): void {
  if (typeof value === 'string') {
    read(value, into)
  } else if (value instanceof Uint8Array) {
    read(new TextDecoder().decode(value), into)
  } else if (typeof value === 'object' && value !== null) {
    for (const [key, inner] of Object.entries(value)) {
      if (!Array.isArray(value)) read(key, into)
      walk(inner, into)
    }
  }
}

function read(text: string, into: string[]): void {
  into.push(text)
  const plain = withoutEntities(text)
  if (plain !== text) into.push(plain)
  into.push(...invisibleRuns(text))
  const nested = json(text)
  if (nested !== undefined) walk(nested, into)
}

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', amp: '&', lt: '<', gt: '>', '#39': "'" }

function withoutEntities(text: string): string {
  return text.replaceAll(/&(quot|amp|lt|gt|#39);/g, (whole, name: string) => ENTITIES[name] ?? whole)
}

function json(text: string): unknown {
  if (!/^\s*["[{]/.test(text)) return undefined
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
