import type { McpClient } from './client.ts'
import { connectionOf } from './connection.ts'
import type { ToolDefinition } from './definition.ts'

export interface ListedDefinitions {
  readonly definitions: ReadonlyMap<string, ToolDefinition>
  /** Names that a server lists twice, or with what is no definition or too long: nobody can accept them. */
  readonly unusable: readonly string[]
}

/** The definitions of a server's tools as it lists them now, for a person to look at. */
export async function listDefinitions(
  client: McpClient,
  { signal, timeoutMs = 60_000 }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
): Promise<ListedDefinitions> {
  const { tools, unusable } = await connectionOf(client).tools({ maxAgeMs: 0, timeoutMs, signal })
  return {
    definitions: new Map([...tools].map(([name, { definition }]) => [name, definition])),
    unusable: [...unusable],
  }
}
