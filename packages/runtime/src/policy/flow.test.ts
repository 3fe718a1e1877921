import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { compileContract } from '../contract/compile.ts'
import type { ToolContract } from '../contract/contract.ts'
import { type FlowFacts, flowReasons, type LeafStanding } from './flow.ts'

const contractOf = (contract: Partial<ToolContract> = {}): FlowFacts['contract'] =>
  compileContract('pay', { effect: 'irreversible', ...contract })

const facts = (change: Partial<FlowFacts> = {}): FlowFacts => ({
  mode: 'attest',
  contract: contractOf(),
  causeTrusted: false,
  leaves: [{ path: 'to', by: 'quoted', turn: 1 }],
  turn: 1,
  readersNotAdmitting: [],
  unattestedLinks: [],
  grant: undefined,
  boundedGrant: false,
  madeThisTurn: false,
  ...change,
})
const rules = (change: Partial<FlowFacts>): string[] => flowReasons(facts(change)).map(({ rule }) => rule)

const leaf: fc.Arbitrary<LeafStanding> = fc.record({
  path: fc.constantFrom('a', 'b'),
  by: fc.constantFrom('quoted', 'bound', 'minted', 'derived', 'choice', 'constant', 'approved', undefined),
  turn: fc.constantFrom(-1, 0, 1, undefined),
})
const anyFacts = fc
  .record({
    mode: fc.constantFrom('attest', 'floor'),
    causeTrusted: fc.boolean(),
    leaves: fc.array(leaf, { maxLength: 3 }),
    readersNotAdmitting: fc.array(fc.constant('bob'), { maxLength: 1 }),
    unattestedLinks: fc.array(fc.constant('body'), { maxLength: 1 }),
    boundedGrant: fc.boolean(),
    madeThisTurn: fc.boolean(),
    contract: fc
      .record({
        effect: fc.constantFrom('read', 'write', 'irreversible'),
        flow: fc.constantFrom('ask', 'deny'),
        cause: fc.option(fc.constant('trusted'), { nil: undefined }),
      })
      .map((contract) => contractOf(contract as Partial<ToolContract>)),
    grant: fc.option(fc.record({ allows: fc.boolean(), isBasis: fc.boolean() }), { nil: undefined }),
  })
  .map((change) => facts(change as Partial<FlowFacts>))

describe('what outsiders add', () => {
  test('never removes a reason: an untrusted cause, a leaf that nothing attests, a reader, a link', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        const before = flowReasons(given)
        const worse: FlowFacts[] = [
          { ...given, readersNotAdmitting: [...given.readersNotAdmitting, 'eve'] },
          { ...given, unattestedLinks: [...given.unattestedLinks, 'note'] },
          { ...given, leaves: [...given.leaves, { path: 'x', by: undefined, turn: undefined }] },
          { ...given, madeThisTurn: true },
          // In floor mode one reason stands for all of them.
          ...(given.mode === 'floor' ? [] : [{ ...given, causeTrusted: false }]),
        ]
        for (const facts_ of worse) expect(flowReasons(facts_).length).toBeGreaterThanOrEqual(before.length)
        if (given.mode === 'floor' && before.length > 0)
          expect(flowReasons({ ...given, causeTrusted: false }).length).toBeGreaterThan(0)
      }),
    )
  })

  test('permits no irreversible call without a basis', () => {
    fc.assert(
      fc.property(anyFacts, (given) => {
        if (given.causeTrusted || given.contract.effect !== 'irreversible' || given.mode === 'floor') return
        if (flowReasons(given).length > 0) return
        const said = given.leaves.filter(({ by }) => by !== 'choice' && by !== 'constant')
        const isSaid =
          said.length > 0 &&
          !given.madeThisTurn &&
          said.every(({ by, turn }) => by !== 'minted' && turn === given.turn)
        expect(given.contract.contract.cause).toBeUndefined()
        expect(isSaid || given.boundedGrant || given.grant?.isBasis === true).toBe(true)
      }),
    )
  })
})

describe('an irreversible call after an outsider’s words', () => {
  test.each<[string, Partial<FlowFacts>, string[]]>([
    ['whose every value was said in this turn is permitted', {}, []],
    ['said in an earlier turn is not', { leaves: [{ path: 'to', by: 'quoted', turn: 0 }] }, ['no-basis']],
    ['of minted values is not', { leaves: [{ path: 'to', by: 'minted', turn: 1 }] }, ['no-basis']],
    ['of choices alone is not', { leaves: [{ path: 'to', by: 'choice', turn: undefined }] }, ['no-basis']],
    ['of no values is not', { leaves: [] }, ['no-basis']],
    ['that was made is not', { madeThisTurn: true }, ['already-made-this-turn']],
    ['within a bounded grant is', { madeThisTurn: true, boundedGrant: true }, []],
    [
      'within a bounded grant is not where the contract wants a trusted cause',
      { boundedGrant: true, contract: contractOf({ cause: 'trusted' }) },
      ['no-basis'],
    ],
    ['outside the task grant is not', { grant: { allows: false, isBasis: false } }, ['outside-task-grant']],
  ])('%s', (_, change, expected) => {
    expect(rules(change)).toEqual(expected)
  })
})

describe('after an outsider’s words a call with an effect is asked about', () => {
  const write = contractOf({ effect: 'write' })
  test.each<[string, Partial<FlowFacts>, string[]]>([
    [
      'for each value that nothing attests, and each is named',
      {
        leaves: [
          { path: 'to', by: undefined, turn: undefined },
          { path: 'cc', by: 'quoted', turn: 1 },
        ],
      },
      ['unattested-argument to'],
    ],
    [
      'for whoever may not see what the model had seen',
      { readersNotAdmitting: ['eve', 'bob'] },
      ['reader-not-admitted', 'reader-not-admitted'],
    ],
    ['for content with a link that nobody said', { unattestedLinks: ['body'] }, ['unattested-link body']],
    ['always, in floor mode', { mode: 'floor' }, ['untrusted-cause']],
    ['and else not', {}, []],
  ])('%s', (_, change, expected) => {
    const reasons = flowReasons(facts({ contract: write, ...change }))
    expect(reasons.map(({ rule, path }) => [rule, path].filter(Boolean).join(' '))).toEqual(expected)
  })

  test('but not in floor mode where nothing from outside was seen', () => {
    expect(rules({ contract: write, mode: 'floor', causeTrusted: true })).toEqual([])
  })
})

test('a contract may turn what the flow rules do not allow into a no', () => {
  const outcomes = flowReasons(facts({ contract: contractOf({ flow: 'deny' }), leaves: [] })).map(
    ({ outcome }) => outcome,
  )
  expect(outcomes).toEqual(['deny'])
})

test('a plain read needs nothing but to be inside the task grant', () => {
  const read = compileContract('look', 'read')
  const bad: Partial<FlowFacts> = {
    contract: read,
    leaves: [{ path: 'q', by: undefined, turn: undefined }],
    mode: 'floor',
  }
  expect(rules(bad)).toEqual([])
  expect(rules({ ...bad, grant: { allows: false, isBasis: false } })).toEqual(['outside-task-grant'])
})
