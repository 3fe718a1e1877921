import { ConfigError, type Guard, GuardError, type Run, type RunOptions } from '@gatewright/runtime'
import { callUnseen, recordRefused } from '@gatewright/runtime/gateway'
import { asSchema, type ToolSet } from 'ai'
import type { McpClient } from './client.ts'
import { connectionOf } from './connection.ts'
import { isObject, type JsonObject } from './definition.ts'
import { guardAllBut, type GuardMcpOptions } from './guard-mcp.ts'
import { nameFor } from './name.ts'
import { type CheckUserMessage, USER_MESSAGE } from './proxy-user-message.ts'
import type { NotOffered } from './refused-tools.ts'
import { type ContentBlock, type ContentResult, McpToolError } from './result.ts'

/** A server behind the proxy. */
export interface McpUpstream extends Omit<GuardMcpOptions, 'requests'> {
  readonly client: McpClient
}

export interface McpProxyOptions {
  readonly guard: Guard
  readonly upstreams: readonly McpUpstream[]
  /** Who may say what the user said: `userMessageCheck()`. Left out, nothing counts as quoted. */
  readonly userMessages?: CheckUserMessage
}

/** A tool as the proxy lists it: what was accepted, under the name that policies and the audit have for it. */
export interface ProxiedTool {
  readonly name: string
  readonly description?: string
  readonly inputSchema: JsonObject
  readonly outputSchema?: JsonObject
}

export interface RefusedTool extends NotOffered {
  readonly server: string
}

/** One client of the proxy: one run. End it when the client has gone. */
export interface McpProxySession extends AsyncDisposable {
  readonly run: Run
  /** What `tools/list` answers. */
  list(): Promise<{ tools: readonly ProxiedTool[]; _meta: JsonObject }>
  /** What `tools/call` answers; a refusal is an answer too, and holds no values. */
  call(params: JsonObject, options: { readonly signal: AbortSignal }): Promise<JsonObject>
  /** Tools that are not offered, and why. */
  refused(): readonly RefusedTool[]
  /** Hear when the list is another than it was. */
  onChange(hear: () => void): void
}

/**
 * Put a guard between an agent that was not written for it and MCP servers: contracts, pins, policy, limits,
 * approvals, halts and the audit hold as anywhere.
 *
 * A proxy sees calls, and never the prompt that led to them. So the cause of each call is anyone's from the first,
 * and no value counts as the user's unless it stands in a message that the application signed.
 */
export function mcpProxy({ guard, upstreams, userMessages }: McpProxyOptions): {
  /** @throws {GuardError} As `guard.startRun` and `guardMcp` do: then nothing is served. */
  open(options: RunOptions): Promise<McpProxySession>
} {
  return {
    async open(options) {
      const run = await guard.startRun(options)
      try {
        const session = await sessionOf(run, upstreams, userMessages)
        return session
      } catch (error) {
        await run.end()
        throw error
      }
    },
  }
}

