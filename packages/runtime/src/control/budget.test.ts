import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Budget, budgetLimits, budgetUse, checkBudgets, checkPrices, costOf, priceOf } from './budget.ts'
import { millionths, type QuotaScope } from './quota.ts'

const SCOPE: QuotaScope = {
  run: 'r',
  session: 's',
  user: 'user:a',
  agent: 'agent:a@1',
  tool: '',
  tenant: 't',
}
const PRICE = { input: 3, output: 15, cachedInput: 0.3 }

describe('the cost of a request', () => {
  test('is what its tokens cost, in whole millionths, never rounded down', () => {
    expect(costOf({ input: 1000, output: 100 }, PRICE)).toBe(4500)
    expect(costOf({ input: 1000, output: 100, cacheRead: 600 }, PRICE)).toBe(400 * 3 + 180 + 1500)
    expect(costOf({ input: 1, output: 0 }, { input: 0.1, output: 0 })).toBe(1)
  })
  test('is not known where tokens or the price are not', () => {
    expect(costOf({ input: undefined, output: 1 }, PRICE)).toBeUndefined()
    expect(costOf({ input: 1, output: 1 }, undefined)).toBeUndefined()
  })
  test('of decimals adds up exactly', () => {
    expect(Array.from({ length: 10 }, () => millionths(0.1)).reduce((a, b) => a + b)).toBe(millionths(1))
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (cents) => {
        expect(millionths(cents / 100)).toBe(cents * 10_000)
      }),
    )
  })
})

describe('a budget', () => {
  const all: Budget[] = [
    { tokens: 100, per: 'run' },
    { inputTokens: 80, per: 'user', windowMs: 1000, window: 'sliding' },
    { outputTokens: 50, per: 'tenant' },
    { cost: 0.01, per: 'session' },
  ]
  test('takes its own unit of what a request may use', () => {
    const limits = budgetLimits(all, SCOPE, { input: 10, output: 20 }, PRICE)
    expect(limits.map(({ limit, amount }) => [limit, amount])).toEqual([
      [100, 30],
      [80, 10],
      [50, 20],
      [10_000, 330],
    ])
    expect(limits[1]).toMatchObject({ windowMs: 1000, sliding: true })
    expect(limits.map(({ isOfRun }) => isOfRun)).toEqual([true, false, false, false])
    expect(new Set(limits.map(({ key }) => key)).size).toBe(4)
  })
  test('leaves what was used alone where the model does not say', () => {
    const limits = budgetLimits(all, SCOPE, { input: 10, output: 20 }, PRICE)
    expect(Object.values(budgetUse(limits, { input: 5, output: undefined }, PRICE))).toEqual([5])
    expect(Object.values(budgetUse(limits, { input: 5, output: 1 }, PRICE))).toEqual([6, 5, 1, 30])
  })
  test.each<[unknown, string]>([
    [[{ per: 'run' }], 'budgets.0: expected exactly one of'],
    [[{ tokens: 1, cost: 1, per: 'run' }], 'budgets.0: expected exactly one of'],
    [[{ tokens: -1, per: 'run' }], 'budgets.0.tokens: expected a number above 0'],
    [[{ tokens: Number.NaN, per: 'run' }], 'budgets.0.tokens: expected a number above 0'],
    [[{ tokens: 1, per: 'tool' }], 'budgets.0.per: expected'],
    [[{ tokens: 1, per: 'run', window: 'sliding' }], 'budgets.0.windowMs: expected a length'],
    [[{ tokens: 1, per: 'run', windowMS: 5 }], 'budgets.0.windowMS: expected no such key'],
    ['none', 'budgets: expected a list'],
  ])('that makes no sense is refused: %j', (given, message) => {
    expect(() => checkBudgets('budgets', given)).toThrow(message)
  })
})

describe('prices', () => {
  test('are found by model, the provider’s own first, and never on a prototype', () => {
    const prices = { m: PRICE, 'p/m': { input: 1, output: 1 } }
    expect(priceOf(prices, { provider: 'p', modelId: 'm' })).toEqual({ input: 1, output: 1 })
    expect(priceOf(prices, { provider: 'q', modelId: 'm' })).toBe(PRICE)
    expect(priceOf(prices, { provider: 'q', modelId: 'toString' })).toBeUndefined()
  })
  test.each([
    { input: -1, output: 1 },
    { input: 1 },
    { input: Number.NaN, output: 1 },
    { input: 1, output: 1, ouput: 2 },
  ])('that make no sense are refused: %o', (price) => {
    expect(() => checkPrices('prices', { m: price as never })).toThrow(/prices\.m\./)
  })
})
