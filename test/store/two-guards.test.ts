import { createGuard, guardAgent, memoryAudit } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { memoryStore, type Store } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { expect, test } from 'vitest'
import { z } from 'zod'

/** A guarded agent as one process has it; what it really looked up. */
function agentOn(store: Store): { calls: string[]; lookUp: (order: string) => Promise<void> } {
  const calls: string[] = []
  const guard = createGuard({
    agent: { id: 'support', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: memoryAudit() },
    store,
  })
  const tools = {
    lookupOrder: tool({
      inputSchema: z.object({ orderId: z.string() }),
      execute: ({ orderId }) => {
        calls.push(orderId)
        return 'shipped'
      },
    }),
  }
  return {
    calls,
    async lookUp(order) {
      const agent = guardAgent(guard, {
        model: scriptedModel([callTool('lookupOrder', { orderId: order }), say('Done.')]),
        tools,
        contracts: { lookupOrder: { effect: 'read', quota: { calls: 3, per: 'user' } } },
      })
      const principal = { subject: 'user:alice', tenant: 'acme' } as const
      await agent.generate({ prompt: `Where is ${order}?`, options: { principal } })
    },
  }
}

test('two guards on one store share a quota', async () => {
  const store = memoryStore({ now: () => new Date() })
  const [here, there] = [agentOn(store), agentOn(store)]
  await here.lookUp('A-1')
  await there.lookUp('A-2')
  await here.lookUp('A-3')
  await there.lookUp('A-4')
  await here.lookUp('A-5')
  expect([here.calls, there.calls]).toEqual([['A-1', 'A-3'], ['A-2']])
})

test('nothing is called while the store of the limits cannot be reached', async () => {
  const store = memoryStore({ now: () => new Date() })
  const broken: Store = {
    ...store,
    reserve: async () => {
      throw new Error('connection refused')
    },
  }
  const { calls, lookUp } = agentOn(broken)
  await lookUp('A-1')
  expect(calls).toEqual([])
})
