import { generateKeyPairSync } from 'node:crypto'
import {
  approvalSigner,
  createGuard,
  type GuardedAgent,
  guardAgent,
  programmaticChannel,
} from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { generateText, isStepCount, type ModelMessage, type ToolSet } from 'ai'
import type { Manifest } from './manifest.ts'
import type { Stage } from './stage.ts'

export type ConfigurationName = 'none' | 'approval' | 'taint' | 'floor' | 'attest'

/** One way to run an agent, as it is compared with the others. */
export interface Configuration {
  readonly name: ConfigurationName
  readonly about: string
  readonly grant: 'none' | 'perfect'
  /** The guard offers `derive`, and the planner may prepare its calls. */
  readonly prepares: boolean
  run(prompt: string): PromiseLike<unknown>
}

const MOST_STEPS = 400
const CLOCK = new Date('2024-01-01T12:00:00Z')

/** The clock of a suite: the day that it tells, else a fixed one, so that runs can be compared. */
export const clockOf = ({ now }: Manifest): Date => now ?? CLOCK

/** Tools with an effect, as the manifest declares them. */
export function effectsOf({ contracts }: Manifest): ReadonlySet<string> {
  return new Set(
    Object.entries(contracts).flatMap(([name, contract]) =>
      contract === 'read' || (contract.effect === 'read' && contract.egress !== true) ? [] : [name],
    ),
  )
}

/** No guard at all: the AI SDK's loop. */
export function unguarded({ model, tools }: Stage): Configuration {
  return {
    name: 'none',
    about: 'no guard',
    grant: 'none',
    prepares: false,
    run: (prompt) => generateText({ model, tools, prompt, stopWhen: isStepCount(MOST_STEPS) }),
  }
}

/** The AI SDK's `toolApproval` on every tool with an effect. */
export function approvalOnEffects(stage: Stage, manifest: Manifest): Configuration {
  const effects = effectsOf(manifest)
  const { model, tools, person } = stage
  const toolApproval = Object.fromEntries([...effects].map((name) => [name, 'user-approval' as const]))
  return {
    name: 'approval',
    about: 'AI SDK toolApproval on every tool with an effect',
    grant: 'none',
    prepares: false,
    async run(prompt) {
      const messages: ModelMessage[] = [{ role: 'user', content: prompt }]
      for (;;) {
        const { content, responseMessages } = await generateText({
          model,
          tools,
          messages,
          toolApproval,
          stopWhen: isStepCount(MOST_STEPS),
        })
        const requests = content.filter((part) => part.type === 'tool-approval-request')
        if (requests.length === 0) return
        messages.push(...responseMessages, {
          role: 'tool',
          content: requests.map(({ approvalId, toolCall }) => ({
            type: 'tool-approval-response' as const,
            approvalId,
            approved: person({ tool: toolCall.toolName }) === 'approve',
          })),
        })
      }
    },
  }
}

/** The guard: `taint` and `floor` are floor mode, which is context taint alone. `perfect` names exactly the tools of the task. */
export function guarded(
  stage: Stage,
  manifest: Manifest,
  { name, grant = 'none' }: { name: 'taint' | 'floor' | 'attest'; grant?: Configuration['grant'] },
): Configuration {
  const mode = name === 'attest' ? 'attest' : 'floor'
  const now = (): Date => clockOf(manifest)
  const { publicKey, privateKey } = generateKeyPairSync('ed25519')
  const signer = approvalSigner({
    approver: 'user:owner',
    privateKey: privateKey.export({ format: 'jwk' }) as never,
    now,
  })
  const guard = createGuard({
    agent: { id: 'bench', version: '1', expires: new Date('2100-01-01') },
    mode,
    policy: policy({ version: '1', rules: [permitContracted] }),
    trusted: manifest.trusted,
    audit: { sink: { write: stage.listen } },
    // Each decision is measured by itself, and the probes are refused on purpose: nothing stops the run for it.
    limits: { violations: false, breaker: false },
    approvals: {
      channel: programmaticChannel((request) => stage.person(request), signer),
      approvers: [{ id: 'user:owner', key: publicKey.export({ format: 'jwk' }) as never }],
    },
    now,
  })
  const effects = effectsOf(manifest)
  const agent: GuardedAgent<ToolSet> = guardAgent(guard, {
    model: stage.model,
    tools: stage.tools,
    contracts: manifest.contracts,
    derive: true,
    stopWhen: isStepCount(MOST_STEPS),
    ...(grant === 'perfect'
      ? {
          grant: ({ tools }) => ({
            from: 'rule' as const,
            by: 'perfect task grant',
            tools: Object.fromEntries(
              tools
                .filter(({ name: tool }) => !effects.has(tool) || usedBy(stage).has(tool))
                .map(({ name: tool }) => [tool, {}]),
            ),
          }),
        }
      : {}),
  })
  return {
    name,
    about:
      mode === 'floor'
        ? 'context taint alone (floor mode)'
        : grant === 'perfect'
          ? 'attest, assuming a perfect task grant'
          : 'attest',
    grant,
    prepares: mode === 'attest',
    run: (prompt) => agent.generate({ prompt, options: { principal: manifest.principal } }),
  }
}

function usedBy(stage: Stage): ReadonlySet<string> {
  return new Set(stage.task()?.calls.map(({ tool }) => tool))
}
