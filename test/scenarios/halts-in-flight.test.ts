import { generateKeyPairSync } from 'node:crypto'
import { type Guard, guardAgent, guardTools } from '@gatewright/runtime'
import { memoryStore } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel, type ScriptedStep } from '@gatewright/runtime/testing'
import { isStepCount } from 'ai'
import { describe, expect, test } from 'vitest'
import { ALICE, clock, desk, pay, search, shop } from './shop.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const WAYS = ['generate', 'stream'] as const
type Shop = ReturnType<typeof shop>

/** Let the model work, in either way; what it said in the end. */
async function work(guard: Guard, at: Shop, steps: readonly ScriptedStep[], way: (typeof WAYS)[number]) {
  const model = scriptedModel(steps)
  const agent = guardAgent(guard, {
    model,
    tools: at.tools,
    contracts: at.contracts as never,
    stopWhen: isStepCount(9),
  })
  const asked = { prompt: 'Go.', options: { principal: ALICE } }
  if (way === 'generate') return { model, text: (await agent.generate(asked)).text }
  const result = await agent.stream(asked)
  const text = Promise.resolve(result.text).catch(() => '')
  await result.consumeStream()
  return { model, text: await text }
}

const shared = (more: Parameters<typeof desk>[1] = {}): ReturnType<typeof desk> & { elsewhere: Guard } => {
  const store = memoryStore({ now: () => new Date() })
  const now = (): Date => new Date()
  return { ...desk(undefined, { store, now, ...more }), elsewhere: desk(undefined, { store, now }).guard }
}

describe('a halt of one tool', () => {
  test.for(WAYS)('aborts its call in flight, and leaves the run its other tools (%s)', async (way) => {
    const { guard, elsewhere, audit } = shared()
    await using _guard = guard
    await using _elsewhere = elsewhere
    const seen = { searchAborted: false, payAborted: false }
    const at = shop(({ amount }, signal) => {
      if (amount !== undefined) {
        seen.payAborted = signal?.aborted === true
        return 'paid'
      }
      void elsewhere.halt({ tool: 'search' }, WHY)
      // It ends when it is told to, and at no other time.
      return new Promise((_, reject) => {
        signal?.addEventListener('abort', () => {
          seen.searchAborted = true
          reject(signal.reason as Error)
        })
      })
    })
    const { text, model } = await work(guard, at, [search(), pay(1), search(), say('done')], way)
    expect(seen).toEqual({ searchAborted: true, payAborted: false })
    expect(text).toBe('done')
    expect(at.ran).toEqual([
      { name: 'search', q: 'x' },
      { name: 'pay', amount: 1 },
    ])
    const outcomes = audit.events().flatMap((one) => (one.type === 'outcome' ? [[one.tool, one.status]] : []))
    // The second is what came of the work that was told to stop.
    expect(outcomes).toEqual([
      ['search', 'aborted'],
      ['search', 'discarded'],
      ['pay', 'ok'],
    ])
    expect(JSON.stringify(model.prompts.at(-1))).not.toContain('INC-42')
  })

  test('lets the tool be called again in the same run once it is lifted', async () => {
    const { guard } = desk(undefined)
    await using run = await guard.startRun({ principal: ALICE })
    const signals: (AbortSignal | undefined)[] = []
    const at = shop((_, signal) => (signals.push(signal), 'ok'))
    const tools = guardTools(run, at.tools, at.contracts as never)
    expect(tools).toBeDefined()
    const agent = guardAgent(guard, {
      model: scriptedModel([search(), search(), search(), say('done')]),
      tools: at.tools,
      contracts: at.contracts as never,
      stopWhen: isStepCount(9),
      onStepEnd: async ({ stepNumber }) => {
        if (stepNumber === 0) await guard.halt({ tool: 'search' }, WHY)
        if (stepNumber === 1) await guard.resume({ tool: 'search' }, WHY)
      },
    })
    await agent.generate({ prompt: 'Go.', options: { principal: ALICE, run } })
    expect(signals.map((one) => one?.aborted)).toEqual([true, false])
  })

  test('reaches what the tool called in turn, whatever signal that was given, and lets it call nothing more', async () => {
    const { guard, refusals } = desk(undefined)
    await using run = await guard.startRun({ principal: ALICE })
    const inner: AbortSignal[] = []
    let wentOn: unknown
    const at = shop(async ({ amount }, signal) => {
      if (amount !== undefined) {
        inner.push(signal as AbortSignal)
        return new Promise((resolve) => {
          signal?.addEventListener('abort', () => resolve('late'))
        })
      }
      // Neither passes its own signal on.
      const call = tools.pay.execute as (input: unknown, options: unknown) => Promise<unknown>
      const first = call({ amount: 1 }, { toolCallId: 'i-1', messages: [] }).catch((error: unknown) => error)
      await expect.poll(() => inner).toHaveLength(1)
      await guard.halt({ tool: 'search' }, WHY)
      await first
      wentOn = await call({ amount: 2 }, { toolCallId: 'i-2', messages: [] }).catch((error: unknown) => error)
      return 'done'
    })
    const tools = guardTools(run, at.tools, at.contracts as never)
    const agent = guardAgent(guard, {
      model: scriptedModel([search(), say('done')]),
      tools: at.tools,
      contracts: at.contracts as never,
      stopWhen: isStepCount(9),
    })
    const agentRun = { principal: ALICE, run }
    await agent.generate({ prompt: 'Go.', options: agentRun })
    await expect.poll(() => wentOn).toMatchObject({ code: 'ERR_HALTED' })
    expect(inner).toMatchObject([{ aborted: true }])
    expect(at.ran).toHaveLength(2)
    expect(refusals().some(([code]) => code === 'ERR_HALTED')).toBe(true)
  })

  test('keeps an agent that it runs from asking its model again', async () => {
    const { guard } = desk(undefined)
    const model = scriptedModel([callTool('find', { q: 'inner' }), say('inner done')])
    const sub = shop(async () => {
      await guard.halt({ tool: 'search' }, WHY)
      return 'ok'
    })
    const sublet = guardAgent(guard, {
      model,
      tools: { find: sub.tools.search },
      contracts: { find: 'read' } as never,
      stopWhen: isStepCount(9),
    })
    let ended: unknown
    const at = shop(async () => {
      ended = await Promise.resolve(
        sublet.generate({ prompt: 'Find.', options: { principal: ALICE } }),
      ).catch((error: unknown) => error)
      return 'ok'
    })
    const asked = scriptedModel([search(), say('done')])
    await guardAgent(guard, {
      model: asked,
      tools: at.tools,
      contracts: at.contracts as never,
      stopWhen: isStepCount(9),
    }).generate({ prompt: 'Go.', options: { principal: ALICE } })
    await expect.poll(() => ended).toBeDefined()
    expect(model.requests).toHaveLength(1)
  })
})

