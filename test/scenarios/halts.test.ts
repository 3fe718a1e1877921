import { generateKeyPairSync } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { setImmediate as yielded } from 'node:timers/promises'
import {
  approvalSigner,
  guardAgent,
  programmaticChannel,
  type StoreHalts,
  storeHalts,
} from '@gatewright/runtime'
import { memoryStore } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { APICallError, isStepCount } from 'ai'
import { MockLanguageModelV4, simulateReadableStream } from 'ai/test'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ALICE, clock, desk, shop } from './shop.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const halted = { code: 'ERR_HALTED' }
const prompt = 'Search for tea.'
const options = { principal: ALICE }

/** The guard's own view of the halts, and that of somebody in another process. */
let mine: StoreHalts
let elsewhere: StoreHalts

beforeEach(async () => {
  const store = memoryStore({ now: () => new Date() })
  mine = storeHalts(store, { leaseMs: 30_000, beatMs: 500 })
  elsewhere = storeHalts(store, { leaseMs: 30_000, beatMs: 500 })
  await Promise.all([mine.opened(), elsewhere.opened()])
})
afterEach(async () => {
  await mine[Symbol.asyncDispose]()
  await elsewhere[Symbol.asyncDispose]()
})

const halt = (): ReturnType<StoreHalts['halt']> => elsewhere.halt({ agent: 'clerk' }, WHY)

describe('a halt by another process', () => {
  test('in the middle of a streamed answer ends the stream', async () => {
    const { guard } = desk(undefined, { halts: mine })
    const chunks = Array.from({ length: 200 }, (_, i) => ({
      type: 'text-delta' as const,
      id: '1',
      delta: `word${i} `,
    }))
    const model = new MockLanguageModelV4({
      doStream: async () => ({
        stream: simulateReadableStream({
          chunkDelayInMs: 10,
          chunks: [{ type: 'text-start', id: '1' }, ...chunks, { type: 'text-end', id: '1' }],
        }),
      }),
    })
    const agent = guardAgent(guard, { model, ...shop() })
    const { stream } = await agent.stream({ prompt, options })
    let text = ''
    for await (const part of stream) {
      if (part.type !== 'text-delta') continue
      if (text === '') await halt()
      text += part.text
    }
    expect(text).not.toContain('word150')
  })

  test('while a person is asked releases the call, and a late yes runs nothing', async () => {
    const asked = Promise.withResolvers<void>()
    const { privateKey, publicKey } = generateKeyPairSync('ed25519')
    const sign = approvalSigner({
      approver: 'user:boss',
      privateKey: privateKey.export({ format: 'jwk' }) as never,
      now: () => new Date(clock.at),
    })
    const channel = programmaticChannel(async (_, { signal }) => {
      asked.resolve()
      await new Promise((resolve) => {
        signal.addEventListener('abort', resolve, { once: true })
      })
      return 'approve' as const
    }, sign)
    const approvers = [{ id: 'user:boss' as const, key: publicKey.export({ format: 'jwk' }) as never }]
    const { guard } = desk(undefined, { halts: mine, approvals: { channel, approvers } })
    const { tools, contracts, ran } = shop()
    const agent = guardAgent(guard, {
      model: scriptedModel([callTool('pay', { amount: 1 }), say('done')]),
      tools,
      contracts: { ...contracts, pay: { ...contracts.pay, risk: 'high' } },
    })
    const answer = Promise.resolve(agent.generate({ prompt: 'Pay 1 euro.', options })).catch(
      (error: unknown) => error,
    )
    await asked.promise
    await halt()
    expect(await answer).toMatchObject(halted)
    expect(ran).toEqual([])
  })

  test('while a failed request is about to be tried again sends none', async () => {
    const { guard } = desk(undefined, { halts: mine })
    let asked = 0
    const model = new MockLanguageModelV4({
      doGenerate: async () => {
        asked += 1
        await halt()
        throw new APICallError({
          message: 'busy',
          url: 'https://model',
          requestBodyValues: {},
          statusCode: 503,
        })
      },
    })
    const agent = guardAgent(guard, { model, ...shop(), maxRetries: 3 })
    await expect(agent.generate({ prompt, options })).rejects.toMatchObject({ name: 'AbortError' })
    expect(asked).toBe(1)
  })

  test('during a call aborts it, and none comes after it, in its own loop or a nested one', async () => {
    const { guard } = desk(undefined, { halts: mine })
    let isAborted = false
    const inner = shop(async ({ q }, signal) => {
      if (q !== 'first') return 'second'
      await halt()
      isAborted = signal?.aborted === true
      return 'too late'
    })
    const searches = [callTool('search', { q: 'first' }), callTool('search', { q: 'second' }), say('done')]
    const outer = shop(async () => {
      await using run = await guard.startRun({ principal: ALICE })
      const agent = guardAgent(guard, { model: scriptedModel(searches), ...inner, stopWhen: isStepCount(5) })
      return (await agent.generate({ prompt, options: { principal: ALICE, run } })).text
    })
    const model = scriptedModel([
      callTool('search', { q: 'tea' }),
      callTool('search', { q: 'more' }),
      say('done'),
    ])
    const agent = guardAgent(guard, { model, ...outer, stopWhen: isStepCount(5) })
    await expect(agent.generate({ prompt, options })).rejects.toMatchObject(halted)
    expect(isAborted).toBe(true)
    expect(inner.ran).toEqual([{ name: 'search', q: 'first' }])
    expect(outer.ran).toEqual([{ name: 'search', q: 'tea' }])
  })

  test('of one tool throws away what its call in flight returns, and leaves the run its other tools', async () => {
    const { guard } = desk(undefined, { halts: mine })
    const { tools, contracts, ran } = shop(async ({ q }) => {
      if (q !== 'secret') return 'paid'
      await elsewhere.halt({ tool: 'search' }, WHY)
      return 'found it'
    })
    const steps = [callTool('search', { q: 'secret' }), callTool('pay', { amount: 1 }), say('done')]
    const model = scriptedModel(steps)
    const agent = guardAgent(guard, { model, tools, contracts, stopWhen: isStepCount(5) })
    const { text } = await agent.generate({ prompt, options })
    expect(text).toBe('done')
    expect(JSON.stringify(model.prompts)).not.toContain('found it')
    expect(ran).toHaveLength(2)
  })

  test('of a tool that answers at once throws away that answer too', async () => {
    const { guard } = desk(undefined)
    const { tools, contracts } = shop(({ q }) => {
      // In force before the promise is there, and the answer is no promise.
      if (q === 'secret') void guard.halt({ tool: 'search' }, WHY)
      return 'found it'
    })
    const model = scriptedModel([callTool('search', { q: 'secret' }), say('done')])
    const agent = guardAgent(guard, { model, tools, contracts, stopWhen: isStepCount(5) })
    expect((await agent.generate({ prompt, options })).text).toBe('done')
    expect(JSON.stringify(model.prompts)).not.toContain('found it')
  })

  test('refuses new runs until it is lifted', async () => {
    const { guard } = desk(undefined, { halts: mine })
    await halt()
    await expect(guard.startRun({ principal: ALICE })).rejects.toMatchObject(halted)
    expect(guard.halts()).toMatchObject([{ scope: { agent: 'clerk' }, ...WHY }])
    await guard.resume({ agent: 'clerk' }, WHY)
    await using run = await guard.startRun({ principal: ALICE })
    expect(run.signal.aborted).toBe(false)
    expect(elsewhere.list()).toEqual([])
  })
})

