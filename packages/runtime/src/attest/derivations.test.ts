import { expect, test } from 'vitest'
import { type ControlArgument, id, money } from '../contract/argument.ts'
import { attest } from './attest.ts'
import { createDerivations, type Derivation } from './derivations.ts'
import { createEvidence } from './evidence.ts'
import { createTrustedIndex } from './trusted-index.ts'

const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-03-30T12:00:00Z') }

/** How a value stands that was derived so, and that nothing else attests. */
async function standing(
  derivation: Partial<Derivation>,
  argument: ControlArgument,
): Promise<string | undefined> {
  const derivations = createDerivations()
  const whole = { value: 42, standing: 'quoted', turn: 1, chunk: 0, picked: false, ...derivation } as const
  derivations.add(whole)
  const verdict = await attest(
    { place: ['x'], value: whole.value, isDefault: false, isKey: false },
    argument,
    {
      evidence: createEvidence(() => true),
      trusted: createTrustedIndex(WRITING),
      writing: WRITING,
      turn: 1,
      contracts: [],
      derivations,
      constants: [],
      lookup: async () => undefined,
    },
  )
  return verdict.by
}

test('a derived value counts only for an argument that accepts one', async () => {
  expect(await standing({}, money().orDerived())).toBe('derived')
  expect(await standing({}, money())).toBeUndefined()
})

test('what is derived from minted values is minted: it counts only where that is enough, and as no more', async () => {
  const minted = { value: 'file-78421', standing: 'minted', picked: true, kind: 'file' } as const
  expect(await standing({ standing: 'minted' }, money().orDerived())).toBeUndefined()
  expect(await standing(minted, id('file').orDerived())).toBeUndefined()
  expect(await standing(minted, id('file').orDerived().orMinted())).toBe('minted')
})

test('an identifier is picked whole from a record of its kind, never computed', async () => {
  const picked = { value: 'file-78421', standing: 'bound', picked: true, kind: 'file' } as const
  expect(await standing(picked, id('file').orDerived())).toBe('derived')
  expect(await standing({ ...picked, picked: false }, id('file').orDerived())).toBeUndefined()
  expect(await standing({ ...picked, kind: 'event' }, id('file').orDerived())).toBeUndefined()
})
