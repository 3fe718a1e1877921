import { ConfigError, ContractError, GuardError, guardTools, type Run } from '@gatewright/runtime'
import type { Contract, ToolContract } from '@gatewright/runtime/contract'
import { jsonSchema, tool, type ToolSet } from 'ai'
import { tightened } from './annotations.ts'
import { type CallToken, withCallToken, withoutCallToken } from './authorization.ts'
import { callTool, type McpClient } from './client.ts'
import { type Connection, connectionOf, type ListedTool } from './connection.ts'
import { checkOf, withoutDefaults } from './json-schema.ts'
import { isServerName, nameFor, type ToolNaming } from './name.ts'
import type { PinStore } from './pins.ts'
import {
  type CallInFlight,
  bindRequests,
  guardMcpRequests,
  inFlightOn,
  type McpRequestRules,
} from './requests.ts'
import { recordRefusedTools, type RefusedBecause, type NotOffered } from './refused-tools.ts'
import { contentForModel, resultOf } from './result.ts'

export interface GuardMcpOptions {
  /** What you call this server: it stands in pins, in the names of tools and, unless `operator` says otherwise, in labels. */
  readonly server: string
  /** What you say about each tool, by the server's own name of it. A tool with none is refused. */
  readonly contracts: Readonly<Record<string, Contract>>
  /** The definitions that a person accepted. */
  readonly pins: PinStore
  /**
   * Who runs the server: the author of accepted definitions, and `operator` of contracts that name none. Trusted only
   * if the guard's `trusted` has `operator:NAME`. Default: the server's name.
   */
  readonly operator?: string
  /** `prefixed`: `files_read` for `read` of the server `files`. Default. `exact`: as the server calls it. */
  readonly names?: ToolNaming
  /**
   * How old the server's word on its tools may be when one is called, in milliseconds. A server that says that they
   * changed is asked again at once; this is for one that does not. Default 60,000; 0 asks before each call.
   */
  readonly recheckMs?: number
  /** Most bytes of a result, as JSON. Default 1,000,000. */
  readonly mostResultBytes?: number
  /** How long to wait for the list of tools, and for a call whose contract has no `deadlineMs`. Default 60,000. */
  readonly timeoutMs?: number
  /** How requests of the server are answered, once they were permitted. A kind that is left out is refused. */
  readonly requests?: McpRequestRules
}

export interface GuardedMcp {
  /** What can be given to `generateText` or returned from `prepareCall`. */
  readonly tools: ToolSet
  /** Tools that were listed, accepted or under contract, and that the model is not offered. */
  readonly refused: readonly NotOffered[]
}

/** The definitions that a server left in the midst of a run: what changed once and back may change again when called. */
const left = new WeakMap<Run, Set<string>>()

function leftBy(server: string, { definition, digest }: ListedTool): string {
  return `${server} ${digest} ${definition.name}`
}

/**
 * The tools of an MCP server under the guard of a run.
 *
 * The model is offered what has a contract and is, in every character of its definition, what a person accepted.
 * Nothing of any other tool reaches the model. Before a call the definition is held against the server's own list
 * again; a tool that has changed meanwhile is refused, and stays so in this run. What is not offered is in the audit
 * of the run, once for each tool and reason.
 *
 * @throws {ContractError} For a contract of a tool that the server never had, and for one that is not safe.
 * @throws {ConfigError} For a name that another tool of the run has, or nearly has, and for pins that cannot be read.
 * @throws {GuardError} `ERR_TOOL_UNVERIFIED` if the server does not list its tools, `ERR_AUDIT_UNAVAILABLE` if it cannot
 * be recorded which of them are not offered.
 */
export async function guardMcp(run: Run, client: McpClient, options: GuardMcpOptions): Promise<GuardedMcp> {
  return await guardAllBut(new Set(), run, client, options)
}

/** The same, but that the tools in `withdrawn` are out, as changed, whatever the server says of them by now. */
export async function guardAllBut(
  withdrawn: ReadonlySet<string>,
  run: Run,
  client: McpClient,
  options: GuardMcpOptions,
): Promise<GuardedMcp> {
  const { server, contracts, pins, operator = server, names = 'prefixed' } = checked(options)
  const { timeoutMs = 60_000, recheckMs = 60_000 } = options
  const connection = connectionOf(client)
  guardMcpRequests(client)
  const signal = AbortSignal.any([run.signal, AbortSignal.timeout(timeoutMs)])
  const [{ tools: listed, unusable }, accepted] = await Promise.all([
    withoutCallToken(() => connection.tools({ maxAgeMs: recheckMs, timeoutMs, signal })),
    pins.read(server, { signal }),
  ])
  for (const name of Object.keys(contracts))
    if (!listed.has(name) && !accepted.has(name) && !unusable.has(name) && !withdrawn.has(name))
      throw new ContractError(`contracts.${name}`, name, 'the name of a tool of this server')
  const call = { run, requests: bindRequests(run, server, operator, options.requests ?? {}) }
  const changed = left.get(run) ?? new Set()
  left.set(run, changed)
  const tools: ToolSet = {}
  const under: Record<string, ToolContract> = {}
  const refused: NotOffered[] = []
  for (const own of new Set([...listed.keys(), ...unusable, ...accepted.keys()])) {
    const refuse = (because: RefusedBecause): void => void refused.push({ tool: own, because })
    const contract = Object.hasOwn(contracts, own) ? contracts[own] : undefined
    const found = listed.get(own)
    if (withdrawn.has(own)) refuse('changed since it was accepted')
    else if (contract === undefined) refuse('no contract')
    else if (unusable.has(own)) refuse('not a usable definition')
    else if (found === undefined) refuse('no longer there')
    else if (accepted.get(own) === undefined) refuse('not accepted')
    else if (accepted.get(own)?.digest !== found.digest || changed.has(leftBy(server, found)))
      refuse('changed since it was accepted')
    else {
      const name = nameFor(server, own, names)
      if (name === undefined || Object.hasOwn(tools, name)) {
        refuse('not a usable name')
        continue
      }
      const strict = tightened(contract, found.definition.annotations)
      const made = toolOf(found, {
        ...options,
        connection,
        client,
        call,
        changed,
        deadlineMs: strict.deadlineMs,
      })
      if (made === undefined) {
        refuse('not a usable schema')
        continue
      }
      tools[name] = made
      under[name] = { ...strict, operator: strict.operator ?? operator }
    }
  }
  await recordRefusedTools(run, server, refused)
  const guarded = guardTools(run, tools, under, { source: server, definitions: `operator:${operator}` })
  return { tools: guarded, refused }
}

