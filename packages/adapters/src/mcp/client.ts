import { z } from 'zod'
import { isObject, type JsonObject } from './definition.ts'

/**
 * The part of an MCP client that the guard uses. A connected `Client` of `@modelcontextprotocol/sdk` 1.x or of
 * `@modelcontextprotocol/client` 2.x fits as it is.
 */
export interface McpClient {
  listTools(params?: { cursor?: string }, options?: never): Promise<{ tools: unknown; nextCursor?: unknown }>
  callTool(params: { name: string; arguments?: Record<string, unknown> }, ...rest: never[]): Promise<unknown>
  setNotificationHandler(method: never, handler: never): void
  setRequestHandler(method: never, handler: never): void
}

export interface RequestOptions {
  readonly signal: AbortSignal
  /** Milliseconds until the client gives the request up. */
  readonly timeout: number
}

/** Most pages of tools that a server may have, and most tools in all: one that never ends is refused. */
const MOST_PAGES = 64
const MOST_TOOLS = 2000

/**
 * Every tool that the server lists now, asked of the server itself: a list that the client kept would show what was
 * there before.
 *
 * @throws {RangeError} For a server whose list does not end.
 */
export async function listAllTools(client: McpClient, options: RequestOptions): Promise<readonly unknown[]> {
  const all: unknown[] = []
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const { tools, nextCursor } = await client.listTools(cursor === undefined ? undefined : { cursor }, {
      ...options,
      cacheMode: 'refresh',
    } as never)
    if (!Array.isArray(tools)) throw new TypeError('The server listed no tools.')
    all.push(...(tools as unknown[]))
    if (all.length > MOST_TOOLS) break
    if (typeof nextCursor !== 'string') return all
    if (seen.has(nextCursor)) break
    seen.add(nextCursor)
    cursor = nextCursor
  }
  throw new RangeError('The list of tools does not end.')
}

/** Call a tool. `definition` is what the client checks and mirrors by, where it can be told. */
export async function callTool(
  client: McpClient,
  params: { name: string; arguments: Record<string, unknown> },
  options: RequestOptions & { readonly definition: unknown },
): Promise<unknown> {
  const { definition, ...request } = options
  const send = client.callTool.bind(client) as (...given: unknown[]) => Promise<unknown>
  // Progress keeps no call alive: a server that says it is at work for ever is slow like any other.
  const given = { ...request, maxTotalTimeout: request.timeout, resetTimeoutOnProgress: false }
  return isVersion1(client)
    ? await send(params, undefined, given)
    : await send(params, { ...given, toolDefinition: definition })
}

/** Hear a notification of the server. Takes the place of whoever heard it before. */
export function onNotification(client: McpClient, method: string, hear: () => void): void {
  const set = client.setNotificationHandler.bind(client) as (...given: unknown[]) => void
  set(named(client, method), hear)
}

/** Answers a request that a server made of the client. */
export type AnswerRequest = (
  params: JsonObject,
  options: { readonly signal: AbortSignal },
) => Promise<unknown>

/**
 * Answer one kind of request of the server. Takes the place of whoever answered it before.
 *
 * A client that did not say, when it was made, that it answers such requests is left as it is: it refuses them.
 */
export function onRequest(client: McpClient, method: string, answer: AnswerRequest): void {
  const set = client.setRequestHandler.bind(client) as (...given: unknown[]) => void
  const handle = (request: unknown, extra: unknown): Promise<unknown> => {
    const params = isObject(request) && isObject(request['params']) ? request['params'] : {}
    return answer(params, { signal: signalIn(extra) })
  }
  try {
    set(named(client, method), handle)
  } catch (error) {
    if (!(error instanceof Error) || !/does not support/i.test(error.message)) throw error
  }
}

// 1.x takes a zod schema of the message, 2.x the name of its method.
function named(client: McpClient, method: string): unknown {
  return isVersion1(client) ? z.looseObject({ method: z.literal(method) }) : method
}

function isVersion1(client: McpClient): boolean {
  return 'experimental' in client
}

function signalIn(extra: unknown): AbortSignal {
  const own = isObject(extra)
    ? (extra['signal'] ?? (isObject(extra['mcpReq']) ? extra['mcpReq']['signal'] : undefined))
    : undefined
  return own instanceof AbortSignal ? own : new AbortController().signal
}
