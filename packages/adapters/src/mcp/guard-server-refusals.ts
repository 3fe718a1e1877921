import { type AuditSink, ConfigError } from '@gatewright/runtime'
import { createAudit, type Redact } from '@gatewright/runtime/gateway'
import { isObject } from './definition.ts'
import type { McpCaller } from './guard-server-caller.ts'

/** Where it is written what a server refused. */
export interface McpServerAudit {
  readonly sink: AuditSink
  /** What is taken out of an event, in place of the redaction that is done otherwise. */
  readonly redact?: Redact
}

/** A request that goes no further. Nothing that its sender chose is in it but what it asked for. */
export interface Refusal {
  readonly because:
    | 'origin'
    | 'no token'
    | 'token in the query'
    | 'token not valid'
    | 'tokens cannot be checked'
    | 'session'
    | 'not readable'
    | 'not permitted'
    | 'too little scope'
    | 'id in use'
    | 'too many requests'
  readonly status?: number
  /** Undefined where nobody knows who it is. */
  readonly caller?: McpCaller | undefined
  /** The message that was refused, where it was read that far. */
  readonly message?: unknown
}

/** Records a refusal; rejects if it cannot. */
export type RecordRefusal = (refusal: Refusal, options: { readonly signal: AbortSignal }) => Promise<void>

/**
 * Refusals as events of an audit: who called, where that is verified, and what for; never a token, a header or an
 * argument. A name that a caller made up is cut, and secrets are taken out of it.
 *
 * @throws {ConfigError} On something that is no sink.
 */
export function refusalsTo(
  audit: McpServerAudit | undefined,
  { resource, now }: { readonly resource: string; readonly now: () => Date },
): RecordRefusal {
  if (audit === undefined) return async () => {}
  if (typeof audit.sink?.write !== 'function')
    throw new ConfigError('audit.sink', audit.sink, 'a sink with write()')
  const { sink, redact } = audit
  const kept = createAudit({ sink, now, ...(redact === undefined ? {} : { redact }) })
  return async ({ because, status, caller, message }, options) => {
    const own = caller === undefined ? kept : kept.within(contextOf(caller))
    const asked = askedFor(message)
    await own.record(
      { type: 'request-refused', server: resource, because, status, client: caller?.client, ...asked },
      options,
    )
  }
}

function contextOf({
  subject,
  chain,
  tenant,
}: McpCaller): Parameters<ReturnType<typeof createAudit>['within']>[0] {
  return { subject, delegation: chain, tenant }
}

function askedFor(message: unknown): { readonly method?: string; readonly tool?: string } {
  if (!isObject(message)) return {}
  const { method, params } = message
  const name = method === 'tools/call' && isObject(params) ? params['name'] : undefined
  return {
    ...(typeof method === 'string' && { method }),
    ...(typeof name === 'string' && { tool: name }),
  }
}
