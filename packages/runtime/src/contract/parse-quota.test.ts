import { describe, expect, test } from 'vitest'
import { parseContract } from './parse.ts'

const parse = (quota: unknown, more: object = {}): unknown =>
  parseContract('pay', { effect: 'write', quota, ...more })

describe('the quotas of a contract', () => {
  test.each<[unknown, object?]>([
    [{ calls: 1, per: 'run' }],
    [
      [
        { calls: 1, per: 'resource', windowMs: 5 },
        { bytes: 10, each: 5, per: 'user' },
      ],
    ],
    [{ cost: 0.5, each: 'items.*.amount', per: 'tenant', windowMs: 10, window: 'sliding' }],
    [{ cost: 5, each: 1, per: 'session' }],
    [{ wallMs: 100, per: 'agent' }, { deadlineMs: 10 }],
    [{ wallMs: 100, each: 10, per: 'tool' }],
  ])('may say %j', (quota, more) => {
    expect(parse(quota, more)).toMatchObject({ quota })
  })

  test.each<[unknown, string]>([
    [{ per: 'run' }, 'quota.calls: expected exactly one of calls, cost, bytes, wallMs'],
    [{ calls: 1, bytes: 5, per: 'run' }, 'expected exactly one of'],
    [{ bytes: 5, per: 'run' }, 'quota.each: expected what one call takes'],
    [{ wallMs: 5, per: 'run' }, 'quota.each: expected what one call takes'],
    [{ cost: 5, per: 'run' }, 'quota.each: expected what one call takes'],
    [{ bytes: 5, each: 'amount', per: 'run' }, 'quota.each: expected what one call takes'],
    [{ cost: 5, each: 'a..b', per: 'run' }, 'quota.each: expected what one call takes'],
    [{ calls: 5, each: 2, per: 'run' }, 'quota.each: expected nothing'],
    [{ calls: 5, per: 'run', window: 'sliding' }, 'quota.windowMs: expected a length'],
    [{ calls: 5, per: 'run', window: 'rolling' }, 'quota.window: expected'],
    [{ calls: 5, per: 'run', windowMs: 1.5 }, 'quota.windowMs: expected'],
    [{ cost: -5, each: 1, per: 'run' }, 'quota.cost: expected a positive number'],
    [{ cal: 5, per: 'run' }, 'expected no such key'],
    [[], 'contracts.pay.quota'],
    ['3/day', 'contracts.pay.quota: expected a quota, or a list of quotas'],
  ])('may not say %j', (quota, message) => {
    expect(() => parse(quota)).toThrow(message)
  })
})
