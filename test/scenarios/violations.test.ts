import { guardAgent, guardModel } from '@gatewright/runtime'
import { say, scriptedModel } from '@gatewright/runtime/testing'
import { generateText, isStepCount } from 'ai'
import { describe, expect, test } from 'vitest'
import { ALICE, desk, pay, play, search, shop, spender } from './shop.ts'

describe('an agent that keeps being refused', () => {
  test('is stopped, a person is told, and the model cannot try its way round', async () => {
    const alerts: unknown[] = []
    const { guard, audit } = desk({
      violations: { run: { limit: 5, windowMs: 60_000 } },
      alert: (one) => void alerts.push(one),
    })
    const at = shop()
    const model = scriptedModel(Array.from({ length: 40 }, (_, i) => (i === 7 ? search() : pay(1))))
    const agent = guardAgent(guard, {
      model,
      tools: at.tools,
      contracts: { ...at.contracts, pay: { ...at.contracts.pay, quota: { calls: 1, per: 'run' } } } as never,
      stopWhen: isStepCount(40),
    })
    await expect(
      agent.generate({ prompt: 'Go.', options: { principal: ALICE, conversation: 'c-1' } }),
    ).rejects.toThrow('halted')
    expect(model.requests.length).toBeLessThanOrEqual(7)
    expect(at.ran).toEqual([{ name: 'pay', amount: 1 }])
    expect(alerts).toMatchObject([
      { kind: 'violations', run: 'c-1', tool: 'pay', halted: true, subject: 'user:alice' },
    ])
    expect(guard.halts()).toMatchObject([{ scope: { run: 'c-1' }, by: 'gatewright' }])
    const kinds = audit.events().map(({ type }) => type)
    expect(kinds.filter((type) => type === 'halt' || type === 'alert')).toEqual(['halt', 'alert'])

    // The same conversation stays stopped until a person lets it go on.
    await expect(
      agent.generate({ prompt: 'Again.', options: { principal: ALICE, conversation: 'c-1' } }),
    ).rejects.toMatchObject({ code: 'ERR_HALTED' })
    await guard.resume({ run: 'c-1' }, { by: 'user:oncall', reason: 'looked at it' })
    const again = guardAgent(guard, {
      model: scriptedModel([search(), say('Done.')]),
      tools: at.tools,
      contracts: at.contracts as never,
    })
    await again.generate({ prompt: 'Again.', options: { principal: ALICE, conversation: 'c-1' } })
    expect(at.ran).toHaveLength(2)
  })

  test('a pager that fails stops nothing, and does not stop the halt', async () => {
    const { guard } = desk({
      violations: { run: { limit: 2, windowMs: 60_000 } },
      alert: () => {
        throw new Error('no signal')
      },
    })
    const at = shop()
    await expect(
      play(guard, at, { steps: Array.from({ length: 9 }, () => pay(1)), quota: { calls: 1, per: 'run' } }),
    ).rejects.toThrow('halted')
    expect(guard.halts()).toHaveLength(1)
  })
})

test('a run that spends too fast is halted', async () => {
  const { guard, audit } = desk({
    costRate: { run: { limit: 0.01, windowMs: 60_000 } },
    prices: { 'm-1': { input: 1, output: 1 } },
  })
  await using run = await guard.startRun({ principal: ALICE })
  const model = guardModel(run, spender(4000, 0))
  await generateText({ model, prompt: 'Hi.' })
  await generateText({ model, prompt: 'Hi.' })
  await expect(generateText({ model, prompt: 'Hi.' })).rejects.toMatchObject({ code: 'ERR_HALTED' })
  expect(run.signal.aborted).toBe(true)
  expect(audit.events().filter(({ type }) => type === 'alert')).toMatchObject([
    { kind: 'cost-rate', halted: true },
  ])
})

describe('the baseline', () => {
  test('alerts on a tool that was never used, and goes on', async () => {
    const alerts: { kind: string; tool: string | undefined; halted: boolean }[] = []
    const { guard } = desk({ baseline: {}, alert: (one) => void alerts.push(one) })
    const at = shop()
    await play(guard, at, { steps: [Array.from({ length: 30 }, () => search())] })
    await play(guard, at, { steps: [pay(1)] })
    expect(alerts).toMatchObject([{ kind: 'first-use', tool: 'pay', halted: false }])
    expect(at.ran).toHaveLength(31)
  })

  test('pauses the run where it is told to, before the call', async () => {
    const { guard, refusals } = desk({ baseline: { pause: ['first-use'] } })
    const at = shop()
    await play(guard, at, { steps: [Array.from({ length: 30 }, () => search())] })
    await expect(play(guard, at, { steps: [pay(1)] })).rejects.toThrow('halted')
    expect(at.ran).toHaveLength(30)
    expect(refusals().at(-1)?.[0]).toBe('ERR_HALTED')
    await play(guard, at, { steps: [search()] })
    expect(at.ran).toHaveLength(31)
  })
})
