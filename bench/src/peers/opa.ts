import { readFile } from 'node:fs/promises'
import type { ModelMessage } from 'ai'
import type { Peer } from './peer.ts'

const WASM = new URL('opa/ten-rules.wasm', import.meta.url)

type Approve = (call: object) => Promise<{ type: string } | undefined>

async function approval(withMessages: boolean): Promise<Approve> {
  const { opaPolicy, wasmPolicyClient } = await import('@ai-sdk/policy-opa')
  const client = await wasmPolicyClient({ wasm: await readFile(WASM) })
  const toInput = ({
    toolCall,
    runtimeContext,
  }: {
    toolCall: { toolName: string; input: unknown }
    runtimeContext: unknown
  }) => ({
    tool: { name: toolCall.toolName },
    args: toolCall.input,
    runtimeContext,
  })
  const options = { client, path: 'agent/call/decision', ...(withMessages ? {} : { toInput }) }
  return opaPolicy(options) as unknown as Approve
}

const prepared =
  (approve: Approve): Awaited<ReturnType<Peer['load']>> =>
  (facts, said) => {
    const { to, subject, body, ...runtimeContext } = facts
    const messages = said.flatMap(({ message, page }): ModelMessage[] => [
      { role: 'user', content: message },
      { role: 'assistant', content: page },
    ])
    const call = {
      toolCall: { toolCallId: 'call', toolName: 'sendEmail', input: { to, subject, body } },
      tools: {},
      toolsContext: {},
      runtimeContext,
      messages,
    }
    return async () => (await approve(call))?.type === 'approved'
  }

/** As its README sets it up: the whole conversation goes to the policy as input. */
export const opa: Peer = {
  package: '@ai-sdk/policy-opa',
  way: 'as set up by its README',
  measures:
    'the rules alone, in WebAssembly; its default input holds the messages, each with an answer of the same length; nothing recorded',
  histories: [1, 20, 200],
  load: async () => prepared(await approval(true)),
}

export const opaWithoutMessages: Peer = {
  package: '@ai-sdk/policy-opa',
  way: 'given no messages',
  measures: 'the rules alone, in WebAssembly, with a toInput that leaves the messages out; nothing recorded',
  load: async () => prepared(await approval(false)),
}
