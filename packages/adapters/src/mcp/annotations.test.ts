import type { Contract, ToolContract } from '@gatewright/runtime/contract'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tightened } from './annotations.ts'
import type { ToolAnnotations } from './definition.ts'

const EFFECTS = ['read', 'write', 'irreversible'] as const
const RISKS = ['low', 'medium', 'high', 'critical'] as const

const hint = fc.option(fc.boolean(), { nil: undefined })
const annotations: fc.Arbitrary<ToolAnnotations> = fc
  .record({ readOnlyHint: hint, destructiveHint: hint, idempotentHint: hint, openWorldHint: hint })
  .map((all) => Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)))
const contract: fc.Arbitrary<Contract> = fc.oneof(
  fc.constant('read' as const),
  fc.record(
    {
      effect: fc.constantFrom(...EFFECTS),
      risk: fc.constantFrom(...RISKS),
      egress: fc.boolean(),
      flow: fc.constantFrom('ask' as const, 'deny' as const),
      cause: fc.constant('trusted' as const),
      attest: fc.constant('always' as const),
    },
    { requiredKeys: ['effect'] },
  ),
)
const own = (given: Contract): ToolContract => (given === 'read' ? { effect: 'read' } : given)
// What a contract leaves out about risk is filled in by its effect.
const riskOf = ({ risk, effect }: ToolContract): number =>
  RISKS.indexOf(risk ?? (effect === 'read' ? 'low' : 'medium'))

test('no hint of a server makes any part of a contract looser, and what is no hint stays as it is', () => {
  fc.assert(
    fc.property(contract, annotations, (given, hints) => {
      const before = own(given)
      const after = tightened(given, hints)
      expect(EFFECTS.indexOf(after.effect)).toBeGreaterThanOrEqual(EFFECTS.indexOf(before.effect))
      expect(riskOf(after)).toBeGreaterThanOrEqual(riskOf(before))
      expect(after.egress === true || before.egress !== true).toBe(true)
      const rest = (of: ToolContract): object => ({ ...of, effect: 0, risk: 0, egress: 0 })
      expect(rest(after)).toEqual(rest(before))
      expect(tightened(after, hints)).toEqual(after)
    }),
  )
})

test('a hint that a tool is harmless changes nothing', () => {
  const harmless = { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false }
  fc.assert(
    fc.property(contract, (given) => {
      expect(tightened(given, harmless)).toEqual(own(given))
    }),
  )
})

test.each<[ToolAnnotations, ToolContract]>([
  [{ destructiveHint: true }, { effect: 'irreversible' }],
  [{ destructiveHint: true, readOnlyHint: true }, { effect: 'irreversible' }],
  [{ readOnlyHint: false }, { effect: 'write' }],
  [{ openWorldHint: true }, { effect: 'read', egress: true }],
])('a read of which the server says %j is no longer one', (hints, expected) => {
  expect(tightened('read', hints)).toEqual(expected)
  expect(tightened({ effect: 'read', risk: 'low' }, hints).risk).toBe(
    hints.destructiveHint === true ? 'medium' : 'low',
  )
})