test('what a guard is to do after a halt is reported with it, and audited who halted and why', async () => {
  const { guard, audit } = desk(undefined, {
    halts: mine,
    onHalt: [
      { name: 'revoke tokens', run: () => Promise.reject(new Error('no route')) },
      { name: 'tell the channel', run: () => {} },
    ],
  })
  expect(await guard.halt({ user: 'alice' }, WHY)).toMatchObject({
    processes: { confirmed: 1, ranOut: 0 },
    hooks: [
      { name: 'revoke tokens', confirmed: false },
      { name: 'tell the channel', confirmed: true },
    ],
  })
  expect(audit.events()).toMatchObject([{ type: 'halt', action: 'halt', scope: { user: 'alice' }, ...WHY }])
})

test('who halted and resumed from elsewhere, and why, is in the audit too, once', async () => {
  const { guard, audit } = desk(undefined, { halts: mine })
  await halt()
  await elsewhere.resume({ agent: 'clerk' }, { by: 'user:lead', reason: 'over' })
  await expect.poll(() => guard.halts()).toEqual([])
  await guard.halt({ tool: 'pay' }, WHY)
  await guard.resume({ tool: 'pay' }, WHY)
  const told = audit.events().map((event) => event.type === 'halt' && [event.action, event.by])
  expect(told).toEqual([
    ['halt', 'user:oncall'],
    ['resume', 'user:lead'],
    ['halt', 'user:oncall'],
    ['resume', 'user:oncall'],
  ])
})

test('10,000 runs leave no listener, no timer and no record behind', async () => {
  const { guard } = desk(undefined, { halts: mine })
  const outside = new AbortController()
  const { signal } = outside
  const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
  const before = timers()
  for (let i = 0; i < 10_000; i += 1) {
    await using run = await guard.startRun({ principal: ALICE, signal })
    run.userSaid('Hello.')
    // A process that keeps its own event loop busy for as long as a lease has lost it.
    if (i % 100 === 0) await yielded()
  }
  expect(getEventListeners(signal, 'abort')).toEqual([])
  expect(timers()).toBeLessThanOrEqual(before + 2)
  expect(guard.halts()).toEqual([])
})
