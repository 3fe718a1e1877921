import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Guard, guardAgent, type LimitOptions } from '@gatewright/runtime'
import { memoryStore, sqliteStore, type Store } from '@gatewright/runtime/store'
import { say, scriptedModel } from '@gatewright/runtime/testing'
import { isStepCount } from 'ai'
import { describe, expect, test } from 'vitest'
import { ALICE, desk, pay, play, shop } from './shop.ts'

const guardOn = (store: Store, limits: LimitOptions): ReturnType<typeof desk> =>
  desk(limits, { store, now: () => new Date() })

describe('a tool that fails for one guard', () => {
  const breaker = { fewest: 3, openMs: 60_000 }
  const failing = (): ReturnType<typeof shop> =>
    shop(() => {
      throw new Error('down')
    })

  test('is left alone by the other guards of its store', async () => {
    const store = memoryStore({ now: () => new Date() })
    const [here, there] = [guardOn(store, { breaker }), guardOn(store, { breaker })]
    await using _here = here.guard
    await using _there = there.guard
    await play(here.guard, failing(), { steps: [pay(1), pay(2), pay(3)] })
    const at = shop()
    await play(there.guard, at, { steps: [pay(1)] })
    expect(at.ran).toEqual([])
    expect(there.refusals()).toEqual([['ERR_BREAKER_OPEN', 'The tool keeps failing.']])
  })

  test('is left alone in another process', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gatewright-hints-'))
    const path = join(folder, 'store.db')
    const store = sqliteStore({ path })
    const { guard } = guardOn(store, { breaker })
    const worker = join(import.meta.dirname, 'breaker-worker.ts')
    const child = spawn(
      process.execPath,
      ['--conditions=@gatewright/source', '--no-warnings', worker, path],
      { stdio: ['pipe', 'pipe', 'inherit'] },
    )
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const line = async (): Promise<unknown> => (await lines.next()).value
    try {
      expect(await line()).toBe('the tool runs')
      await guard.startRun({ principal: ALICE }).then((run) => run.end())
      await play(guard, failing(), { steps: [pay(1), pay(2), pay(3)] })
      child.stdin.write('go on\n')
      expect(await line()).toBe('ERR_BREAKER_OPEN')
    } finally {
      child.kill()
      await guard[Symbol.asyncDispose]()
      await store.close()
      rmSync(folder, { recursive: true })
    }
  })
})

describe('an agent that keeps being refused', () => {
  const refusedOnce = async (guard: Guard, conversation?: string): Promise<unknown> => {
    const at = shop()
    const agent = guardAgent(guard, {
      model: scriptedModel([pay(1), pay(1), say('Done.')]),
      tools: at.tools,
      contracts: { ...at.contracts, pay: { ...at.contracts.pay, quota: { calls: 1, per: 'user' } } } as never,
      stopWhen: isStepCount(9),
    })
    const options = { principal: ALICE, ...(conversation === undefined ? {} : { conversation }) }
    return await Promise.resolve(agent.generate({ prompt: 'Go.', options })).catch((error: unknown) => error)
  }

  test('cannot go on in another process: its refusals count together, by agent', async () => {
    const violations = { agent: { limit: 5, windowMs: 60_000 } }
    const store = memoryStore({ now: () => new Date() })
    const guards = [guardOn(store, { violations }), guardOn(store, { violations })]
    for (let i = 0; i < 4; i += 1) await refusedOnce((guards[i % 2] as ReturnType<typeof desk>).guard)
    const halted = guards.flatMap(({ audit }) => audit.events().filter(({ type }) => type === 'alert'))
    expect(halted[0]).toMatchObject({ kind: 'violations', halted: true })
    // Counted apart, neither of two processes comes to five.
    const apart = [desk({ violations }), desk({ violations })]
    for (let i = 0; i < 4; i += 1) await refusedOnce((apart[i % 2] as ReturnType<typeof desk>).guard)
    expect(apart.flatMap(({ audit }) => audit.events().filter(({ type }) => type === 'alert'))).toEqual([])
    for (const { guard } of guards) await guard[Symbol.asyncDispose]()
  })

  test('nor in a conversation that is carried from one process to the next', async () => {
    const violations = { run: { limit: 4, windowMs: 60_000 } }
    const store = memoryStore({ now: () => new Date() })
    const guards = [guardOn(store, { violations }), guardOn(store, { violations })]
    for (let i = 0; i < 6; i += 1) await refusedOnce((guards[i % 2] as ReturnType<typeof desk>).guard, 'c-1')
    expect(guards[0]?.guard.halts()).toMatchObject([{ scope: { run: 'c-1' }, by: 'gatewright' }])
    for (const { guard } of guards) await guard[Symbol.asyncDispose]()
  })
})

test('a guard that is not told of a store counts alone, and says so', () => {
  const { guard } = desk(undefined)
  expect(guard.describe()).toMatchObject({
    breakers: 'in memory of this process',
    violations: 'counted in memory of this process',
  })
})
