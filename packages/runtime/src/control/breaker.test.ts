import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  type BreakerChange,
  type BreakerOptions,
  type BreakerOutcome,
  type Breakers,
  createBreakers,
} from './breaker.ts'

const OPEN_MS = 30_000
let all: Breakers[] = []

function breakers(options: BreakerOptions = {}, capacity?: number): Breakers {
  const made = createBreakers(
    { fewest: 4, ...options },
    { now: () => new Date(), ...(capacity === undefined ? {} : { capacity }) },
  )
  all.push(made)
  return made
}

async function report(
  of: Breakers,
  outcome: BreakerOutcome,
  times = 1,
  tool = 'pay',
  tenant?: string,
): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const leave = of.enter(tool, tenant)
    if ('done' in leave) leave.done(outcome)
    await vi.advanceTimersByTimeAsync(0)
  }
}

const isOpen = (of: Breakers, tool = 'pay', tenant?: string): boolean =>
  'retryAfterMs' in of.enter(tool, tenant)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  for (const one of all) one.close()
  all = []
  vi.useRealTimers()
})

describe('the breaker of a tool', () => {
  test('opens when most calls fail, says how long to stay away, and closes when one try succeeds', async () => {
    const changes: BreakerChange[] = []
    const of = breakers({ onChange: (change) => void changes.push(change) })
    await report(of, 'failed', 4)
    expect(of.enter('pay', undefined)).toEqual({ retryAfterMs: OPEN_MS })
    await vi.advanceTimersByTimeAsync(OPEN_MS - 1)
    expect(of.enter('pay', undefined)).toEqual({ retryAfterMs: 1 })
    await vi.advanceTimersByTimeAsync(1)
    await report(of, 'ok')
    expect(isOpen(of)).toBe(false)
    expect(changes.map(({ state }) => state)).toEqual(['open', 'closed'])
    expect(changes[0]).toMatchObject({ tool: 'pay', tenant: undefined })
  })

  test('lets one call try, and opens again if that one fails', async () => {
    const of = breakers()
    await report(of, 'failed', 4)
    await vi.advanceTimersByTimeAsync(OPEN_MS)
    const probe = of.enter('pay', undefined)
    expect(isOpen(of)).toBe(true)
    if ('done' in probe) probe.done('failed')
    await vi.advanceTimersByTimeAsync(0)
    expect(of.enter('pay', undefined)).toEqual({ retryAfterMs: OPEN_MS })
  })

  test('is not closed by a user who stops the call that tries it', async () => {
    const of = breakers()
    await report(of, 'failed', 4)
    await vi.advanceTimersByTimeAsync(OPEN_MS)
    await report(of, 'none')
    expect(of.enter('pay', undefined)).toEqual({ retryAfterMs: OPEN_MS })
  })

  test('does not count calls that were refused or stopped, neither as failures nor as successes', async () => {
    const of = breakers()
    await report(of, 'none', 50)
    expect(isOpen(of)).toBe(false)
    await report(of, 'failed', 2)
    await report(of, 'none', 50)
    await report(of, 'failed', 2)
    expect(isOpen(of)).toBe(true)
  })

  test('is not closed by the late success of a call from before it opened', async () => {
    const of = breakers()
    const early = of.enter('pay', undefined)
    await report(of, 'failed', 4)
    await vi.advanceTimersByTimeAsync(OPEN_MS)
    if ('done' in early) early.done('ok')
    await vi.advanceTimersByTimeAsync(0)
    const probe = of.enter('pay', undefined)
    expect('done' in probe).toBe(true)
    expect(isOpen(of)).toBe(true)
    if ('done' in probe) probe.done('none')
    await vi.advanceTimersByTimeAsync(0)
  })

  test('is of one tenant: the failures of another do not open it', async () => {
    const of = breakers()
    await report(of, 'failed', 10, 'pay', 'a')
    expect(isOpen(of, 'pay', 'a')).toBe(true)
    expect(isOpen(of, 'pay', 'b')).toBe(false)
    expect(isOpen(of, 'send', 'a')).toBe(false)
  })

  test('does not open on a few failures among many successes, or on too few calls', async () => {
    const of = breakers()
    await report(of, 'failed', 1)
    await report(of, 'ok', 10)
    await report(of, 'failed', 3)
    expect(isOpen(of)).toBe(false)
    await report(of, 'failed', 3, 'send')
    expect(isOpen(of, 'send')).toBe(false)
  })

  test('takes no harm from a listener that throws', async () => {
    const of = breakers({
      onChange: () => {
        throw new Error('pager is down')
      },
    })
    await report(of, 'failed', 4)
    await vi.advanceTimersByTimeAsync(OPEN_MS)
    await report(of, 'ok')
    expect(isOpen(of)).toBe(false)
  })

  test('counts a call once, whatever is said of it later', async () => {
    const of = breakers({ fewest: 2 })
    const leave = of.enter('pay', undefined)
    if ('done' in leave) for (let i = 0; i < 5; i += 1) leave.done('failed')
    await vi.advanceTimersByTimeAsync(0)
    expect(isOpen(of)).toBe(false)
  })
})

describe('breakers', () => {
  test('cost nothing for tools that work', async () => {
    const of = breakers()
    await report(of, 'ok', 100)
    expect(of.size).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('are bounded: the longest unused goes with its timers, and an open one last', async () => {
    const of = breakers({}, 3)
    await report(of, 'failed', 4, 'open')
    for (let i = 0; i < 50; i += 1) await report(of, 'failed', 1, `tool-${i}`)
    expect(of.size).toBe(3)
    expect(isOpen(of, 'open')).toBe(true)
    expect(vi.getTimerCount()).toBeLessThanOrEqual(4)
    of.close()
    expect(vi.getTimerCount()).toBe(0)
  })
})
