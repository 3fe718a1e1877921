import { AsyncLocalStorage } from 'node:async_hooks'
import { randomUUID } from 'node:crypto'
import { GuardError, guardTools, type Run } from '@gatewright/runtime'
import { content, type ToolContract } from '@gatewright/runtime/contract'
import { jsonSchema, tool, type ToolSet } from 'ai'
import { type McpClient, onRequest } from './client.ts'
import type { JsonObject } from './definition.ts'
import { visible } from './visible.ts'

const METHODS = {
  elicitation: 'elicitation/create',
  sampling: 'sampling/createMessage',
  roots: 'roots/list',
} as const

export type McpRequestKind = keyof typeof METHODS

/** Something that a server asks of the user, of a model or of the application, while it carries out a call. */
export interface McpRequest {
  readonly server: string
  readonly kind: McpRequestKind
  /** The request as the server made it. Nobody but the server stands for a word of it. */
  readonly params: JsonObject
  /** The same as a person may be shown it: whose words they are comes first, and nothing in them is hidden. */
  readonly shown: string
  readonly run: Run
}

/** How one kind of request is answered, once it was permitted. */
export interface McpRequestRule {
  /**
   * Answer it: ask the user on a channel of your own, or a model that is under guard. What it returns goes to the
   * server.
   */
  answer(request: McpRequest, options: { readonly signal: AbortSignal }): Promise<object>
  /**
   * What the answer does to the world, for the decision. Its one argument `request` is the request as JSON. Default: a write whose words reach the user, for a question
   * to the user; one whose words reach the server, for anything else.
   */
  readonly contract?: ToolContract
}

export type McpRequestRules = { readonly [KIND in McpRequestKind]?: McpRequestRule }

/** A call that a client is carrying out for a run. */
export interface CallInFlight {
  readonly run: Run
  readonly requests: BoundRequests
}

/** Decides on a request and has it answered, within the call that it belongs to. */
export type BoundRequests = (kind: McpRequestKind, params: JsonObject, signal: AbortSignal) => Promise<object>

interface Flight extends CallInFlight {
  /** Runs something in the context of the call, so that what it does is done by the call. */
  readonly within: <T>(work: () => T) => T
}

const flights = new WeakMap<McpClient, Set<Flight>>()
const current = new AsyncLocalStorage<Flight>()

/**
 * Put the requests that a server makes of a client (elicitation, sampling, roots) under guard.
 *
 * They are the words of the server, and no handler of the client's own hears them any more. A request is decided on
 * as a call `SERVER_elicitation`, `SERVER_sampling` or `SERVER_roots` that the tool in flight makes, with what the
 * server says among its causes: by the policy, the limits, the approvals and the audit of that run. With no rule for
 * it in `guardMcp`, with no call in flight, or where it is not clear which run's, the answer is no.
 */
export function guardMcpRequests(client: McpClient): void {
  if (flights.has(client)) return
  const inFlight = new Set<Flight>()
  flights.set(client, inFlight)
  for (const [kind, method] of Object.entries(METHODS) as [McpRequestKind, string][])
    onRequest(client, method, async (params, { signal }) => {
      const flight = flightOf(inFlight)
      try {
        if (flight === undefined) throw denied()
        return await flight.within(() => flight.requests(kind, params, signal))
      } catch (error) {
        if (kind === 'elicitation' && GuardError.isInstance(error)) return { action: 'decline' }
        // Whatever went wrong here is none of the server's business.
        throw denied()
      }
    })
}

/** Carry out a call of a run on a client; requests that the server makes meanwhile are decided on as part of it. */
export async function inFlightOn<T>(
  client: McpClient,
  call: CallInFlight,
  work: () => Promise<T>,
): Promise<T> {
  const all = flights.get(client)
  const flight: Flight = { ...call, within: AsyncLocalStorage.snapshot() }
  all?.add(flight)
  try {
    return await current.run(flight, work)
  } finally {
    all?.delete(flight)
  }
}

/** The call that a request belongs to: the one whose response it came with, else the only run's. */
function flightOf(inFlight: ReadonlySet<Flight>): Flight | undefined {
  const own = current.getStore()
  if (own !== undefined && inFlight.has(own)) return own
  const runs = new Set([...inFlight].map(({ run }) => run))
  return runs.size === 1 ? [...inFlight].at(-1) : undefined
}

/** The requests of a server as calls under the guard of a run. */
export function bindRequests(
  run: Run,
  server: string,
  operator: string,
  rules: McpRequestRules,
): BoundRequests {
  const prefix = server.replaceAll('-', '_')
  const tools: ToolSet = {}
  const contracts: Record<string, ToolContract> = {}
  // As one text: what a server may ask for has no form that could be named argument by argument.
  const inputSchema = jsonSchema<{ request: string }>({
    type: 'object',
    properties: { request: { type: 'string' } },
    required: ['request'],
    additionalProperties: false,
  })
  const kinds = (Object.keys(METHODS) as McpRequestKind[]).filter((kind) => rules[kind] !== undefined)
  for (const kind of kinds) {
    const rule = rules[kind] as McpRequestRule
    tools[`${prefix}_${kind}`] = tool({
      inputSchema,
      execute: ({ request }, { abortSignal = NEVER }) => {
        const params = JSON.parse(request) as JsonObject
        const shown = `The server '${server}' says, in its own words:\n${visible(wordsIn(params))}`
        return rule.answer({ server, kind, params, shown, run }, { signal: abortSignal })
      },
    }) as ToolSet[string]
    contracts[`${prefix}_${kind}`] = rule.contract ?? defaultContract(run, kind, operator)
  }
  if (kinds.length > 0) {
    // What the server says is heard first, so that it is among the causes of what is done about it.
    tools[`${prefix}_request`] = tool({
      inputSchema,
      execute: ({ request }) => request,
    }) as ToolSet[string]
    contracts[`${prefix}_request`] = { effect: 'read', operator }
  }
  const guarded = guardTools(run, tools, contracts, { source: server })
  return async (kind, params, abortSignal) => {
    if (rules[kind] === undefined) throw denied()
    const call = (name: string): unknown => {
      const { execute } = guarded[`${prefix}_${name}`] as { execute: Execute }
      return execute(
        { request: JSON.stringify(params) },
        { toolCallId: randomUUID(), messages: [], abortSignal },
      )
    }
    await call('request')
    return (await call(kind)) as object
  }
}

type Execute = (input: unknown, options: object) => unknown

const NEVER = new AbortController().signal

function defaultContract(run: Run, kind: McpRequestKind, operator: string): ToolContract {
  const { subject } = run.principal
  return {
    effect: 'write',
    operator,
    args: { request: content() },
    ...(kind === 'elicitation' ? { audience: () => subject } : {}),
  }
}

/** Every text in a request, each on a line of its own with its place; the message first, and alone. */
function wordsIn({ message, ...rest }: JsonObject): string {
  const lines = typeof message === 'string' ? [message] : []
  const visit = (value: unknown, path: string): void => {
    if (typeof value === 'string') lines.push(`${path}: ${value}`)
    else if (typeof value === 'object' && value !== null)
      for (const [key, part] of Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
        visit(part, path === '' ? key : `${path}.${key}`)
  }
  visit(rest, '')
  return lines.join('\n')
}

function denied(): GuardError {
  return new GuardError('ERR_DENIED', 'The guard did not permit this request.')
}
