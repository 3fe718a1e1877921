import { type LanguageModel, ToolLoopAgent, type ToolSet } from 'ai'
import { INSTRUCTIONS, STOP } from './agent.ts'
import { openMcpServers } from './mcp-servers.ts'
import { isRead, ran, saw } from './reading.ts'
import type { Story } from './story.ts'
import type { Entry, Told } from './timeline.ts'
import { createTools, type Effect } from './tools.ts'
import { judge } from './verdict.ts'

/** A story with nothing in the way: the tools and the loop as the AI SDK runs them. */
export async function runBare(story: Story, model: LanguageModel): Promise<Told> {
  const effects: Effect[] = []
  const timeline: Entry[] = []
  await using servers =
    story.mcp === undefined ? undefined : await openMcpServers(effects, 'taken as they are')
  const tools: ToolSet = { ...createTools(effects), ...(await servers?.bareTools()) }
  const agent = new ToolLoopAgent({ model, instructions: INSTRUCTIONS, tools, stopWhen: STOP })
  let isNoted = false
  const { text } = await agent.generate({
    prompt: story.prompt,
    onStepEnd({ content }) {
      for (const part of content) {
        if (part.type === 'tool-call') timeline.push(ran(part))
        if (part.type === 'tool-result' && isRead(part.toolName))
          timeline.push(saw(part.toolName, part.output, undefined))
      }
      if (isNoted || story.haltAfter === undefined || effects.length < story.haltAfter) return
      isNoted = true
      timeline.push({
        kind: 'note',
        text: 'user:robin wants to stop the agent, and there is no switch',
        isEnd: true,
      })
    },
  })
  timeline.push({ kind: 'answer', text, removed: 0 })
  return { timeline, effects, answer: text, prompts: 0, ...judge(story, effects, text) }
}