async function sessionOf(
  run: Run,
  upstreams: readonly McpUpstream[],
  userMessages: CheckUserMessage | undefined,
): Promise<McpProxySession> {
  let tools: ToolSet = {}
  let refused: RefusedTool[] = []
  const hearing = new Set<() => void>()
  // A tool that has changed in this session is out of it, even if it changes back or somebody accepts it.
  const withdrawn = new Map(upstreams.map(({ server }) => [server, new Set<string>()]))

  const look = async (): Promise<void> => {
    const found = await Promise.all(
      upstreams.map(async ({ client, ...upstream }) => {
        const { server } = upstream
        const out = withdrawn.get(server) ?? new Set()
        const { tools: offered, refused: not } = await guardAllBut(out, run, client, upstream)
        for (const { tool, because } of not) if (because.startsWith('changed')) out.add(tool)
        return { server, offered, refused: not }
      }),
    )
    const before = new Set(Object.keys(tools))
    tools = Object.assign({}, ...found.map(({ offered }) => offered)) as ToolSet
    refused = found.flatMap(({ server, refused: not }) => not.map((one) => ({ server, ...one })))
    const after = Object.keys(tools)
    if (after.length !== before.size || after.some((name) => !before.has(name)))
      for (const hear of hearing) hear()
  }
  const withdraw = (name: string): void => {
    for (const { server, contracts, names = 'prefixed' } of upstreams)
      for (const tool of Object.keys(contracts))
        if (nameFor(server, tool, names) === name) withdrawn.get(server)?.add(tool)
  }
  const refusedCall = (tool: unknown, because: string): Promise<void> =>
    recordRefused(run, {
      type: 'request-refused',
      server: 'proxy',
      method: 'tools/call',
      because,
      ...(typeof tool === 'string' && { tool }),
    })
  await look()
  // Looks come one after the other, so that an older answer takes nothing back.
  let looking = Promise.resolve()
  const lookAgain = async (): Promise<void> => {
    const next = looking.then(look)
    looking = next.catch(() => {})
    return next
  }
  const over = upstreams.map(({ client }) =>
    connectionOf(client).onChange(() => {
      lookAgain().catch(() => {
        // Not known any more: nothing is offered until it is. A call is held against the list by itself.
        tools = {}
      })
    }),
  )

  return {
    run,
    async list() {
      await lookAgain().catch((error: unknown) => {
        // Whatever a server said about it is not for whoever asked.
        throw GuardError.isInstance(error) && !(error instanceof ConfigError)
          ? error
          : new GuardError('ERR_TOOL_UNVERIFIED', 'What the tools are is not known now.')
      })
      return {
        tools: await Promise.all(Object.entries(tools).map(([name, tool]) => listed(name, tool))),
        _meta: { 'gatewright/run': run.id },
      }
    },
    async call({ name, arguments: input = {}, _meta: meta }, { signal }) {
      try {
        const statement = isObject(meta) ? meta[USER_MESSAGE] : undefined
        if (statement !== undefined)
          try {
            await hearUser(run, userMessages, statement, signal)
          } catch (error) {
            await refusedCall(name, 'message of the user')
            throw error
          }
        if (typeof name !== 'string' || !Object.hasOwn(tools, name)) {
          await refusedCall(name, 'no such tool')
          return failure('There is no such tool.')
        }
        const output = await callUnseen(run, tools, { tool: name, input, signal })
        return resultOf(output, tools[name]?.outputSchema !== undefined)
      } catch (error) {
        if (GuardError.isInstance(error)) {
          if (error.code === 'ERR_TOOL_CHANGED') {
            withdraw(String(name))
            lookAgain().catch(() => {})
          }
          return failure(error.message)
        }
        // What a tool says of its failure is for whoever called it; what else went wrong is not.
        return failure(error instanceof McpToolError ? error.message : 'The tool failed.')
      }
    },
    refused: () => refused,
    onChange: (hear) => void hearing.add(hear),
    async [Symbol.asyncDispose]() {
      for (const stop of over) stop()
      hearing.clear()
      await run.end()
    },
  }
}

async function hearUser(
  run: Run,
  check: CheckUserMessage | undefined,
  statement: unknown,
  signal: AbortSignal,
): Promise<void> {
  if (check === undefined)
    throw new GuardError(
      'ERR_SUBJECT_INVALID',
      'This proxy takes no messages of users, so the call was not made.',
    )
  run.userSaid(await check(statement, { subject: run.principal.subject, run: run.id, signal }))
}

async function listed(
  name: string,
  { description, inputSchema, outputSchema }: ToolSet[string],
): Promise<ProxiedTool> {
  const [input, output] = await Promise.all([
    asSchema(inputSchema).jsonSchema,
    outputSchema === undefined ? undefined : asSchema(outputSchema).jsonSchema,
  ])
  return {
    name,
    ...(typeof description === 'string' ? { description } : {}),
    inputSchema: input as JsonObject,
    ...(output === undefined ? {} : { outputSchema: output as JsonObject }),
  }
}

/** The result as the protocol has it. */
function resultOf(output: unknown, isStructured: boolean): JsonObject {
  if (isStructured)
    return { structuredContent: output, content: [{ type: 'text', text: JSON.stringify(output) }] }
  const { content, structuredContent } = output as ContentResult
  return {
    content: content.map(blockOf),
    ...(structuredContent === undefined ? {} : { structuredContent }),
  }
}

function blockOf(block: ContentBlock): object {
  if (block.type !== 'resource') return block
  const { type, ...resource } = block
  return { type, resource }
}

function failure(text: string): JsonObject {
  return { isError: true, content: [{ type: 'text', text }] }
}
