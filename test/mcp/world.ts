import {
  createGuard,
  GuardError,
  type GuardOptions,
  guardModel,
  hear,
  memoryAudit,
  type Run,
} from '@gatewright/runtime'
import { content, email } from '@gatewright/runtime/contract'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import type { ScriptedModel } from '@gatewright/runtime/testing'
import {
  type GuardedMcp,
  guardMcp,
  type GuardMcpOptions,
  listDefinitions,
  type McpClient,
  type Pin,
  pinOf,
  type PinStore,
} from '@gatewright/adapters/mcp'
import { generateText, isStepCount, type ToolSet } from 'ai'
import { schema, type ServedTool } from './server.ts'

export const ALICE = { subject: 'user:alice' } as const
export const BOB = { subject: 'user:bob' } as const

/** The tool that attacks are after, and its contract. */
export const sendTool: ServedTool = {
  name: 'send',
  description: 'Send a mail.',
  inputSchema: schema('to', 'body'),
}
export const SEND = {
  effect: 'irreversible',
  args: { to: email(), body: content() },
  audience: ({ to }: { to?: unknown }) => String(to),
} as const

/** A guard that permits what has a contract, and what it recorded. */
export function guarded(options: Partial<GuardOptions> = {}): {
  guard: ReturnType<typeof createGuard>
  audit: ReturnType<typeof memoryAudit>
} {
  const audit = memoryAudit()
  const guard = createGuard({
    agent: { id: 'desk', version: '1.0.0', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: audit },
    ...options,
  })
  return { guard, audit }
}

/** Pins in this process. */
export function memoryPins(): PinStore & { readonly all: Map<string, Map<string, Pin>> } {
  const all = new Map<string, Map<string, Pin>>()
  return {
    all,
    read: async (server) => all.get(server) ?? new Map(),
    async write(server, pins, removed) {
      const own = new Map(all.get(server))
      for (const tool of removed) own.delete(tool)
      for (const pin of pins) own.set(pin.definition.name, pin)
      all.set(server, own)
    },
  }
}

const NEVER = new AbortController().signal

/** Accept everything that a server lists now, as a person would who looked at it. */
export async function accept(pins: PinStore, server: string, client: McpClient): Promise<void> {
  const { definitions } = await listDefinitions(client, { signal: NEVER })
  const accepted = [...definitions.values()].map((one) => pinOf(one, 'user:robin', new Date()))
  await pins.write(server, accepted, [], { signal: NEVER })
}

/** Accept what a server lists, and put it under guard. */
export async function acceptedMcp(
  run: Run,
  client: McpClient,
  options: Omit<GuardMcpOptions, 'pins'>,
): Promise<GuardedMcp> {
  const pins = memoryPins()
  await accept(pins, options.server, client)
  return await guardMcp(run, client, { ...options, pins })
}

/** The loop of the AI SDK under guard. */
export async function talk(
  run: Run,
  model: ScriptedModel,
  tools: ToolSet,
  prompt: string,
): Promise<{ text: string; results: unknown[]; errors: unknown[] }> {
  hear(run, prompt)
  const { text, steps } = await generateText({
    model: guardModel(run, model),
    tools,
    prompt,
    stopWhen: isStepCount(12),
  })
  const parts = steps.flatMap((step) => step.content)
  return {
    text,
    results: parts
      .filter(({ type }) => type === 'tool-result')
      .map((part) => (part as { output: unknown }).output),
    errors: parts
      .filter(({ type }) => type === 'tool-error')
      .map((part) => (part as { error: unknown }).error),
  }
}

/** What calls were refused with; the words of an error that is no refusal. */
export function codes(errors: readonly unknown[]): unknown[] {
  return errors.map((error) => (GuardError.isInstance(error) ? error.code : String(error)))
}
