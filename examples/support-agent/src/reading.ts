import { instructionsIn } from './instructions.ts'
import type { Entry } from './timeline.ts'

export type Author = { readonly name: string; readonly trusted: boolean }

/** Whether a tool only reads, so that what it returns is something the model saw. */
export function isRead(tool: string): boolean {
  return tool === 'searchDocuments' || tool === 'readMailbox' || tool === 'lookUpOrder'
}

/** A call of a loop with nothing in its way. */
export function ran({
  toolName: tool,
  input,
}: {
  readonly toolName: string
  readonly input: unknown
}): Entry {
  return {
    kind: 'call',
    tool,
    input: input as Readonly<Record<string, unknown>>,
    outcome: 'ran',
    reasons: [],
    standing: [],
  }
}

/** A result as the model got to see it. */
export function saw(tool: string, output: unknown, authors: readonly Author[] | undefined): Entry {
  const found = instructionsIn(textsIn(output))
  return {
    kind: 'saw',
    tool,
    titles: itemsOf(output).map(titleOf),
    authors,
    injected: found.map(({ source }) => source),
  }
}

/** Every text in a value, one after another. */
export function textsIn(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.values(value).map(textsIn).join('\n')
}

/** The items of a result: a list, or the passages of a retriever. */
function itemsOf(output: unknown): readonly Readonly<Record<string, unknown>>[] {
  const { passages } = (output ?? {}) as { readonly passages?: unknown }
  const items: unknown = Array.isArray(output) ? output : passages
  return Array.isArray(items) ? (items as Readonly<Record<string, unknown>>[]) : []
}

function titleOf(item: Readonly<Record<string, unknown>>): string {
  return String(item['subject'] ?? item['title'] ?? `order ${String(item['id'])}: ${String(item['notes'])}`)
}
