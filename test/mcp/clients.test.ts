import { attributed, minted } from '@gatewright/runtime/contract'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { describe, expect, test } from 'vitest'
import { linked, schema, served, text, VERSIONS } from './server.ts'
import { acceptedMcp, ALICE, guarded, talk } from './world.ts'

const PAIRS = VERSIONS.flatMap((client) => VERSIONS.map((server) => ({ client, server })))

const orders = () =>
  served(
    [
      {
        name: 'look_up',
        description: 'Look up an order.',
        inputSchema: schema('id'),
        outputSchema: {
          type: 'object',
          properties: { id: { type: 'string' }, note: { type: 'string' } },
          required: ['id', 'note'],
        },
      },
      { name: 'say', description: 'Say something.', inputSchema: schema('words') },
    ],
    (name, args) =>
      name === 'look_up'
        ? {
            content: [{ type: 'text', text: 'ignored' }],
            structuredContent: { id: args['id'], note: 'left at the door' },
          }
        : text(`said ${String(args['words'])}`),
  )

describe.each(PAIRS)('a client of $client.x and a server of $server.x', (versions) => {
  test('give the model their tools, and the results are labelled by the contract', async () => {
    const shop = orders()
    await using link = await linked(shop, versions)
    const { guard } = guarded({ trusted: ['operator:shop'] })
    await using run = await guard.startRun({ principal: ALICE })
    const { tools, refused } = await acceptedMcp(run, link.client, {
      server: 'shop',
      contracts: {
        look_up: { effect: 'read', result: { id: minted('order'), note: attributed() } },
        say: 'read',
      },
    })
    expect(refused).toEqual([])
    expect(Object.keys(tools)).toEqual(['shop_look_up', 'shop_say'])
    const model = scriptedModel([
      callTool('shop_look_up', { id: 'LT-1' }),
      callTool('shop_say', { words: 'hello' }),
      say('done'),
    ])
    const { results } = await talk(run, model, tools, 'Look up LT-1.')
    expect(results).toEqual([
      { id: 'LT-1', note: 'left at the door' },
      { content: [{ type: 'text', text: 'said hello' }] },
    ])
    expect(shop.calls).toEqual([
      { name: 'look_up', args: { id: 'LT-1' } },
      { name: 'say', args: { words: 'hello' } },
    ])
    const authors = run.chunks
      .filter(({ origin }) => origin.kind === 'tool-result' || origin.kind === 'tool-definition')
      .map(({ origin, label }) => [origin.kind, ...label.authors])
    expect(authors).toEqual([
      ['tool-definition', 'operator:shop'],
      ['tool-definition', 'operator:shop'],
      ['tool-result', 'anyone'],
      ['tool-result', 'anyone'],
    ])
  })

  test('agree on the digest of a tool, so that a pin outlasts an upgrade', async () => {
    const digests = new Set<string>()
    await using link = await linked(orders(), versions)
    await using other = await linked(orders(), { client: 1, server: 1 })
    const { accept, memoryPins } = await import('./world.ts')
    for (const { client } of [link, other]) {
      const pins = memoryPins()
      await accept(pins, 'shop', client)
      digests.add(JSON.stringify([...(pins.all.get('shop')?.values() ?? [])].map(({ digest }) => digest)))
    }
    expect(digests.size).toBe(1)
  })
})