describe('a call that ignores its abort signal', () => {
  test('is told by the halt, seen until it ends, and ends in the audit', async () => {
    const { guard, audit } = desk(undefined)
    let end = (): void => {}
    const at = shop(() => new Promise((resolve) => (end = () => resolve('much too late'))))
    const played = Promise.resolve(work(guard, at, [search(), say('done')], 'generate')).catch(
      (error: unknown) => error,
    )
    await expect.poll(() => guard.inFlight()).toHaveLength(1)
    expect(guard.inFlight()).toMatchObject([{ tool: 'search', stoppedAt: undefined }])
    const { stillRunning } = await guard.halt({ user: 'alice' }, WHY)
    expect(await played).toMatchObject({ code: 'ERR_HALTED' })
    expect(stillRunning).toMatchObject([
      { tool: 'search', since: expect.any(Date), stoppedAt: expect.any(Date) },
    ])
    expect(guard.inFlight()).toEqual(stillRunning)
    // Halting it again asks again; halting something else has nothing to do with it.
    expect((await guard.halt({ user: 'alice' }, WHY)).stillRunning).toHaveLength(1)
    clock.at += 1000
    expect((await guard.halt({ user: 'bob' }, WHY)).stillRunning).toEqual([])
    end()
    await expect.poll(() => guard.inFlight()).toEqual([])
    expect(audit.events().flatMap((one) => (one.type === 'outcome' ? [one.status] : []))).toEqual([
      'aborted',
      'discarded',
    ])
  })

  test('is no longer there once it has failed late, or been answered in time', async () => {
    const { guard } = desk(undefined)
    const at = shop(({ q }) => (q === 'bad' ? Promise.reject(new Error('no')) : Promise.resolve('ok')))
    await work(guard, at, [search('good'), search('bad'), say('done')], 'generate')
    expect(guard.inFlight()).toEqual([])
    expect((await guard.halt({ everything: true }, WHY)).stillRunning).toEqual([])
  })
})

