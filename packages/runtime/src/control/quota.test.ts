import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Quota } from '../contract/contract.ts'
import type { Json } from '../json/plain.ts'
import { memoryLimits } from './memory-limits.ts'
import {
  guardQuotaKeys,
  type Limit,
  type Limits,
  quotaKeys,
  type QuotaScope,
  type Reservation,
} from './quota.ts'

let time = 0
const { signal } = new AbortController()
const options = { signal }
const TTL = 1000
const SCOPE: QuotaScope = {
  run: 'r',
  session: 's',
  user: 'user:a',
  agent: 'a@1',
  tool: 'sendEmail',
  tenant: 't',
}

function limits(capacity?: number): Limits {
  time = 0
  return memoryLimits({ now: () => new Date(time), ...(capacity === undefined ? {} : { capacity }) })
}
const total = (key: string, limit: number, amount = 1): Limit => ({ key, limit, amount })
const perSecond = (key: string, limit: number, amount = 1): Limit => ({ key, limit, amount, windowMs: 1000 })

describe('limits', () => {
  test('let through as many as they say, and name the one that did not', () => {
    const all = limits()
    for (const id of ['1', '2']) expect(all.reserve(id, [total('a', 2)], TTL, options)).toEqual({ ok: true })
    expect(all.reserve('3', [total('a', 2)], TTL, options)).toEqual({ ok: false, key: 'a' })
  })

  test('are taken all or none', () => {
    const all = limits()
    all.reserve('1', [total('b', 1)], TTL, options)
    expect(all.reserve('2', [total('a', 1), total('b', 1)], TTL, options)).toMatchObject({
      ok: false,
      key: 'b',
    })
    expect(all.reserve('3', [total('a', 1)], TTL, options)).toEqual({ ok: true })
  })

  test('count two of the same account in one call as two', () => {
    expect(limits().reserve('1', [total('a', 1), total('a', 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('charge one id once, however often it reserves', () => {
    const all = limits()
    for (let i = 0; i < 3; i += 1)
      expect(all.reserve('1', [total('a', 1)], TTL, options)).toEqual({ ok: true })
    all.settle('1', {}, options)
    expect(all.reserve('1', [total('a', 1)], TTL, options)).toEqual({ ok: true })
    expect(all.reserve('2', [total('a', 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('open again with the next window, and say when', () => {
    const all = limits()
    time = 1300
    all.reserve('1', [perSecond('a', 1)], TTL, options)
    expect(all.reserve('2', [perSecond('a', 1)], TTL, options)).toEqual({
      ok: false,
      key: 'a',
      retryAfterMs: 700,
    })
    time = 2000
    expect(all.reserve('2', [perSecond('a', 1)], TTL, options)).toEqual({ ok: true })
  })

  test('do not tell someone to wait for what no window will allow', () => {
    expect(limits().reserve('1', [perSecond('a', 1, 2)], TTL, options)).toEqual({ ok: false, key: 'a' })
  })

  test('do not open again when the clock goes back', () => {
    const all = limits()
    time = 5000
    all.reserve('1', [perSecond('a', 1)], TTL, options)
    time = 3000
    expect(all.reserve('2', [perSecond('a', 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('charge what was really used, even beyond the limit', () => {
    const all = limits()
    all.reserve('1', [total('tokens', 100, 50)], TTL, options)
    all.settle('1', { tokens: 10 }, options)
    expect(all.reserve('2', [total('tokens', 100, 90)], TTL, options)).toEqual({ ok: true })
    all.settle('2', { tokens: 500 }, options)
    expect(all.reserve('3', [total('tokens', 100, 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test.each([-50, Number.NaN])('take a use of %s for no reason to give anything back', (used) => {
    const all = limits()
    all.reserve('1', [total('a', 1)], TTL, options)
    all.settle('1', { a: used }, options)
    expect(all.reserve('2', [total('a', 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('give back once what was never used', () => {
    const all = limits()
    all.reserve('1', [total('a', 1)], TTL, options)
    all.release('1', options)
    all.release('1', options)
    expect(all.reserve('2', [total('a', 1)], TTL, options)).toEqual({ ok: true })
    expect(all.reserve('3', [total('a', 1)], TTL, options)).toMatchObject({ ok: false })
    all.settle('2', {}, options)
    all.release('2', options)
    expect(all.reserve('3', [total('a', 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('charge in full a call that never reported back', () => {
    const all = limits()
    all.reserve('1', [total('a', 1)], TTL, options)
    all.reserve('2', [total('b', 1)], TTL, options)
    time = TTL
    all.release('1', options)
    all.settle('2', { b: 0 }, options)
    for (const key of ['a', 'b'])
      expect(all.reserve('3', [total(key, 1)], TTL, options)).toMatchObject({ ok: false })
  })

  test('refuse new calls rather than forget an account that counts', () => {
    const all = limits(2)
    all.reserve('1', [total('a', 1)], TTL, options)
    all.reserve('2', [perSecond('b', 1)], TTL, options)
    expect(() => all.reserve('3', [total('c', 1)], TTL, options)).toThrow(/could not be checked/)
    time = TTL
    expect(all.reserve('4', [total('a', 1)], TTL, options)).toMatchObject({ ok: false })
    expect(all.reserve('3', [total('c', 1)], TTL, options)).toEqual({ ok: true })
    all.forget(['a'], options)
    expect(all.reserve('5', [total('d', 1)], TTL * 9, options)).toEqual({ ok: true })
  })

  test('take nothing when they refuse for want of room', () => {
    const all = limits(2)
    all.reserve('1', [total('a', 5)], TTL, options)
    expect(() => all.reserve('2', [total('a', 5, 4), total('b', 1), total('c', 1)], TTL, options)).toThrow(
      /could not/,
    )
    time = TTL
    expect(all.reserve('3', [total('a', 5, 4)], TTL, options)).toEqual({ ok: true })
  })

  test.each([
    [{ key: 'a', limit: 1, amount: -1 }],
    [{ key: 'a', limit: 1, amount: Number.NaN }],
    [{ key: 'a', limit: Number.NaN, amount: 1 }],
    [{ key: 'a', limit: 1, amount: 1, windowMs: 0 }],
  ])('refuse what makes no sense as a limit: %o', (limit) => {
    expect(() => limits().reserve('1', [limit], TTL, options)).toThrow(RangeError)
  })

  test('that slide let no more through in any stretch of their length, whenever it starts', () => {
    const sliding: Limit = { key: 'a', limit: 5, amount: 1, windowMs: 1600, sliding: true }
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 400 }), { maxLength: 80 }), (steps) => {
        const all = limits()
        const granted: number[] = []
        for (const [index, step] of steps.entries()) {
          time += step
          const answer = all.reserve(String(index), [sliding], TTL, options) as Reservation
          if (answer.ok) granted.push(time)
          else expect(answer.retryAfterMs).toBeGreaterThan(0)
        }
        for (const [index, at] of granted.entries())
          expect((granted[index + 5] ?? Number.POSITIVE_INFINITY) - at).toBeGreaterThanOrEqual(1600)
      }),
    )
  })

  test('that slide open again when they said they would', () => {
    const all = limits()
    const sliding = (amount: number): Limit => ({ key: 'a', limit: 3, amount, windowMs: 1600, sliding: true })
    all.reserve('1', [sliding(2)], TTL, options)
    time = 800
    all.reserve('2', [sliding(1)], TTL, options)
    const answer = all.reserve('3', [sliding(1)], TTL, options)
    expect(answer).toEqual({ ok: false, key: 'a', retryAfterMs: 900 })
    expect(all.reserve('3', [sliding(3)], TTL, options)).toMatchObject({ ok: false, retryAfterMs: 1700 })
    expect(all.reserve('3', [sliding(4)], TTL, options)).toEqual({ ok: false, key: 'a' })
    time = 1700
    expect(all.reserve('3', [sliding(2)], TTL, options)).toEqual({ ok: true })
  })

  test('that slide give back to the time that was taken from', () => {
    const all = limits()
    const sliding: Limit = { key: 'a', limit: 2, amount: 2, windowMs: 1600, sliding: true }
    all.reserve('1', [sliding], TTL * 9, options)
    time = 1500
    all.settle('1', { a: 1 }, options)
    expect(all.reserve('2', [{ ...sliding, amount: 1 }], TTL, options)).toEqual({ ok: true })
    time = 1700
    expect(all.reserve('3', [{ ...sliding, amount: 1 }], TTL, options)).toEqual({ ok: true })
    expect(all.reserve('4', [{ ...sliding, amount: 1 }], TTL, options)).toMatchObject({ ok: false })
  })

  test('never hold more than the limit, whatever comes in whatever order', () => {
    const step = fc.record({
      kind: fc.constantFrom('reserve', 'settle', 'release'),
      id: fc.nat({ max: 6 }).map(String),
      amount: fc.nat({ max: 4 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const all = limits()
        const open = new Map<string, number>()
        let spent = 0
        let wrong = false
        const done = new Set<string>()
        for (const { kind, id, amount } of steps) {
          const reserved = open.get(id)
          if (kind === 'reserve') {
            const known = reserved !== undefined || done.has(id)
            const held = [...open.values()].reduce((sum, one) => sum + one, spent)
            const answer = all.reserve(id, [total('a', 10, amount)], TTL, options) as { ok: boolean }
            wrong ||= answer.ok !== (known || held + amount <= 10)
            if (answer.ok && !known) open.set(id, amount)
          } else if (reserved !== undefined) {
            open.delete(id)
            if (kind === 'release') all.release(id, options)
            else {
              all.settle(id, {}, options)
              spent += reserved
              done.add(id)
            }
          }
        }
        expect(wrong).toBe(false)
      }),
    )
  })
})

const key = (per: Quota['per'], change: Partial<QuotaScope> = {}): string | undefined =>
  quotaKeys({ calls: 3, per }, { ...SCOPE, ...change })[0]?.key

describe('the account of a quota', () => {
  test('is one for each of what it is counted by, in each tenant, for each tool', () => {
    for (const per of ['run', 'session', 'user', 'agent', 'tenant'] as const) {
      expect(key(per, { tool: 'other' })).not.toBe(key(per))
      expect(key(per, { tenant: 'u' })).not.toBe(key(per))
      expect(key(per, { tenant: undefined })).not.toBe(key(per))
    }
    for (const per of ['run', 'session', 'user', 'agent'] as const)
      expect(key(per, { [per]: 'x' })).not.toBe(key(per))
    expect(key('user', { run: 'x', session: 'x', agent: 'x' })).toBe(key('user'))
    expect(key('tool', { tenant: 'u', run: 'x', user: 'x' })).toBe(key('tool'))
  })

  test('cannot be made to fall together with another by the choice of a name', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.string(),
        fc.string(),
        (tenant, user, otherTenant, otherUser) => {
          fc.pre(tenant !== otherTenant || user !== otherUser)
          expect(key('user', { tenant, user })).not.toBe(
            key('user', { tenant: otherTenant, user: otherUser }),
          )
        },
      ),
    )
    expect(key('session', { session: undefined, run: 'x' })).not.toBe(key('session', { session: 'x' }))
  })

  test('carries the limit and the window of the contract', () => {
    expect(quotaKeys({ calls: 3, per: 'run', windowMs: 5 }, SCOPE)).toMatchObject([
      { limit: 3, amount: 1, windowMs: 5 },
    ])
  })

  test('fits any store, however long the names are that it is counted by', () => {
    const long = 'x'.repeat(100_000)
    const resource = { type: 'file', id: long }
    expect(key('resource', { resource })?.length).toBeLessThan(300)
    expect(key('resource', { resource })).not.toBe(
      key('resource', { resource: { type: 'file', id: `${long}y` } }),
    )
  })

  test('is one for each resource in each tenant', () => {
    const a = { resource: { type: 'file', id: 'a' } }
    expect(key('resource', a)).not.toBe(key('resource', { resource: { type: 'file', id: 'b' } }))
    expect(key('resource', a)).not.toBe(key('resource', { ...a, tenant: 'u' }))
    expect(key('resource', a)).toBe(key('resource', { ...a, run: 'x', user: 'x', session: 'x' }))
  })

  test('of the guard is shared by all tools, or by those that it lists', () => {
    const [all] = guardQuotaKeys([{ calls: 5, per: 'user' }], SCOPE, { input: {} })
    const [other] = guardQuotaKeys([{ calls: 9, per: 'user' }], { ...SCOPE, tool: 'pay' }, { input: {} })
    expect(other?.key).toBe(all?.key)
    const some = [{ calls: 5, per: 'user', tools: ['pay', 'refund'] }] as const
    expect(guardQuotaKeys(some, SCOPE, { input: {} })).toEqual([])
    const [pay] = guardQuotaKeys(some, { ...SCOPE, tool: 'pay' }, { input: {} })
    const [refund] = guardQuotaKeys(some, { ...SCOPE, tool: 'refund' }, { input: {} })
    expect(pay?.key).toBe(refund?.key)
    expect(pay?.key).not.toBe(all?.key)
  })
})

describe('the cost of a call', () => {
  const cost = (input: Json, each: number | string = 'amount'): number | undefined =>
    quotaKeys({ cost: 100, each, per: 'user' }, SCOPE, { input })[0]?.amount

  test('is what its argument says, in millionths, or what the contract says each costs', () => {
    expect(cost({ amount: 12.34 })).toBe(12_340_000)
    expect(cost({ amount: '12.34' })).toBe(12_340_000)
    expect(cost({}, 0.5)).toBe(500_000)
    expect(cost({ items: [{ amount: 1 }, { amount: 2 }] }, 'items.*.amount')).toBe(3_000_000)
  })

  test.each<[string, Json]>([
    ['left out', {}],
    ['negative', { amount: -5 }],
    ['a negative text', { amount: '-5' }],
    ['text that reads differently here and there', { amount: '1,000' }],
    ['in a currency', { amount: '5 EUR' }],
    ['in hexadecimal', { amount: '0x10' }],
    ['empty', { amount: '' }],
    ['hidden one level down', { amount: { value: 5 } }],
    ['a list of nothing', { amount: [] }],
    ['null', { amount: null }],
    ['beyond counting', { amount: 1e300 }],
  ])('that is %s is refused', (_, input) => {
    expect(() => cost(input)).toThrow(RangeError)
  })
})
