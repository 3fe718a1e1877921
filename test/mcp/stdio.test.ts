import { join } from 'node:path'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { guardMcp } from '@gatewright/adapters/mcp'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { Client as Client2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio'
import { describe, expect, test } from 'vitest'
import { type Version, VERSIONS } from './server.ts'
import { accept, ALICE, guarded, memoryPins, talk } from './world.ts'

const INFO = { name: 'test', version: '1.0.0' }
const child = {
  command: process.execPath,
  args: [join(import.meta.dirname, 'stdio-server.ts')],
  stderr: 'ignore' as const,
}

async function started(version: Version): Promise<Client1 | Client2> {
  const options = { capabilities: { elicitation: { form: {} } } }
  if (version === 1) {
    const client = new Client1(INFO, options)
    await client.connect(new Transport1(child))
    return client
  }
  const client = new Client2(INFO, options)
  await client.connect(new Transport2(child))
  return client
}

describe.each(VERSIONS)('a server in a process of its own, and a client of %s.x', (version) => {
  test('is called as it was accepted, is told nothing of the user, and not called once it has changed', async () => {
    const client = await started(version)
    const pins = memoryPins()
    await accept(pins, 'notes', client)
    const { guard } = guarded()
    const asked: string[] = []
    const options = {
      server: 'notes',
      contracts: { read: 'read' },
      pins,
      requests: {
        elicitation: {
          answer: async ({ shown }: { shown: string }) => {
            asked.push(shown)
            return { action: 'accept', content: {} }
          },
        },
      },
    } as const
    await using run = await guard.startRun({ principal: ALICE })
    const { tools } = await guardMcp(run, client, options)
    const model = scriptedModel([callTool('notes_read', {}), callTool('notes_read', {}), say('ok')])
    const { results, errors } = await talk(run, model, tools, 'Read the notes.')
    // With a rule the user is asked, on a channel of the application's, though the process says nothing of which call.
    expect(results).toEqual([{ content: [{ type: 'text', text: 'call 1, accept' }] }])
    expect(asked).toEqual([
      "The server 'notes' says, in its own words:\nYour password?\nmode: form\nrequestedSchema.type: object",
    ])
    expect(errors).toMatchObject([{ code: 'ERR_TOOL_CHANGED' }])
    expect(JSON.stringify(model.requests)).not.toContain('[[do:')

    await using later = await guard.startRun({ principal: ALICE })
    const { refused } = await guardMcp(later, client, options)
    expect(refused).toEqual([{ tool: 'read', because: 'changed since it was accepted' }])
    // Without a rule it is declined.
    await accept(pins, 'notes', client)
    const again = await guardMcp(later, client, { ...options, requests: {} })
    const next = scriptedModel([callTool('notes_read', {}), say('ok')])
    expect((await talk(later, next, again.tools, 'Read the notes.')).results).toEqual([
      { content: [{ type: 'text', text: 'call 2, decline' }] },
    ])
    await client.close()
  })
})
