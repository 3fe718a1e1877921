import { ConfigError } from '@gatewright/runtime'
import { isObject, type JsonObject } from './definition.ts'
import type { McpCaller } from './guard-server-caller.ts'
import { filtered, redacted, type ResultFilter } from './guard-server-filter.ts'
import type { RecordRefusal, Refusal } from './guard-server-refusals.ts'

/** Who may call one tool, and what leaves the server of its results. */
export interface McpToolRule extends ResultFilter {
  /** Every one of these is needed: a list, or one for these arguments, such as `orders:read:user:alice`. */
  readonly scopes:
    | readonly string[]
    | ((args: Readonly<Record<string, unknown>>, caller: McpCaller) => readonly string[])
  /** Agents that may call it, by the `sub` of the outermost `act`. Default: all that may act here. */
  readonly agents?: readonly string[]
}

/** By the name of the tool; a function where the tools are not known beforehand. One with no rule is not there. */
export type McpToolRules = Readonly<Record<string, McpToolRule>> | ((tool: string) => McpToolRule | undefined)

function ruleOf(rules: McpToolRules, tool: unknown): McpToolRule | undefined {
  if (typeof tool !== 'string') return undefined
  if (typeof rules === 'function') return rules(tool)
  return Object.hasOwn(rules, tool) ? rules[tool] : undefined
}

/** What a message may do: go on, not without more scopes, or not at all. */
export type Verdict = { readonly may: true } | { readonly may: false; readonly missing?: readonly string[] }

/** Methods that say nothing of anybody, besides `tools/list` and `tools/call`. */
const OPEN =
  /^(?:initialize|ping|server\/discover|logging\/setLevel|subscriptions\/listen|notifications\/.+)$/

/** Requests of one connection that may wait for their answers; one that was cancelled counts, since it gets none. */
const MOST_OPEN = 10_000

/** What a caller may ask of the server. */
export type Judge = (message: unknown, caller: McpCaller | undefined) => Verdict

/** @throws {ConfigError} For a tool without scopes. */
export function judgeOf(tools: McpToolRules, methods: Readonly<Record<string, readonly string[]>>): Judge {
  for (const [name, rule] of typeof tools === 'function' ? [] : Object.entries(tools))
    if (typeof rule.scopes !== 'function' && !isScopes(rule.scopes))
      throw new ConfigError(`tools.${name}.scopes`, rule.scopes, 'at least one scope, or a function')
  for (const [name, scopes] of Object.entries(methods))
    if (!isScopes(scopes)) throw new ConfigError(`methods.${name}`, scopes, 'at least one scope')
  return (message, caller) => {
    if (!isObject(message)) return { may: false }
    const { method, params } = message
    if (method === undefined) return { may: caller !== undefined }
    if (typeof method !== 'string' || caller === undefined) return { may: false }
    if (method === 'tools/call') return callOf(tools, isObject(params) ? params : {}, caller)
    if (Object.hasOwn(methods, method)) return holds(methods[method] ?? [], caller)
    return { may: method === 'tools/list' || OPEN.test(method) }
  }
}

function callOf(tools: McpToolRules, params: JsonObject, caller: McpCaller): Verdict {
  const { name, arguments: args = {} } = params
  const rule = ruleOf(tools, name)
  if (rule === undefined || !isObject(args)) return { may: false }
  const { agents, scopes } = rule
  // The outermost actor alone: who acted before it permits nothing.
  if (agents !== undefined && (caller.actor === undefined || !agents.includes(caller.actor.sub)))
    return { may: false }
  if (typeof scopes !== 'function') return holds(scopes, caller)
  try {
    return holds(scopes(args, caller), caller)
  } catch {
    return { may: false }
  }
}

function holds(scopes: readonly string[], caller: McpCaller): Verdict {
  if (!isScopes(scopes)) return { may: false }
  const missing = scopes.filter((scope) => !caller.scopes.has(scope))
  return missing.length === 0 ? { may: true } : { may: false, missing: scopes }
}

function isScopes(scopes: unknown): scopes is readonly string[] {
  // RFC 6749 §3.3: what a scope may be, and so what may stand in a header.
  return (
    Array.isArray(scopes) &&
    scopes.length > 0 &&
    scopes.every((one) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(String(one)))
  )
}