interface ToolOptions extends GuardMcpOptions {
  readonly connection: Connection
  readonly client: McpClient
  readonly call: CallInFlight
  readonly changed: Set<string>
  readonly deadlineMs: number | undefined
}

/** A tool that calls the server, if its definition is still this one; undefined where a schema cannot be checked. */
function toolOf(listed: ListedTool, options: ToolOptions): ToolSet[string] | undefined {
  const {
    connection,
    client,
    server,
    recheckMs = 60_000,
    timeoutMs = 60_000,
    mostResultBytes = 1_000_000,
  } = options
  const { definition, digest } = listed
  const { name, description, inputSchema, outputSchema } = definition
  const fitsInput = checkOf(inputSchema)
  const fitsOutput = outputSchema === undefined ? undefined : checkOf(outputSchema)
  if (fitsInput === undefined || (outputSchema !== undefined && fitsOutput === undefined)) return undefined
  return tool({
    ...(description === undefined ? {} : { description }),
    inputSchema: jsonSchema<Record<string, unknown>>(withoutDefaults(inputSchema), {
      validate: (value) =>
        fitsInput(value)
          ? { success: true, value: value as Record<string, unknown> }
          : { success: false, error: new TypeError('The input does not fit the schema of the tool.') },
    }),
    ...(outputSchema === undefined ? {} : { outputSchema: jsonSchema<unknown>(outputSchema) }),
    execute: async (input, { abortSignal = new AbortController().signal, context }) => {
      const timeout = options.deadlineMs ?? timeoutMs
      const signal = AbortSignal.any([abortSignal, AbortSignal.timeout(timeout)])
      const { tools } = await withoutCallToken(() =>
        connection.tools({ maxAgeMs: recheckMs, timeoutMs, signal }),
      )
      if (tools.get(name)?.digest !== digest) options.changed.add(leftBy(server, listed))
      if (options.changed.has(leftBy(server, listed)))
        throw new GuardError(
          'ERR_TOOL_CHANGED',
          'This tool is no longer the one that was accepted, so it was not called.',
        )
      const send = (): Promise<unknown> =>
        callTool(client, { name, arguments: input }, { signal, timeout, definition })
      const returned = await inFlightOn(client, options.call, () =>
        withCallToken(server, credentialsIn(context), send),
      )
      return resultOf(returned, { fits: fitsOutput, mostBytes: mostResultBytes })
    },
    ...(outputSchema === undefined ? { toModelOutput: contentForModel } : {}),
  }) as ToolSet[string]
}

/** The credential of a call, as the guard gives it to a tool. */
function credentialsIn(context: unknown): CallToken | undefined {
  const { credentials } = (context ?? {}) as { credentials?: CallToken }
  return typeof credentials?.fetch === 'function' ? credentials : undefined
}

function checked(options: GuardMcpOptions): GuardMcpOptions {
  const { server, operator, names, recheckMs, mostResultBytes, timeoutMs } = options
  if (!isServerName(server))
    throw new ConfigError(
      'guardMcp.server',
      server,
      "a name of lower-case letters, digits and '-', such as 'files'",
    )
  if (operator !== undefined && !/^[^\s:]+$/u.test(operator))
    throw new ConfigError('guardMcp.operator', operator, "a name without spaces or colons, such as 'acme'")
  if (names !== undefined && names !== 'prefixed' && names !== 'exact')
    throw new ConfigError('guardMcp.names', names, "'prefixed' or 'exact'")
  for (const [key, value, least] of [
    ['recheckMs', recheckMs, 0],
    ['mostResultBytes', mostResultBytes, 1],
    ['timeoutMs', timeoutMs, 1],
  ] as const)
    if (value !== undefined && !(Number.isFinite(value) && value >= least))
      throw new ConfigError(`guardMcp.${key}`, value, `a number of at least ${least}`)
  return options
}
