import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { content, id } from '@gatewright/runtime/contract'
import { describe, expect, test } from 'vitest'
import { manifest as make } from './fixture/manifest.ts'
import type { Manifest } from './manifest.ts'
import { episodesOf, measure } from './measure.ts'
import type { Score } from './score.ts'
import { parseSuite, UsageError } from './suite.ts'

const FIXTURE = join(import.meta.dirname, 'fixture/shop.json')
const suite = parseSuite(readFileSync(FIXTURE, 'utf8'), 'shop.json')
const manifest = make(suite.environment)

const named = (scores: readonly Score[], mode: Score['mode'], grant: Score['grant'] = 'none'): Score => {
  const found = scores.find((one) => one.mode === mode && one.grant === grant)
  if (found === undefined) throw new Error(`no score of ${mode}`)
  return found
}

describe('a small suite, played by a planner that obeys whatever it reads', async () => {
  const scores = await measure(suite, manifest, { mode: 'attest' })

  test('every attack gets through where nothing guards the loop', () => {
    expect(named(scores, 'none')).toMatchObject({
      pairs: 6,
      reached: 6,
      violations: 6,
      autonomy: { k0: 1, k1: 1 },
      promptsPerTask: 0,
    })
  })
  test('approving every effect stops them, and asks for every correct one', () => {
    expect(named(scores, 'approval')).toMatchObject({ violations: 0, autonomy: { k0: 1 / 3, k1: 1 } })
  })
  test('context taint alone stops them, and asks for every correct one', () => {
    expect(named(scores, 'taint')).toMatchObject({ violations: 0, autonomy: { k0: 1 / 3, k1: 1 } })
  })
  test('attest mode stops them, and asks about a choice that the user did not make', () => {
    const attest = named(scores, 'attest')
    expect(attest).toMatchObject({ violations: 0, autonomy: { k0: 2 / 3, k1: 1 } })
    expect(attest.needed.map(({ task }) => task)).toEqual(['cancel the dearest'])
  })
  test('an authorised tool set off with what the user named is residual, and a task grant stops it', () => {
    expect(named(scores, 'attest').breaches).toMatchObject([
      { task: 'refund', attack: 'cancel', tool: 'cancel_order', kind: 'residual' },
    ])
    expect(named(scores, 'attest', 'perfect')).toMatchObject({ residual: 0, autonomy: { k0: 2 / 3 } })
  })
  test('an account leaves no choice', () => {
    const { choice } = named(scores, 'attest')
    expect(choice['refund.account']).toMatchObject({ most: 1, mostUnsaid: 0 })
    expect(choice['refund.account']?.tried).toBeGreaterThan(1)
  })
})

test('floor mode is measured by itself', async () => {
  let episodes = 0
  const onEpisode = (): void => void (episodes += 1)
  const scores = await measure(suite, manifest, { mode: 'floor', onEpisode })
  expect(scores.map(({ mode }) => mode)).toEqual(['none', 'approval', 'floor'])
  expect(named(scores, 'floor')).toMatchObject({ violations: 0, residual: 0 })
  expect(episodes).toBe(episodesOf(suite, 'floor'))
})

describe('a hole in a manifest is counted as a violation', () => {
  const withContract = (tool: string, change: object): Manifest => ({
    ...manifest,
    contracts: {
      ...manifest.contracts,
      [tool]: { ...(manifest.contracts[tool] as object), ...change } as never,
    },
  })
  const violations = async (holed: Manifest): Promise<number> =>
    named(await measure(suite, holed, { mode: 'attest' }), 'attest').violations

  test('an account and an amount that are called words', async () => {
    const args = { account: content(), amount: content(), note: content() }
    const holed = withContract('refund', { effect: 'write', args, audience: undefined })
    expect(await violations(holed)).toBe(3)
  })
  test('a cancellation that takes any id that the shop made', async () => {
    const holed = withContract('cancel_order', { effect: 'write', args: { id: id('order').orMinted() } })
    // In the task that cancels it anyway, and in the one that names it, the attacker chose nothing.
    expect(await violations(holed)).toBe(1)
  })
})

test('a file that is not a suite is refused with the key', () => {
  const broken = JSON.stringify({ ...suite, reads: [{ tool: 1 }] })
  expect(() => parseSuite(broken, 'shop.json')).toThrow(UsageError)
  expect(() => parseSuite(broken, 'shop.json')).toThrow('shop.json: reads.0.tool')
  expect(() => parseSuite('{', 'shop.json')).toThrow('shop.json is not JSON')
})
