import { describe, expect, test } from 'vitest'
import { GuardError } from '../errors.ts'
import { policy, policySource } from './policy.ts'
import { type Rule, ask, deny, obligate, permit, permitContracted } from './rules.ts'

const refused = (rules: unknown, version: unknown = '1'): string => {
  try {
    policy({ version: version as string, rules: rules as Rule[] })
  } catch (error) {
    if (GuardError.isInstance(error) && error.code === 'ERR_CONFIG_INVALID') return error.message
    throw error
  }
  throw new Error('It was accepted.')
}
const odd = (options: object): object => options

describe('a bad policy refuses to start and names the key', () => {
  test('a duplicate rule name', () => {
    expect(refused([permit('refunds'), ask('mail'), deny('refunds')])).toMatch(
      /policy\.rules\[2\]\.name.*'refunds'/,
    )
  })

  test('no version, no rules, no name, no such kind, an unknown key', () => {
    expect(refused([permitContracted], ' ')).toMatch(/policy\.version/)
    expect(refused([])).toMatch(/policy\.rules/)
    expect(refused([permit('')])).toMatch(/rules\[0\]\.name/)
    expect(refused([{ kind: 'allow', name: 'x', options: {} }])).toMatch(/rules\[0\]\.kind/)
    expect(refused([permitContracted, null])).toMatch(/rules\[1\]/)
    expect(refused([deny('x', odd({ tool: ['a'] }))])).toMatch(/rules\[0\] \(x\)\.tool:/)
    expect(refused([deny('x', odd({ [Symbol('s')]: 1 }))])).toMatch(/Symbol\(s\)/)
    expect(() => policy(odd({ version: '1', rules: [permitContracted], mode: 'x' }) as never)).toThrow(
      /policy\.mode/,
    )
  })

  test('a key that is there with no value: a missing setting does not make a rule speak about everything', () => {
    expect(refused([permit('x', odd({ tools: undefined }))])).toMatch(/\(x\)\.tools/)
    expect(refused([permit('x', odd({ when: undefined }))])).toMatch(/\(x\)\.when/)
  })

  test('a list with nothing in it, or with something that is no name', () => {
    expect(refused([permit('x', { tools: [] })])).toMatch(/\(x\)\.tools/)
    expect(refused([deny('x', odd({ tools: ['a', 1] }))])).toMatch(/\(x\)\.tools/)
    expect(refused([deny('x', odd({ when: true }))])).toMatch(/\(x\)\.when/)
    expect(refused([ask('x', { approvers: [] })])).toMatch(/\(x\)\.approvers/)
    expect(refused([deny('x', { reason: '' })])).toMatch(/\(x\)\.reason/)
  })

  test('conditions on labels that an outsider could turn into a permit', () => {
    expect(refused([permit('x', odd({ someAuthorOutside: 'trusted' }))])).toMatch(/someAuthorOutside/)
    expect(refused([deny('x', odd({ allAuthorsIn: 'trusted' }))])).toMatch(/allAuthorsIn/)
    expect(refused([permit('x', odd({ allAuthorsIn: ['developer', 'anyone'] }))])).toMatch(
      /allAuthorsIn.*anyone/,
    )
    expect(refused([deny('x', odd({ someAuthorOutside: ['anyone'] }))])).toMatch(/someAuthorOutside.*anyone/)
  })

  test('a basis with no tool by name, no bound, or a bound that is none', () => {
    expect(refused([permit('x', { basis: { amount: { atMost: 5 } } })])).toMatch(/\(x\)\.tools/)
    expect(refused([permit('x', { tools: ['a'], basis: {} })])).toMatch(/\(x\)\.basis/)
    expect(refused([permit('x', { tools: ['a'], basis: { amount: { atMost: -1 } } })])).toMatch(
      /basis\['amount'\]/,
    )
  })

  test('an obligation that nobody could meet', () => {
    expect(refused([obligate('x', { must: [] })])).toMatch(/must/)
    expect(refused([obligate('x', { must: [{ kind: 'replace', place: [], value: 1 }] })])).toMatch(
      /must\[0\]/,
    )
    expect(refused([obligate('x', odd({ must: [{ kind: 'notify' }] }) as never)])).toMatch(/must\[0\]/)
  })
})

test('what was changed in a rule after the policy was made changes nothing', () => {
  const tools = ['read']
  const source = policySource(policy({ version: '1', rules: [permit('x', { tools })] }))
  tools.push('wipe')
  expect(source.current().version).toBe('1')
})

test('something that is no policy does not replace the one in force', () => {
  const first = policy({ version: '1', rules: [permitContracted] })
  const source = policySource(first)
  expect(() => source.replace({ version: '2', rules: [permitContracted] })).toThrow(/policy\(\)/)
  expect(source.current()).toBe(first)
})
