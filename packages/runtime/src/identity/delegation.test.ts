import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { chainOf, parseDelegation } from './delegation.ts'

type Act = { sub: string; iss?: string; act?: Act }
const nested = (subs: readonly string[]): Act =>
  subs
    .toReversed()
    .reduce<Act | undefined>((act, sub) => (act === undefined ? { sub } : { sub, act }), undefined) as Act

test('the outermost actor acts, and the others are history', () => {
  const act = { sub: 'agent:b', iss: 'https://id.example', act: { sub: 'agent:a' } }
  const chain = parseDelegation(act, {
    actors: ['agent:a', { sub: 'agent:b', iss: 'https://id.example' }],
  })
  expect(chain).toEqual({
    actor: { sub: 'agent:b', iss: 'https://id.example' },
    history: [{ sub: 'agent:a' }],
  })
  expect(chainOf(chain)).toEqual(['https://id.example agent:b', 'agent:a'])
})

describe('a chain is refused', () => {
  const refused = { code: 'ERR_DELEGATION_INVALID' }
  test.each<[string, unknown]>([
    ['that is not there', undefined],
    ['that is null', null],
    ['that is a text', 'agent:a'],
    ['that is a list', [{ sub: 'agent:a' }]],
    ['of nobody', {}],
    ['of an empty name', { sub: ' ' }],
    ['of a number', { sub: 7 }],
    ['with an issuer that is no text', { sub: 'agent:a', iss: {} }],
    ['with a past that is null', { sub: 'agent:a', act: null }],
    ['with a past of a wrong shape', { sub: 'agent:a', act: 'agent:b' }],
    ['of somebody else', { sub: 'agent:x' }],
    ['with somebody else in its past', { sub: 'agent:a', act: { sub: 'agent:x' } }],
    ['of the same name at another issuer', { sub: 'agent:a', iss: 'https://evil.example' }],
  ])('%s', (_, act) => {
    expect(() => parseDelegation(act, { actors: ['agent:a', 'agent:b'] })).toThrow(
      expect.objectContaining(refused),
    )
  })

  test('that is longer than it may be', () => {
    const chain = (length: number): Act => nested(Array.from({ length }, () => 'agent:a'))
    expect(parseDelegation(chain(4), { actors: ['agent:a'] }).history).toHaveLength(3)
    expect(() => parseDelegation(chain(5), { actors: ['agent:a'] })).toThrow(expect.objectContaining(refused))
    expect(() => parseDelegation(chain(100_000), { actors: ['agent:a'] })).toThrow(
      expect.objectContaining(refused),
    )
  })

  test('that refers to itself', () => {
    const act: Act = { sub: 'agent:a' }
    act.act = act
    expect(() => parseDelegation(act, { actors: ['agent:a'] })).toThrow(expect.objectContaining(refused))
  })

  test('without a value of the claim in the message', () => {
    expect(() => parseDelegation({ sub: 'hunter2' }, { actors: [] })).toThrow(/^((?!hunter2).)*$/)
  })
})

const names = fc.constantFrom('agent:a', 'agent:b', 'agent:root')
const subs = fc.array(names, { minLength: 1, maxLength: 4 })
const acting = (chain: readonly string[], actors: readonly string[]): string | undefined => {
  try {
    return parseDelegation(nested(chain), { actors }).actor.sub
  } catch {
    return undefined
  }
}

test('a privileged actor in the past makes nobody act who may not, nor anybody else', () => {
  fc.assert(
    fc.property(subs, fc.subarray(['agent:a', 'agent:b', 'agent:root']), (chain, actors) => {
      const alone = acting(chain.slice(0, 1), actors)
      for (const past of ['agent:root', 'agent:a']) {
        const behind = acting([...chain.slice(0, 3), past], actors)
        // With a past, who acts is whom it would be without one, or nobody.
        expect([alone, undefined]).toContain(behind)
      }
      expect([chain[0], undefined]).toContain(acting(chain, actors))
      if (!actors.includes(chain[0] as string)) expect(acting(chain, actors)).toBeUndefined()
    }),
  )
})
