import { createGuard, guardAgent, type GuardOptions, memoryAudit } from '@gatewright/runtime'
import { type AgentRegistry, type AgentSpec, memoryAgents } from '@gatewright/runtime/identity'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { say, scriptedModel, type ScriptedStep } from '@gatewright/runtime/testing'
import { isStepCount, tool } from 'ai'
import { z } from 'zod'

export const ALICE = { subject: 'user:alice', tenant: 'acme' } as const
export const signal: AbortSignal = new AbortController().signal
export const by = { by: 'user:ops', reason: 'CHG-1', signal } as const
export const HOUR = 3_600_000

export const specOf = (more: Partial<AgentSpec> = {}): AgentSpec => ({
  id: 'clerk',
  type: 'support',
  version: '1',
  environment: 'test',
  owner: 'team:desk',
  expires: new Date(Date.now() + HOUR),
  ...more,
})

/** Tools that record what really ran. */
export function shop(onLookup: () => unknown = () => 'ok') {
  const ran: string[] = []
  const did = (name: string) => async () => {
    ran.push(name)
    return name === 'lookup' ? await onLookup() : 'ok'
  }
  const inputSchema = z.object({})
  return {
    ran,
    tools: {
      lookup: tool({ inputSchema, execute: did('lookup') }),
      pay: tool({ inputSchema, execute: did('pay') }),
    },
    contracts: { lookup: 'read', pay: 'read' } as const,
  }
}

/** A guard whose agent is in a registry, with its audit. */
export function desk(agents: AgentRegistry, more: Partial<GuardOptions> = {}) {
  const audit = memoryAudit()
  const guard = createGuard({
    agent: { id: 'clerk', version: '1' },
    agents,
    registration: { maxAgeMs: 1000 },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: audit },
    ...more,
  })
  const refusals = (): (string | undefined)[] =>
    audit
      .events()
      .flatMap((event) => (event.type === 'decision' && event.outcome === 'deny' ? [event.code] : []))
  return { guard, audit, refusals }
}

/** Let a scripted model work with these tools. */
export async function play(
  guard: ReturnType<typeof desk>['guard'],
  { tools, contracts }: ReturnType<typeof shop>,
  steps: readonly ScriptedStep[],
) {
  const model = scriptedModel([...steps, say('Done.')])
  const agent = guardAgent(guard, { model, tools, contracts, stopWhen: isStepCount(steps.length + 2) })
  await agent.generate({ prompt: 'Go on.', options: { principal: ALICE } })
}

/** A registry in memory with one agent. */
export async function registered(more: Partial<AgentSpec> = {}): Promise<AgentRegistry> {
  const agents = memoryAgents()
  await agents.register(specOf(more), by)
  return agents
}
