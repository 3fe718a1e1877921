import { createGuard, guardAgent, HaltedError, LimitError, type Run } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import type { LanguageModel, ToolSet } from 'ai'
import { INSTRUCTIONS, STOP } from './agent.ts'
import { contracts } from './contracts.ts'
import { openDesk } from './desk.ts'
import { createJournal } from './journal.ts'
import { openKillSwitch } from './kill-switch.ts'
import { type McpServers, openMcpServers } from './mcp-servers.ts'
import type { Story } from './story.ts'
import type { Told } from './timeline.ts'
import { createTools, type Effect } from './tools.ts'
import { judge } from './verdict.ts'

const AGENT = { id: 'support', version: '1.0.0', expires: new Date('2100-01-01') }
const DANA = { subject: 'user:dana', timeZone: 'Europe/London', locale: 'en-GB' } as const
const TRUSTED = ['operator:mail', 'operator:shop', 'operator:payments'] as const

/** The same story, the same tools and the same model, under guard. */
export async function runGuarded(story: Story, model: LanguageModel): Promise<Told> {
  const effects: Effect[] = []
  const journal = createJournal(['developer', DANA.subject, `agent:${AGENT.id}@${AGENT.version}`, ...TRUSTED])
  // Disposed of last: the guard lets go of the store first.
  await using killSwitch = story.haltAfter === undefined ? undefined : await openKillSwitch()
  await using guard = createGuard({
    agent: AGENT,
    policy: policy({ version: '2025-07-01', rules: [permitContracted] }),
    trusted: TRUSTED,
    audit: { sink: journal },
    ...(killSwitch === undefined ? {} : { store: killSwitch.store }),
    ...(story.limits === undefined ? {} : { limits: story.limits(nameOf(model)) }),
    ...(story.desk === undefined ? {} : { approvals: await openDesk(story.desk, journal.note) }),
  })
  await using servers = story.mcp === undefined ? undefined : await openMcpServers(effects, 'accepted')
  const agent = guardAgent(guard, {
    model,
    instructions: INSTRUCTIONS,
    tools: createTools(effects),
    contracts,
    stopWhen: STOP,
    ...(servers === undefined ? {} : withServers(servers)),
  })
  await using run = await guard.startRun({ principal: DANA })
  let answer = ''
  try {
    const { text } = await agent.generate({
      prompt: story.prompt,
      options: { principal: DANA, run },
      async onStepEnd({ toolCalls }) {
        for (const { toolCallId, input } of toolCalls) journal.called(toolCallId, input)
        if (killSwitch === undefined || effects.length < (story.haltAfter ?? 0)) return
        const why = ['user:robin', 'INC-42, these parcels were not lost'] as const
        const confirmed = await killSwitch.haltFromAnotherProcess(AGENT.id, ...why)
        journal.note(
          `${why[0]} halts the agent from another process: ${why[1]} (${confirmed} process has confirmed)`,
        )
      },
    })
    answer = text
  } catch (error) {
    journal.note(`${endOf(error)}: no further request to the model, no further call`)
  }
  for (const line of (await servers?.lookAgain()) ?? []) journal.note(`user:robin looks at ${line}`)
  const timeline = journal.told(run, answer)
  return { timeline, effects, answer, prompts: journal.prompts(), ...judge(story, effects, answer) }
}

/** The tools of the servers come to those of the agent's own once there is a run to guard them. */
function withServers(servers: McpServers): object {
  return {
    prepareCall: async ({ run, tools }: { run: Run; tools: ToolSet }) => ({
      tools: { ...tools, ...(await servers.guardedTools(run)) },
    }),
  }
}

function endOf(error: unknown): string {
  if (error instanceof HaltedError) return 'the run has ended'
  if (!(error instanceof LimitError)) throw error
  return error.decision?.reasons[0]?.text.replace(/\.$/, '') ?? error.message
}

function nameOf(model: LanguageModel): string {
  return typeof model === 'string' ? model : model.modelId
}
