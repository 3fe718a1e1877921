import { guardModel, guardTools } from '@gatewright/runtime'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { generateText, isStepCount, tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ALICE, clock, desk, pay, play, type Quota, shop } from './shop.ts'

describe('a bulkhead', () => {
  test('lets no more calls run at once than it says, and all of them in the end', async () => {
    const { guard } = desk({ concurrency: { tool: 2 } })
    let running = 0
    let most = 0
    const at = shop(async () => {
      running += 1
      most = Math.max(most, running)
      await new Promise((resolve) => setTimeout(resolve, 2))
      running -= 1
      return 'ok'
    })
    await play(guard, at, { steps: [Array.from({ length: 12 }, (_, i) => pay(i + 1))] })
    expect(at.ran).toHaveLength(12)
    expect(most).toBe(2)
  })

  test('does not lock up when a tool calls itself', async () => {
    const { guard } = desk({ concurrency: { tool: 1, tenant: 1 } })
    await using run = await guard.startRun({ principal: ALICE })
    const depths: number[] = []
    const tools = guardTools(
      run,
      {
        dig: tool({
          inputSchema: z.object({ depth: z.number() }),
          execute: async ({ depth }, options): Promise<string> => {
            depths.push(depth)
            if (depth < 3)
              await (tools.dig.execute as (i: unknown, o: unknown) => unknown)(
                { depth: depth + 1 },
                { ...options, toolCallId: `dig-${depth}` },
              )
            return 'ok'
          },
        }),
      },
      { dig: 'read' },
    )
    const model = guardModel(run, scriptedModel([callTool('dig', { depth: 0 }), say('Done.')]))
    await generateText({ model, tools, prompt: 'Dig.', stopWhen: isStepCount(3) })
    expect(depths).toEqual([0, 1, 2, 3])
  })

  test('is left at once by a call whose user stopped waiting', async () => {
    const { guard } = desk({ concurrency: { tool: 1 } })
    let free = (): void => {}
    const at = shop(() => new Promise((resolve) => (free = () => resolve('ok'))))
    const first = play(guard, at, { steps: [pay(1)] })
    await expect.poll(() => at.ran).toHaveLength(1)
    const stop = new AbortController()
    const second = play(guard, at, { steps: [pay(2)], abortSignal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 20))
    stop.abort(new Error('left'))
    await expect(second).rejects.toThrow('left')
    free()
    await first
    expect(at.ran).toHaveLength(1)
  })
})

describe('a breaker', () => {
  const breaker = { fewest: 3, openMs: 40 }

  test('stops a retry storm against a tool that fails, and lets it be tried again later', async () => {
    const { guard, refusals } = desk({ breaker })
    let broken = true
    const at = shop(() => {
      if (broken) throw new Error('down')
      return 'ok'
    })
    await play(guard, at, { steps: Array.from({ length: 20 }, () => pay(1)) })
    expect(at.ran).toHaveLength(3)
    expect(refusals()[0]).toEqual(['ERR_BREAKER_OPEN', 'The tool keeps failing.'])
    broken = false
    await new Promise((resolve) => setTimeout(resolve, 60))
    await play(guard, at, { steps: [pay(1), pay(2)] })
    expect(at.ran).toHaveLength(5)
  })

  test('is not opened by users who stop their calls, nor by their own short time-outs', async () => {
    const { guard, refusals } = desk({ breaker })
    const at = shop((_, signal) =>
      signal === undefined || at.ran.length > 8
        ? 'ok'
        : new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error))
          }),
    )
    for (let i = 0; i < 8; i += 1)
      await expect(play(guard, at, { steps: [pay(1)], abortSignal: AbortSignal.timeout(5) })).rejects.toThrow(
        /timeout/i,
      )
    await play(guard, at, { steps: [pay(1)] })
    expect(at.ran).toHaveLength(9)
    expect(refusals()).toEqual([])
  })

  test('is opened by calls that run past their deadline, each of which aborts itself alone', async () => {
    const { guard, refusals } = desk({ breaker })
    const aborted: unknown[] = []
    const at = shop(({ amount }, signal) =>
      amount === 7
        ? new Promise((resolve) => setTimeout(() => resolve('ok'), 15))
        : new Promise((_resolve, reject) => {
            signal?.addEventListener('abort', () => {
              aborted.push(amount)
              reject(signal.reason as Error)
            })
          }),
    )
    const { model } = await play(guard, at, {
      steps: [[pay(1), pay(2), pay(3), pay(7)], pay(4)],
      contract: { deadlineMs: 40 },
    })
    expect(aborted.toSorted()).toEqual([1, 2, 3])
    expect(JSON.stringify(model.prompts.at(-1))).toContain('"ok"')
    expect(refusals()).toHaveLength(1)
  })

  test('takes refusals for no failure of the tool', async () => {
    const { guard } = desk({ breaker, violations: false })
    const at = shop()
    const quota: Quota = { calls: 1, per: 'user', windowMs: 1000 }
    await play(guard, at, { steps: Array.from({ length: 20 }, () => pay(1)), quota })
    clock.at += 1000
    await play(guard, at, { steps: [pay(1)], quota })
    expect(at.ran).toHaveLength(2)
  })

  test('leaves other tenants alone', async () => {
    const { guard } = desk({ breaker })
    const at = shop(() => {
      throw new Error('down')
    })
    await play(guard, at, { steps: Array.from({ length: 6 }, () => pay(1)) })
    await play(guard, at, { steps: [pay(1)], principal: { subject: 'user:bob', tenant: 'other' } })
    expect(at.ran).toHaveLength(4)
  })
})
