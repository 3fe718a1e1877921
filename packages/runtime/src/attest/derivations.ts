import type { ControlArgument } from '../contract/argument.ts'
import type { JsonScalar } from '../json/plain.ts'
import { sameValue, type Writing } from './canonical.ts'
import { looseKey } from './evidence.ts'

/** A value that `derive` computed in this run, with the weakest standing of what it was computed from. */
export interface Derivation {
  readonly value: JsonScalar
  readonly standing: 'quoted' | 'bound' | 'minted'
  readonly turn: number
  readonly chunk: number
  /** It is a whole leaf that was picked, not computed: only such a one can be an identifier. */
  readonly picked: boolean
  /** Of a picked minted id: what it identifies. */
  readonly kind?: string | undefined
}

/** Values that `derive` computed from attested input in this run. */
export interface Derivations {
  readonly all: readonly Derivation[]
  add(derivation: Derivation): void
  /** The strongest derivation of this value. */
  find(argument: ControlArgument, value: JsonScalar, writing: Writing): Derivation | undefined
}

const STRENGTH = { quoted: 0, bound: 1, minted: 2 } as const

export function createDerivations(): Derivations {
  const all: Derivation[] = []
  const byKey = new Map<string, Derivation[]>()
  return {
    all,
    add(derivation) {
      all.push(derivation)
      const key = looseKey(derivation.value)
      byKey.set(key, [...(byKey.get(key) ?? []), derivation])
    },
    find(argument, value, writing) {
      const same = (byKey.get(looseKey(value)) ?? []).filter(({ value: derived, picked, kind }) => {
        if (argument.type === 'id')
          return picked && kind === argument.kind && String(derived) === String(value)
        return sameValue(argument.type, value, derived, writing)
      })
      return same.toSorted((a, b) => STRENGTH[a.standing] - STRENGTH[b.standing] || b.turn - a.turn)[0]
    },
  }
}
