import { GuardError } from '@gatewright/runtime'
import { listAllTools, type McpClient, onNotification } from './client.ts'
import { definitionOf, digestOf, isObject, type ToolDefinition } from './definition.ts'

/** A tool as its server lists it. */
export interface ListedTool {
  readonly definition: ToolDefinition
  readonly digest: string
}

/** Every usable definition that a server listed, by name, and the names of those that are not usable. */
export interface ListedTools {
  readonly tools: ReadonlyMap<string, ListedTool>
  /** Names that are listed twice, and entries that are no definition or are too long. */
  readonly unusable: ReadonlySet<string>
}

/** What is known of the server at the other end of a client. One for a client, however many runs use it. */
export interface Connection {
  /**
   * The tools as the server lists them: what it said at most `maxAgeMs` ago, and after it last said that its list
   * has changed.
   *
   * @throws {GuardError} `ERR_TOOL_UNVERIFIED` if the server does not say.
   */
  tools(options: {
    readonly maxAgeMs: number
    readonly timeoutMs: number
    readonly signal: AbortSignal
  }): Promise<ListedTools>
  /** Hear when the server says that its list has changed, until what this returns is called. */
  onChange(hear: () => void): () => void
}

const connections = new WeakMap<McpClient, Connection>()

/** The connection of a client: one for all that use it. From now on it hears when the list of tools changes. */
export function connectionOf(client: McpClient): Connection {
  const known = connections.get(client)
  if (known !== undefined) return known
  const made = connect(client)
  connections.set(client, made)
  return made
}

const MOST_TRIES = 3

function connect(client: McpClient): Connection {
  let changes = 0
  let last: { readonly listed: ListedTools; readonly at: number; readonly changes: number } | undefined
  let asking: Promise<void> | undefined
  const hearing = new Set<() => void>()
  onNotification(client, 'notifications/tools/list_changed', () => {
    changes += 1
    for (const hear of hearing) hear()
  })
  const ask = async (timeoutMs: number): Promise<void> => {
    // What is asked while the server says that it has changed may be of before or after: only the next is sure.
    const asked = { at: performance.now(), changes }
    // Callers share the answer, so none of their signals may end it.
    const options = { signal: AbortSignal.timeout(timeoutMs), timeout: timeoutMs }
    last = { ...asked, listed: read(await listAllTools(client, options)) }
  }
  const isFresh = (maxAgeMs: number): boolean =>
    last !== undefined && last.changes === changes && performance.now() - last.at <= maxAgeMs
  return {
    onChange(hear) {
      hearing.add(hear)
      return () => void hearing.delete(hear)
    },
    async tools({ maxAgeMs, timeoutMs, signal }) {
      const since = performance.now()
      for (let tries = 0; tries < MOST_TRIES; tries += 1) {
        signal.throwIfAborted()
        // An answer that was asked for after we came is fresh, whatever age was wanted.
        if (last !== undefined && isFresh(Math.max(maxAgeMs, performance.now() - since))) return last.listed
        asking ??= ask(timeoutMs).finally(() => {
          asking = undefined
        })
        try {
          await abortable(asking, signal)
        } catch (cause) {
          signal.throwIfAborted()
          throw new GuardError(
            'ERR_TOOL_UNVERIFIED',
            'The server did not say what its tools are, so none was called.',
            { cause },
          )
        }
      }
      throw new GuardError(
        'ERR_TOOL_UNVERIFIED',
        'The tools of the server keep changing, so none was called.',
      )
    },
  }
}

function read(listed: readonly unknown[]): ListedTools {
  const tools = new Map<string, ListedTool>()
  const unusable = new Set<string>()
  for (const one of listed) {
    const definition = definitionOf(one)
    const name = isObject(one) && typeof one['name'] === 'string' ? one['name'] : '(no name)'
    if (definition === undefined || tools.has(name) || unusable.has(name)) {
      // Of two with one name, nobody can say which a call would reach.
      tools.delete(name)
      unusable.add(name)
    } else tools.set(name, { definition, digest: digestOf(definition) })
  }
  return { tools, unusable }
}

async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const stop = (): void => reject(signal.reason as Error)
  signal.addEventListener('abort', stop, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}
