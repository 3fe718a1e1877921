import type { McpClient } from '@gatewright/adapters/mcp'
import { generateText, isStepCount, jsonSchema, type LanguageModel, tool, type ToolSet } from 'ai'

interface Listed {
  name: string
  description?: string
  inputSchema: object
}

/** The tools of a server as an agent without a guard takes them: whatever the server says now, as the server says it. */
export async function bareTools(...clients: readonly McpClient[]): Promise<ToolSet> {
  const out: ToolSet = {}
  for (const client of clients) {
    const { tools } = await client.listTools()
    for (const { name, description, inputSchema } of tools as Listed[])
      out[name] = tool({
        ...(description === undefined ? {} : { description }),
        inputSchema: jsonSchema<Record<string, unknown>>(inputSchema),
        execute: async (input) => await client.callTool({ name, arguments: input }),
      }) as ToolSet[string]
  }
  return out
}

/** The loop of the AI SDK with no guard. */
export async function bareTalk(model: LanguageModel, tools: ToolSet, prompt: string): Promise<string> {
  return (await generateText({ model, tools, prompt, stopWhen: isStepCount(12) })).text
}
