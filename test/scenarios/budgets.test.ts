import { guardAgent, guardModel } from '@gatewright/runtime'
import { say, scriptedModel } from '@gatewright/runtime/testing'
import { generateText, streamText } from 'ai'
import { MockLanguageModelV4 } from 'ai/test'
import { describe, expect, test } from 'vitest'
import { spender, ALICE, clock, DAY, desk, search, shop } from './shop.ts'

describe('a budget', () => {
  const TOKENS = { budgets: [{ tokens: 10_000, per: 'user' }], maxOutputTokens: 500 } as const

  test('that is used up stops the model, in generate and in stream', async () => {
    const { guard, audit } = desk(TOKENS)
    const asked: unknown[] = []
    const model = spender(4000, 500, asked)
    const agent = guardAgent(guard, { model, tools: {}, contracts: {} })
    const ask = { prompt: 'Hello.', options: { principal: ALICE } }
    await agent.generate(ask)
    await (
      await agent.stream(ask)
    ).text
    await agent.generate(ask)
    await expect(agent.generate(ask)).rejects.toMatchObject({
      code: 'ERR_LIMIT_EXCEEDED',
      message: 'A budget of this agent is used up, so the model was not asked.',
      decision: { reasons: [{ rule: 'budget-exceeded', text: 'Used up: 10000 tokens per user (models).' }] },
    })
    const errors: unknown[] = []
    await using run = await guard.startRun({ principal: ALICE })
    const streamed = streamText({
      model: guardModel(run, model),
      prompt: 'Hello.',
      onError: ({ error }) => void errors.push(error),
    })
    await streamed.consumeStream({ onError: () => {} })
    expect(errors).toMatchObject([{ code: 'ERR_LIMIT_EXCEEDED' }])
    expect(asked).toHaveLength(3)
    expect(audit.events().filter(({ type }) => type === 'alert')).toMatchObject([
      { kind: 'budget', halted: false },
      { kind: 'budget', halted: false },
    ])
  })

  test('holds against requests made all at once', async () => {
    const { guard } = desk(TOKENS)
    const asked: unknown[] = []
    const agent = guardAgent(guard, { model: spender(100, 500, asked), tools: {}, contracts: {} })
    const all = await Promise.allSettled(
      Array.from({ length: 100 }, () =>
        agent.generate({ prompt: 'x'.repeat(900), options: { principal: ALICE } }),
      ),
    )
    const sent = all.filter(({ status }) => status === 'fulfilled').length
    // Each holds at least its 900 bytes and 500 tokens until it is known to be less.
    expect(sent).toBeLessThanOrEqual(Math.floor(10_000 / 1400) + 1)
    expect(asked).toHaveLength(sent)
    expect(asked[0]).toMatchObject({ maxOutputTokens: 500 })
  })

  test('of money needs a price for the model, or does not start', async () => {
    const limits = { budgets: [{ cost: 1, per: 'run' }], prices: { 'm-2': { input: 1, output: 1 } } } as const
    const { guard } = desk(limits)
    expect(() => guardAgent(guard, { model: spender(1, 1), tools: {}, contracts: {} })).toThrow(
      /limits\.prices\.m-1/,
    )
    await using run = await guard.startRun({ principal: ALICE })
    expect(() => guardModel(run, spender(1, 1))).toThrow(/limits\.prices\.m-1/)
  })

  test('of money is charged at the prices given', async () => {
    const { guard } = desk({
      budgets: [{ cost: 0.01, per: 'user', windowMs: DAY }],
      prices: { 'm-1': { input: 1, output: 4 } },
      maxOutputTokens: 100,
    })
    const asked: unknown[] = []
    const agent = guardAgent(guard, { model: spender(1000, 1000, asked), tools: {}, contracts: {} })
    const ask = { prompt: 'Hello.', options: { principal: ALICE } }
    await agent.generate(ask)
    await agent.generate(ask)
    await expect(agent.generate(ask)).rejects.toMatchObject({ retryAfterMs: expect.any(Number) as number })
    clock.at += DAY
    await agent.generate(ask)
    expect(asked).toHaveLength(3)
  })

  test('is charged in full by a stream that breaks off, and gives back what a provider turned away', async () => {
    const { guard } = desk({ budgets: [{ tokens: 3000, per: 'user' }], maxOutputTokens: 1000 })
    await using run = await guard.startRun({ principal: ALICE })
    const broken = new MockLanguageModelV4({
      modelId: 'm-1',
      doStream: async () => ({
        stream: new ReadableStream({
          start(controller) {
            controller.enqueue({ type: 'stream-start', warnings: [] })
            controller.error(new Error('connection lost'))
          },
        }),
      }),
    })
    const stream = (): Promise<unknown> =>
      Promise.resolve(
        streamText({
          model: guardModel(run, broken),
          prompt: 'Hi.',
          maxRetries: 0,
          onError: () => {},
        }).consumeStream({ onError: () => {} }),
      )
    await stream()
    await stream()
    const asked: unknown[] = []
    const ask = (): Promise<unknown> =>
      generateText({ model: guardModel(run, spender(1, 1, asked)), prompt: 'Hi.' })
    await expect(ask()).rejects.toMatchObject({ code: 'ERR_LIMIT_EXCEEDED' })

    const { guard: other } = desk({ budgets: [{ tokens: 3000, per: 'user' }], maxOutputTokens: 1000 })
    await using second = await other.startRun({ principal: ALICE })
    const { APICallError } = await import('ai')
    const full = new MockLanguageModelV4({
      modelId: 'm-1',
      doGenerate: async () => {
        throw new APICallError({
          message: 'slow down',
          url: '',
          requestBodyValues: {},
          statusCode: 429,
          isRetryable: false,
        })
      },
    })
    for (let i = 0; i < 10; i += 1)
      await expect(generateText({ model: guardModel(second, full), prompt: 'Hi.' })).rejects.toThrow(
        'slow down',
      )
    await generateText({ model: guardModel(second, spender(1, 1, asked)), prompt: 'Hi.' })
    expect(asked).toHaveLength(1)
  })

  test('reads a tool result that looks like a file in full', async () => {
    const { guard } = desk({ budgets: [{ tokens: 20_000, per: 'run' }], maxOutputTokens: 100 })
    const at = shop(() => ({ type: 'file', data: 'x'.repeat(30_000) }))
    const model = scriptedModel([search(), say('Done.')])
    const agent = guardAgent(guard, { model, tools: at.tools, contracts: at.contracts as never })
    await expect(agent.generate({ prompt: 'Go.', options: { principal: ALICE } })).rejects.toMatchObject({
      code: 'ERR_LIMIT_EXCEEDED',
    })
    expect(model.requests).toHaveLength(1)
  })
})
