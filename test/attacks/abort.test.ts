import { memoryAudit } from '@gatewright/runtime'
import { callTool, recordCalls, say, scriptedModel } from '@gatewright/runtime/testing'
import { type ModelMessage, tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { alice, bare, executed, type Make, openGuard, openShop, payBob, play, under, WAYS } from './shop.ts'

const readPage = { tool: 'readPage', input: {} }
const prompt = 'Read the page.'

describe('a signal that is aborted already', () => {
  const abortSignal = AbortSignal.abort(new Error('stopped'))

  test('does not keep a bare model that ignores it from being asked; a guarded one is not', async () => {
    const attack = async (make: Make) => {
      const tools = openShop()
      const model = scriptedModel([callTool('readPage', {}), say('ok')])
      await play(make({ model, tools: tools.tools }), 'generate', { prompt, abortSignal })
      return { asked: model.prompts.length, calls: executed(tools) }
    }
    expect((await attack(bare)).asked).toBeGreaterThan(0)
    expect(await attack(under())).toEqual({ asked: 0, calls: [] })
  })

  test.for(WAYS)(
    'does not stop a replayed approval on the bare SDK, and does under guard (%s)',
    async (way) => {
      const attack = async (make: Make) => {
        const tools = openShop()
        const agent = make({
          model: scriptedModel([callTool(payBob.tool, payBob.input), say('ok')]),
          tools: tools.tools,
          toolApproval: { pay: 'user-approval' },
        })
        const options = { principal: alice, conversation: 'c-1' }
        const asked: ModelMessage[] = [{ role: 'user', content: 'Pay 50 euros to DE89370400440532013000.' }]
        const { messages } = await play(agent, way, { messages: asked, options })
        const [request] = messages.flatMap(({ content }) =>
          typeof content === 'string' ? [] : content.filter((part) => part.type === 'tool-approval-request'),
        )
        const yes: ModelMessage = {
          role: 'tool',
          content: [
            { type: 'tool-approval-response', approvalId: request?.approvalId ?? '', approved: true },
          ],
        }
        await play(agent, way, { messages: [...asked, ...messages, yes], options, abortSignal })
        return executed(tools)
      }
      expect(await attack(bare)).toEqual([payBob])
      expect(await attack(under(openGuard()))).toEqual([])
    },
  )
})

describe('a tool that ignores its signal', () => {
  const open = () => {
    const gate = Promise.withResolvers<string>()
    const began = Promise.withResolvers<void>()
    const tools = recordCalls({
      slow: tool({
        inputSchema: z.object({}),
        execute: async () => {
          began.resolve()
          return await gate.promise
        },
      }),
      readPage: openShop().tools.readPage,
    })
    const model = scriptedModel([callTool('slow', {}), callTool('readPage', {}), say('ok')])
    return { gate, began, tools, model, contracts: { slow: 'read', readPage: 'read' } }
  }
  const settled = async (work: Promise<unknown>): Promise<boolean> =>
    await Promise.race([
      work.then(() => true),
      new Promise<boolean>((resolve) => {
        setTimeout(() => resolve(false), 100)
      }),
    ])

  test('holds the bare generate until it ends; the guard lets go at once, and calls nothing more', async () => {
    for (const [make, releases] of [
      [bare, false],
      [under(), true],
    ] as const) {
      const { gate, began, tools, model, contracts } = open()
      const stop = new AbortController()
      const work = play(make({ model, tools: tools.tools, contracts }), 'generate', {
        prompt,
        abortSignal: stop.signal,
      })
      await began.promise
      stop.abort()
      expect(await settled(work)).toBe(releases)
      gate.resolve('late')
      await work
      expect(executed(tools)).toEqual([{ tool: 'slow', input: {} }])
    }
  })

  test.for(WAYS)('is released when the run is halted, and its late result is discarded (%s)', async (way) => {
    const sink = memoryAudit()
    const guard = openGuard({ audit: { sink } })
    const { gate, began, tools, model, contracts } = open()
    const work = play(under(guard)({ model, tools: tools.tools, contracts }), way, { prompt })
    await began.promise
    await guard.halt({ user: 'user:alice' }, { by: 'user:oncall', reason: 'a drill' })
    expect(await settled(work)).toBe(true)
    gate.resolve('late')
    await new Promise((resolve) => setTimeout(resolve, 10))
    const outcomes = sink
      .events()
      .filter((event) => event.type === 'outcome')
      .map(({ status }) => status)
    expect(outcomes).toEqual(['aborted', 'discarded'])
    expect(executed(tools)).toEqual([{ tool: 'slow', input: {} }])
    expect(model.prompts).toHaveLength(1)
    expect(JSON.stringify((await work).messages)).not.toContain('late')
  })
})

describe('a halt', () => {
  test('in the middle of a stream ends it, and no call of that step is made', async () => {
    const guard = openGuard()
    const tools = openShop()
    const model = scriptedModel([[say('Reading the page now.'), callTool('readPage', {})], say('ok')])
    const agent = under(guard)({ model, tools: tools.tools })
    const call = { prompt, options: { principal: alice } }
    const { stream } = (await agent.stream(call as never)) as { stream: AsyncIterable<{ type: string }> }
    const types: string[] = []
    for await (const { type } of stream) {
      types.push(type)
      if (type === 'text-start')
        await guard.halt({ tool: 'readPage' }, { by: 'user:oncall', reason: 'a drill' })
    }
    expect(executed(tools)).toEqual([])
    expect(types).not.toContain('tool-result')
  })

  test.for(WAYS)('of the user keeps the model from being asked at all (%s)', async (way) => {
    const guard = openGuard()
    const tools = openShop()
    const model = scriptedModel([callTool('readPage', {}), say('ok')])
    await guard.halt({ user: 'user:alice' }, { by: 'user:oncall', reason: 'a drill' })
    const { error } = await play(under(guard)({ model, tools: tools.tools }), way, { prompt })
    expect(error).toMatchObject({ code: 'ERR_HALTED' })
    expect(model.prompts).toEqual([])
  })

  test.for(WAYS)('between two steps stops the next request and the next call (%s)', async (way) => {
    const guard = openGuard()
    const tools = openShop()
    const model = scriptedModel([callTool('readPage', {}), callTool('listContacts', {}), say('ok')])
    const onStepEnd = async (): Promise<void> =>
      void (await guard.halt({ run: 'c-1' }, { by: 'user:oncall', reason: 'a drill' }))
    const options = { principal: alice, conversation: 'c-1' }
    await play(under(guard)({ model, tools: tools.tools, onStepEnd }), way, { prompt, options })
    expect(executed(tools)).toEqual([readPage])
    expect(model.prompts).toHaveLength(1)
  })
})
