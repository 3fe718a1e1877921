import * as fc from 'fast-check'
import { beforeEach, describe, expect, test } from 'vitest'
import { describeStore } from '../testing/store-conformance.ts'
import { memoryStore } from './memory.ts'

let time = 0
const now = (): Date => new Date(time)
const call = { signal: new AbortController().signal }
const shared = memoryStore({ now })

describeStore(
  'the memory store',
  {
    open: () => shared,
    advance(ms) {
      time += ms
    },
  },
  { describe, test },
)

beforeEach(() => {
  time += 1_000_000
})

test('a clock that goes back reopens no window', async () => {
  const store = memoryStore({ now })
  const limit = { key: 'a', limit: 1, amount: 1, windowMs: 1000 }
  expect(await store.reserve('1', [limit], 1000, call)).toEqual({ ok: true })
  time -= 2000
  expect(await store.reserve('2', [limit], 1000, call)).toMatchObject({ ok: false })
})

test('new accounts and records are refused rather than old ones forgotten', async () => {
  const store = memoryStore({ now, capacity: 2 })
  const hour = { key: 'a', limit: 1, amount: 1, windowMs: 3_600_000 }
  await store.reserve('1', [hour], 1000, call)
  await store.reserve('2', [{ ...hour, key: 'b' }], 1000, call)
  expect(() => store.reserve('3', [{ ...hour, key: 'c' }], 1000, call)).toThrow(/could not be reached/)
  await store.compareAndSet('a', 0, 'x', call)
  await store.compareAndSet('b', 0, 'x', { ...call, ttlMs: 1000 })
  expect(() => store.compareAndSet('c', 0, 'x', call)).toThrow(/could not be reached/)
  time += 1000
  expect(await store.compareAndSet('c', 0, 'x', call)).toBeGreaterThan(0)
  expect((await store.get('a', call))?.value).toBe('x')
})

const arbitrary = fc.array(
  fc.record({ wait: fc.nat({ max: 400 }), amount: fc.integer({ min: 1, max: 4 }) }),
  { minLength: 1, maxLength: 60 },
)

test.each([
  { sliding: true, window: 'any interval as long as a sliding window' },
  { sliding: false, window: 'any fixed window' },
])('$window holds at most its limit', ({ sliding }) => {
  const [windowMs, most] = [1000, 10]
  fc.assert(
    fc.property(arbitrary, (tries) => {
      const store = memoryStore({ now })
      const taken: { at: number; amount: number }[] = []
      for (const [i, { wait, amount }] of tries.entries()) {
        time += wait
        const answer = store.reserve(
          `${i}`,
          [{ key: 'a', limit: most, amount, windowMs, sliding }],
          1e6,
          call,
        )
        if ('ok' in answer && answer.ok) taken.push({ at: time, amount })
      }
      for (const { at } of taken) {
        const from = sliding ? at : Math.floor(at / windowMs) * windowMs
        const within = taken.filter((one) => one.at >= from && one.at < from + windowMs)
        expect(within.reduce((sum, one) => sum + one.amount, 0)).toBeLessThanOrEqual(most)
      }
    }),
  )
})

test('room is there when a refusal said it would be', () => {
  fc.assert(
    fc.property(arbitrary, fc.boolean(), (tries, sliding) => {
      const store = memoryStore({ now })
      const limit = { key: 'a', limit: 10, windowMs: 1000, sliding }
      for (const [i, { wait, amount }] of tries.entries()) {
        time += wait
        const answer = store.reserve(`${i}`, [{ ...limit, amount }], 1e6, call)
        if (!('ok' in answer) || answer.ok) continue
        time += answer.retryAfterMs ?? Number.NaN
        expect(store.reserve(`${i}`, [{ ...limit, amount }], 1e6, call)).toEqual({ ok: true })
      }
    }),
  )
})