/** The part of a transport, of either version, that messages pass. */
export interface McpTransport {
  onmessage?: ((message: never, extra?: never) => void) | undefined
  send(message: never, ...rest: never[]): Promise<void>
}

const NEVER = new AbortController().signal
const IN_USE = { because: 'id in use', text: 'A request with this id is being answered.' } as const
const TOO_MANY = { because: 'too many requests', text: 'Too many requests are being answered.' } as const

type Hear = (message: unknown, extra?: unknown) => void
type Send = (message: unknown, ...rest: unknown[]) => Promise<void>
type Request = { readonly method: string; readonly tool: string; readonly caller: McpCaller }

/**
 * Stand between a transport and its server: what may not be asked is answered here, and what the server answers is
 * filtered. Messages whose caller nobody verified reach no tool.
 */
export function mediate(
  transport: McpTransport,
  {
    judge,
    tools,
    callerIn,
    record,
  }: {
    judge: Judge
    tools: McpToolRules
    callerIn: (extra: unknown) => McpCaller | undefined
    record: RecordRefusal
  },
): void {
  const send = transport.send.bind(transport) as Send
  const open = new Map<unknown, Request>()
  const answer = (id: unknown, code: number, message: string): void =>
    void send({ jsonrpc: '2.0', id, error: { code, message } }).catch(() => {})
  /** Written down first, and answered where an answer is waited for. */
  const refuse = (refusal: Refusal, error?: { id: unknown; code: number; text: string }): void => {
    record(refusal, { signal: NEVER }).then(
      () => error && answer(error.id, error.code, error.text),
      () => error && answer(error.id, -32_603, 'The audit cannot be written now.'),
    )
  }
  const heard =
    (hear: Hear): Hear =>
    (message, extra) => {
      const { id, method, params } = isObject(message) ? message : {}
      const caller = callerIn(extra)
      const verdict = judge(message, caller)
      if (!verdict.may) {
        const because = verdict.missing === undefined ? 'not permitted' : 'too little scope'
        const isAsked = id !== undefined && method !== undefined
        const text = 'This is not there, or not for you.'
        return refuse({ because, caller, message }, isAsked ? { id, code: -32_602, text } : undefined)
      }
      if (id !== undefined && typeof method === 'string' && caller !== undefined) {
        // Whose result it is must be clear when it comes.
        const full = open.has(id) ? IN_USE : open.size >= MOST_OPEN ? TOO_MANY : undefined
        if (full !== undefined)
          return refuse({ because: full.because, caller, message }, { id, code: -32_600, text: full.text })
        const tool = isObject(params) && typeof params['name'] === 'string' ? params['name'] : ''
        open.set(id, { method, tool, caller })
      }
      hear(message, extra)
    }
  let own = transport.onmessage as Hear | undefined
  let wrapped = own && heard(own)
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => wrapped,
    set(hear: Hear | undefined) {
      own = hear
      wrapped = own && heard(own)
    },
  })
  transport.send = ((message: unknown, ...rest: unknown[]) =>
    send(outgoing(message, open, tools), ...rest)) as McpTransport['send']
}

function outgoing(message: unknown, open: Map<unknown, Request>, tools: McpToolRules): unknown {
  if (!isObject(message)) return message
  if (message['method'] !== undefined) return redacted(message)
  const { id, result, error } = message
  const request = open.get(id)
  open.delete(id)
  if (request === undefined) return redacted(message)
  const { method, tool, caller } = request
  if (method === 'tools/list' && isObject(result)) return { ...message, result: listed(result, tools) }
  if (method !== 'tools/call') return redacted(message)
  const rule = ruleOf(tools, tool)
  if (error !== undefined || rule === undefined) return { ...message, error: plainError(error) }
  return { ...message, result: filtered(result, rule, caller) }
}

/** A tool that nobody has said who may call is not there. */
function listed(result: JsonObject, rules: McpToolRules): JsonObject {
  const { tools } = result
  const kept = (Array.isArray(tools) ? (tools as unknown[]) : []).filter(
    (one) => isObject(one) && ruleOf(rules, one['name']) !== undefined,
  )
  return { ...result, tools: kept }
}

/** The code that a client acts upon; the words may be those of whatever went wrong inside. */
function plainError(error: unknown): object {
  const code = isObject(error) && Number.isInteger(error['code']) ? (error['code'] as number) : -32_603
  return { code, message: code === -32_602 ? 'The arguments were not accepted.' : 'The tool failed.' }
}
