import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guardModel, guardTools, type LimitError } from '@gatewright/runtime'
import { sqliteStore } from '@gatewright/runtime/store'
import { say, scriptedModel } from '@gatewright/runtime/testing'
import { generateText, isStepCount } from 'ai'
import { describe, expect, test } from 'vitest'
import { ALICE, clock, DAY, desk, pay, play, type Quota, search, shop } from './shop.ts'

describe('a quota', () => {
  test('holds against calls that a model makes all at once', async () => {
    const { guard, refusals } = desk({ violations: false })
    const at = shop(() => new Promise((resolve) => setTimeout(() => resolve('ok'), 1)))
    await play(guard, at, {
      steps: [Array.from({ length: 50 }, () => pay(1))],
      quota: { calls: 3, per: 'run' },
    })
    expect(at.ran).toHaveLength(3)
    expect(refusals()).toHaveLength(47)
    expect(refusals()[0]).toEqual(['ERR_LIMIT_EXCEEDED', 'Used up: 3 calls per run (pay).'])
  })

  test('of money holds however a payment is split, over runs and at once', async () => {
    const { guard } = desk({ violations: false })
    const at = shop()
    const quota: Quota = { cost: 100, each: 'amount', per: 'user', windowMs: DAY, window: 'sliding' }
    const split = Array.from({ length: 40 }, () => pay(9.99))
    await Promise.all([1, 2, 3].map(() => play(guard, at, { steps: [split, pay(0.1)], quota })))
    const sum = at.ran.reduce<number>((all, one) => all + (one as { amount: number }).amount, 0)
    expect(sum).toBeLessThanOrEqual(100)
    expect(at.ran.filter((one) => (one as { amount: number }).amount === 9.99)).toHaveLength(10)
  })

  test('of money refuses a payment that would pay some of it back', async () => {
    const { guard, refusals } = desk(undefined)
    const at = shop()
    await play(guard, at, {
      steps: [pay(60), pay(-50), pay(60)],
      quota: { cost: 100, each: 'amount', per: 'run' },
    })
    expect(at.ran).toEqual([{ name: 'pay', amount: 60 }])
    expect(refusals().map(([, why]) => why)).toEqual([
      'What the call costs cannot be told.',
      'Used up: 100 cost per run (pay).',
    ])
  })

  test('list is taken as a whole: a call that one of them refuses takes from none', async () => {
    const { guard } = desk(undefined)
    const at = shop()
    const quota: Quota = [
      { calls: 2, per: 'run' },
      { cost: 10, each: 'amount', per: 'run' },
    ]
    await play(guard, at, { steps: [pay(8), pay(8), pay(8), pay(8), pay(2)], quota })
    expect(at.ran).toEqual([
      { name: 'pay', amount: 8 },
      { name: 'pay', amount: 2 },
    ])
  })

  test('tells the developer which limit and when to come back, and the model neither', async () => {
    const { guard } = desk({ quotas: [{ calls: 1, per: 'session', windowMs: 60_000 }] })
    const at = shop()
    const { model } = await play(guard, at, { steps: [pay(1), pay(2)] })
    const shown = JSON.stringify(model.prompts.at(-1))
    expect(shown).toContain('The guard did not permit this call')
    expect(shown).not.toMatch(/quota|limit|60/i)

    await using run = await guard.startRun({ principal: ALICE, session: 'other' })
    const tools = guardTools(run, at.tools, at.contracts as never)
    const bare = guardModel(run, scriptedModel([pay(1), pay(2), say('')]))
    const result = await generateText({ model: bare, tools, prompt: 'Go.', stopWhen: isStepCount(3) })
    const errors = result.steps.flatMap(({ content: parts }) =>
      parts.flatMap((part) => (part.type === 'tool-error' ? [part.error as LimitError] : [])),
    )
    expect(errors).toMatchObject([
      {
        code: 'ERR_LIMIT_EXCEEDED',
        retryAfterMs: 60_000,
        decision: { reasons: [{ text: 'Used up: 1 calls per session in 60000 ms (all tools).' }] },
      },
    ])
  })

  test('can be changed while agents run, and keeps what was used', async () => {
    let calls = 2
    const { guard } = desk({ quotas: () => [{ calls, per: 'user' }] })
    const at = shop()
    await play(guard, at, { steps: [pay(1), pay(2), pay(3)] })
    expect(at.ran).toHaveLength(2)
    calls = 3
    await play(guard, at, { steps: [pay(4), pay(5)] })
    expect(at.ran).toHaveLength(3)
    calls = 0
    await play(guard, at, { steps: [pay(6)] })
    expect(at.ran).toHaveLength(3)
  })

  test('that cannot be read when it is due means no', async () => {
    const { guard, refusals } = desk({
      quotas: () => {
        throw new Error('configuration server is down')
      },
    })
    const at = shop()
    await play(guard, at, { steps: [pay(1)] })
    expect(at.ran).toEqual([])
    expect(refusals()[0]?.[0]).toBe('ERR_LIMITS_UNAVAILABLE')
  })

  test('of bytes counts what came back', async () => {
    const { guard } = desk({ quotas: [{ bytes: 1000, each: 10, per: 'run' }] })
    const at = shop(() => 'x'.repeat(600))
    await play(guard, at, { steps: [search(), search(), search(), search()] })
    expect(at.ran).toHaveLength(2)
  })

  test('of wall time charges a call that never comes back in full', async () => {
    const { guard } = desk({ quotas: [{ wallMs: 100, each: 40, per: 'user' }] })
    let hang = true
    const at = shop((_, signal) => {
      if (!hang) return (clock.at += 5)
      return new Promise((_resolve, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    const contract = { deadlineMs: 20 }
    await play(guard, at, { steps: [[pay(1), pay(2), pay(3)]], contract })
    expect(at.ran).toHaveLength(2)
    hang = false
    await play(guard, at, { steps: [pay(4)], contract })
    expect(at.ran).toHaveLength(2)
  })

  test('window does not open again when the clock goes back', async () => {
    const { guard } = desk(undefined)
    const at = shop()
    const quota: Quota = { calls: 1, per: 'user', windowMs: 3_600_000 }
    await play(guard, at, { steps: [pay(1)], quota })
    clock.at -= DAY
    await play(guard, at, { steps: [pay(2)], quota })
    expect(at.ran).toHaveLength(1)
    clock.at += DAY + 3_600_000
    await play(guard, at, { steps: [pay(3)], quota })
    expect(at.ran).toHaveLength(2)
  })

  test('of a run leaves nothing behind when the run is over for good', async () => {
    const forgotten: string[] = []
    const { guard } = desk({
      store: {
        reserve: () => ({ ok: true }),
        settle: () => {},
        release: () => {},
        forget: (keys) => void forgotten.push(...keys),
      },
    })
    const at = shop()
    await play(guard, at, {
      steps: [pay(1)],
      quota: [
        { calls: 1, per: 'run' },
        { calls: 5, per: 'user' },
      ],
    })
    expect(forgotten).toHaveLength(1)
    expect(forgotten[0]).toContain('"run"')
  })

  test('in a store holds over guards and restarts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'limits-'))
    const at = shop()
    const quotas = [{ cost: 10, each: 3, per: 'user', windowMs: DAY, window: 'sliding' }] as const
    try {
      for (let start = 0; start < 3; start += 1) {
        const store = sqliteStore({ path: join(folder, 'limits.db'), now: () => new Date(clock.at) })
        const guards = [1, 2].map(() => desk({ store, quotas }).guard)
        await Promise.all(guards.map((guard) => play(guard, at, { steps: [[pay(1), pay(1)]] })))
        await store.close()
      }
    } finally {
      await rm(folder, { recursive: true })
    }
    expect(at.ran).toHaveLength(3)
  })

  test('that is misspelt does not start', () => {
    expect(() => desk({ quota: [] } as never)).toThrow(/limits\.quota/)
    expect(() => desk({ quotas: [{ calls: 1, per: 'day' }] as never })).toThrow(/limits\.quotas\.0\.per/)
    expect(() => desk({ quotas: [{ wallMs: 1, per: 'run' }] })).toThrow(/limits\.quotas\.0\.each/)
    expect(() => desk({ concurrency: { tool: 0 } })).toThrow(/limits\.concurrency\.tool/)
    expect(() => desk({ breaker: { openMs: -1 } })).toThrow(/limits\.breaker\.openMs/)
    expect(() => desk({ violations: { run: { limit: 0, windowMs: 5 } } })).toThrow(/limits\.violations\.run/)
  })
})
