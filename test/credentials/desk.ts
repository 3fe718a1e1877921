import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  type AuditEvent,
  createGuard,
  type CredentialAccess,
  type Guard,
  guardAgent,
  type GuardOptions,
  type RunOptions,
} from '@gatewright/runtime'
import type { ToolContract } from '@gatewright/runtime/contract'
import { createCredentials, type CredentialsOptions, Secret } from '@gatewright/runtime/credentials'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { z } from 'zod'
import { type ScriptedIssuer, scriptedIssuer, type ScriptedIssuerOptions } from './scripted-issuer.ts'

export const WAYS = ['generate', 'stream'] as const
export const alice = { subject: 'user:alice' } as const

/** A request that a resource server got. */
export interface Seen {
  readonly method: string
  readonly url: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Api extends AsyncDisposable {
  readonly origin: string
  /** `127.0.0.1:PORT`. */
  readonly host: string
  readonly seen: Seen[]
}

/** A resource server on this machine. Says `{"ok":true}` unless it is told otherwise. */
export async function openApi(
  answer: (message: IncomingMessage, response: ServerResponse, body: string) => void = (_, response) =>
    response.setHeader('content-type', 'application/json').end('{"ok":true}'),
): Promise<Api> {
  const seen: Seen[] = []
  const server = createServer(async (message, response) => {
    let body = ''
    for await (const part of message) body += String(part)
    seen.push({ method: message.method ?? '', url: message.url ?? '', headers: message.headers, body })
    answer(message, response, body)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return {
    origin: `http://${host}`,
    host,
    seen,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

export interface DeskOptions {
  readonly api: Api
  readonly issuing?: ScriptedIssuerOptions
  readonly credentials?: Partial<CredentialsOptions>
  readonly guard?: Partial<GuardOptions>
  /** Instead of a token for the audience of the server. */
  readonly wanted?: NonNullable<ToolContract['credentials']>
}

export interface Desk extends AsyncDisposable {
  readonly guard: Guard
  readonly issuer: ScriptedIssuer
  readonly events: AuditEvent[]
  /** One call of the tool, made by a model in a run of its own; what the model was told of it. */
  call(
    work: (credentials: CredentialAccess, input: { id: string }) => unknown,
    options?: { readonly way?: (typeof WAYS)[number]; readonly id?: string } & Partial<RunOptions>,
  ): Promise<string>
}

/** A guard, an issuer and one tool that uses its credential as a test says. */
export function openDesk({ api, issuing, credentials, guard: over, wanted }: DeskOptions): Desk {
  const issuer = scriptedIssuer(issuing)
  const events: AuditEvent[] = []
  const guard = createGuard({
    agent: { id: 'support', version: '1', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: { write: (event) => void events.push(event) } },
    network: { dangerouslyAllowInternal: [api.host] },
    credentials: createCredentials({ issuers: { [api.origin]: issuer }, ...credentials }),
    ...over,
  })
  return {
    guard,
    issuer,
    events,
    async call(work, { way = 'generate', id = 'o-17', principal = alice, subjectToken, session } = {}) {
      const model = scriptedModel([callTool('lookUp', { id }), say('done')])
      const tools = {
        lookUp: tool({
          inputSchema: z.object({ id: z.string() }),
          execute: async (input, options): Promise<unknown> =>
            await work(
              (options as unknown as { context: { credentials: CredentialAccess } }).context.credentials,
              input,
            ),
        }),
      }
      const agent = guardAgent(guard, {
        model,
        tools,
        contracts: {
          lookUp: {
            effect: 'read',
            credentials: wanted ?? { audience: api.origin, scopes: ['orders:read'] },
          },
        },
      })
      const options = {
        principal,
        ...(subjectToken === undefined ? {} : { subjectToken }),
        ...(session === undefined ? {} : { session }),
      }
      const asked = { prompt: `Look up ${id}.`, options }
      if (way === 'generate') await agent.generate(asked)
      else await (await agent.stream(asked)).consumeStream()
      return JSON.stringify(model.prompts.at(-1)?.at(-1))
    },
    [Symbol.asyncDispose]: () => guard[Symbol.asyncDispose](),
  }
}

export const aliceToken = (): Secret => new Secret('CANARY-subject-token-of-alice')
