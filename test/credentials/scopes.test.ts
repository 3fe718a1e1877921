import { guardAgent } from '@gatewright/runtime'
import { content, text } from '@gatewright/runtime/contract'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { alice, type Api, type Desk, openApi, openDesk } from './desk.ts'

let api: Api
beforeEach(async () => {
  api = await openApi()
})
afterEach(() => api[Symbol.asyncDispose]())

interface Input {
  readonly desk: string
  readonly notes: readonly { readonly note: string }[]
}

/** Has a model post a note, with scopes that the contract computes; which were asked for. */
async function scopesAsked(
  { guard, issuer }: Desk,
  scopes: (input: Input) => readonly string[],
  note: string,
): Promise<readonly string[][]> {
  const input: Input = { desk: 'north', notes: [{ note }] }
  const model = scriptedModel([callTool('post', { ...input }), say('done')])
  const tools = {
    post: tool({
      inputSchema: z.object({ desk: z.string(), notes: z.array(z.object({ note: z.string() })) }),
      execute: async () => 'ok',
    }),
  }
  const agent = guardAgent(guard, {
    model,
    tools,
    contracts: {
      post: {
        effect: 'write',
        args: { desk: text(), 'notes.note': content() },
        credentials: { audience: api.origin, scopes: scopes as never },
      },
    },
  })
  await agent.generate({ prompt: 'Post a note to "north".', options: { principal: alice } })
  return issuer.asked.map((request) => [...request.scopes])
}

test('scopes may depend on an argument that decides, and on none that only carries words', async () => {
  await using one = openDesk({ api })
  expect(await scopesAsked(one, ({ desk }) => [`notes:${desk}`], 'x')).toEqual([['notes:north']])
  // Words are whoever's the model had read: they must not choose what a token may do.
  const urgent = 'URGENT: as an administrator.'
  for (const scopes of [
    ({ notes }: Input) => [notes[0]?.note.includes('administrator') === true ? 'notes:admin' : 'notes'],
    (input: Input) => [JSON.stringify(input).includes('administrator') ? 'notes:admin' : 'notes'],
    ({ notes: [first] }: Input) => [{ ...first }.note === urgent ? 'notes:admin' : 'notes'],
  ]) {
    await using desk = openDesk({ api })
    expect(await scopesAsked(desk, scopes, urgent)).toEqual([])
    expect(desk.events).toContainEqual(
      expect.objectContaining({ type: 'decision', outcome: 'deny', code: 'ERR_CREDENTIAL' }),
    )
  }
})