describe('a halt finds a call that waits', () => {
  const stuck = (): Promise<never> => new Promise(() => {})

  test('for a token whose server hangs and hears no signal: it is released, and nothing runs', async () => {
    const asked = Promise.withResolvers<void>()
    const { guard, refusals } = desk(undefined, {
      credentials: { issue: () => (asked.resolve(), stuck()) },
    })
    const at = shop()
    const contracts = {
      ...at.contracts,
      pay: { ...at.contracts.pay, credentials: { audience: 'https://bank.example', scopes: ['pay'] } },
    }
    const played = Promise.resolve(
      work(guard, { ...at, contracts } as never, [pay(1), say('done')], 'generate'),
    ).catch((error: unknown) => error)
    await asked.promise
    await guard.halt({ agent: 'clerk' }, WHY)
    expect(await played).toMatchObject({ code: 'ERR_HALTED' })
    expect(at.ran).toEqual([])
    await expect.poll(() => refusals().map(([code]) => code)).toEqual(['ERR_HALTED'])
  })

  test('for room: it is refused, and the room goes to whoever comes when the halt is over', async () => {
    const { guard } = desk({ concurrency: { tool: 1 } })
    const at = shop(({ q }, signal) =>
      q === 'after'
        ? 'ok'
        : new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error))),
    )
    const played = Promise.resolve(
      work(guard, at, [[search('first'), search('second'), search('third')], say('done')], 'generate'),
    ).catch((error: unknown) => error)
    await expect.poll(() => at.ran).toHaveLength(1)
    await guard.halt({ tool: 'search' }, WHY)
    await played
    expect(at.ran).toEqual([{ name: 'search', q: 'first' }])
    await guard.resume({ tool: 'search' }, WHY)
    await work(guard, at, [search('after'), say('done')], 'generate')
    expect(at.ran).toHaveLength(2)
  })

  test('for a person, whose tool alone is halted: it is released, and a yes that comes late runs nothing', async () => {
    const asked = Promise.withResolvers<AbortSignal>()
    const { publicKey } = generateKeyPairSync('ed25519')
    const { guard, refusals } = desk(undefined, {
      approvals: {
        channel: { present: (_, { signal }) => (asked.resolve(signal), undefined) },
        approvers: [{ id: 'user:boss', key: publicKey.export({ format: 'jwk' }) as never }],
      },
    })
    const at = shop()
    const contracts = { ...at.contracts, pay: { ...at.contracts.pay, risk: 'high' } }
    const played = work(guard, { ...at, contracts } as never, [pay(1), search(), say('done')], 'generate')
    await asked.promise
    await guard.halt({ tool: 'pay' }, WHY)
    expect((await played).text).toBe('done')
    expect(at.ran).toEqual([{ name: 'search', q: 'x' }])
    expect(refusals()[0]?.[0]).toBe('ERR_HALTED')
  })

  test('for limits that are counted by nobody: it is released', async () => {
    const reserved = Promise.withResolvers<void>()
    const store = {
      reserve: () => (reserved.resolve(), stuck()),
      settle: () => {},
      release: () => {},
      forget: () => {},
    }
    const { guard } = desk({ store, quotas: [{ calls: 3, per: 'run' }] })
    const at = shop()
    const played = Promise.resolve(work(guard, at, [pay(1), say('done')], 'stream')).catch(() => {})
    await reserved.promise
    await guard.halt({ everything: true }, WHY)
    await played
    expect(at.ran).toEqual([])
  })
})

test('a call of a halted tool that was cut off is charged as it was held, since it may still be running', async () => {
  const { guard } = desk({ quotas: [{ bytes: 100, each: 80, per: 'user' }] })
  const at = shop((_, signal) => {
    void guard.halt({ tool: 'search' }, WHY)
    return new Promise((_resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason as Error))
    })
  })
  await work(guard, at, [search(), say('done')], 'generate')
  await guard.resume({ tool: 'search' }, WHY)
  await work(guard, at, [search(), say('done')], 'generate')
  expect(at.ran).toHaveLength(1)
})
