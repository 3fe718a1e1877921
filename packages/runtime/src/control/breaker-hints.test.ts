import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import { type BreakerChange, type BreakerOutcome, type Breakers, createBreakers } from './breaker.ts'
import { createBreakerHints } from './breaker-hints.ts'

const OPEN_MS = 30_000
const now = (): Date => new Date()
let ends: (() => void)[] = []
let ids = 0

/** The breakers of one process, which tells the others of a store. */
function processOn(store: Store): Breakers {
  const made = createBreakers(
    { fewest: 2, openMs: OPEN_MS, onChange: (change) => hints.publish(change) },
    { now },
  )
  const hints = createBreakerHints({ store, hear: made.hear, openMs: OPEN_MS, newId: () => `p${(ids += 1)}` })
  ends.push(() => (hints[Symbol.dispose](), made.close()))
  return made
}

async function report(of: Breakers, outcome: BreakerOutcome, times = 1, tool = 'pay'): Promise<void> {
  for (let i = 0; i < times; i += 1) {
    const leave = of.enter(tool, undefined)
    if ('done' in leave) leave.done(outcome)
    await vi.advanceTimersByTimeAsync(0)
  }
}

const isOpen = (of: Breakers, tool = 'pay'): boolean => 'retryAfterMs' in of.enter(tool, undefined)

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  for (const end of ends) end()
  ends = []
  vi.useRealTimers()
})

describe('a breaker that opens in one process', () => {
  test('opens in the others, for its tool and tenant, and for a process that starts meanwhile', async () => {
    const store = memoryStore({ now })
    const [a, b] = [processOn(store), processOn(store)]
    await vi.advanceTimersByTimeAsync(0)
    await report(a, 'failed', 2)
    expect([isOpen(a), isOpen(b)]).toEqual([true, true])
    expect(isOpen(b, 'search')).toBe(false)
    expect('retryAfterMs' in b.enter('pay', 'acme')).toBe(false)
    const late = processOn(store)
    await vi.advanceTimersByTimeAsync(0)
    expect(isOpen(late)).toBe(true)
  })

  test('closes in each by a try of its own, and in none because another says so', async () => {
    const store = memoryStore({ now })
    const [a, b] = [processOn(store), processOn(store)]
    await vi.advanceTimersByTimeAsync(0)
    await report(a, 'failed', 2)
    await vi.advanceTimersByTimeAsync(OPEN_MS)
    await report(a, 'ok')
    expect(isOpen(a)).toBe(false)
    await report(b, 'failed')
    expect([isOpen(a), isOpen(b)]).toEqual([false, true])
  })

  test('keeps no other from its tool for good, however often it says so', async () => {
    const store = memoryStore({ now })
    const b = processOn(store)
    const liar = createBreakerHints({ store, hear: () => {}, openMs: OPEN_MS, newId: () => 'liar' })
    await vi.advanceTimersByTimeAsync(0)
    const lie: BreakerChange = { tool: 'pay', tenant: undefined, state: 'open' }
    let calls = 0
    for (let second = 0; second < 600; second += 1) {
      liar.publish(lie)
      await vi.advanceTimersByTimeAsync(1000)
      const leave = b.enter('pay', undefined)
      if ('done' in leave) {
        leave.done('ok')
        calls += 1
      }
    }
    liar[Symbol.dispose]()
    // Open half of the time at most, so that lies cost it no more than that.
    expect(calls).toBeGreaterThan(270)
    expect(calls).toBeLessThan(600)
  })

  test('is nothing to wait for: what it cannot tell, or cannot read, leaves each with what it saw itself', async () => {
    const store = memoryStore({ now })
    const down = (): never => {
      throw new Error('down')
    }
    const alone = processOn({ ...store, get: down, compareAndSet: down, watch: async () => down() })
    const b = processOn(store)
    await vi.advanceTimersByTimeAsync(0)
    await report(alone, 'failed', 2)
    expect([isOpen(alone), isOpen(b)]).toEqual([true, false])
    const call = { signal: AbortSignal.timeout(30_000) }
    for (const text of ['', '{}', '[]', 'null', '{"by":"x","tool":1}', '{"by":"x","tool":"pay","tenant":7}'])
      await store.compareAndSet(`breaker/${text.length}`, 0, text, call)
    await vi.advanceTimersByTimeAsync(0)
    expect(isOpen(b)).toBe(false)
  })

  test('is heard of again by a process that could not listen at first', async () => {
    const store = memoryStore({ now })
    let isDown = true
    const b = processOn({
      ...store,
      watch: async (...given) => {
        if (isDown) throw new Error('down')
        return store.watch(...given)
      },
    })
    const a = processOn(store)
    await report(a, 'failed', 2)
    expect(isOpen(b)).toBe(false)
    isDown = false
    await vi.advanceTimersByTimeAsync(5000)
    expect(isOpen(b)).toBe(true)
  })
})
