import type { LeafVerdict } from './attest/attest.ts'
import type { CompiledContract } from './contract/compile.ts'
import { leaves, withLeaf } from './json/path.ts'
import { canonicalJson, type Json } from './json/plain.ts'
import type { Audience } from './policy/readers.ts'

/** Whom the contract says a call reaches. May throw what the contract's function throws. */
export function reachedBy(contract: CompiledContract, input: Json): Pick<Audience, 'names' | 'declared'> {
  const { audience } = contract.contract
  if (audience === undefined)
    return { names: contract.operator === undefined ? undefined : [contract.operator], declared: false }
  // A function that knows of nobody must not pass for one that was never declared.
  const reached = audience(input as Readonly<Record<string, Json>>) as string | readonly string[] | undefined
  return { names: typeof reached === 'string' ? [reached] : reached, declared: true }
}

/**
 * Whether every recipient is one that the user named: a control leaf that is attested as theirs; one that is no
 * leaf was computed from all of these, and from nothing that only carries words.
 */
export function audienceOf(
  contract: CompiledContract,
  input: Json,
  reached: Pick<Audience, 'names' | 'declared'>,
  verdicts: readonly LeafVerdict[],
): Audience {
  const { names, declared } = reached
  const usersOwn = ({ by }: LeafVerdict): boolean => by !== undefined && by !== 'minted'
  const isNamed = (name: string): boolean => {
    const leaf = verdicts.find(({ value }) => value === name)
    if (leaf !== undefined) return usersOwn(leaf)
    return verdicts.every(usersOwn) && !leansOnContent(contract, input, names)
  }
  return { names, declared, named: names !== undefined && names.every(isNamed) }
}

/** Whether other words in the content would reach others. */
function leansOnContent(contract: CompiledContract, input: Json, names: Audience['names']): boolean {
  const bare = leaves(input)
    .filter(({ place, value }) => typeof value === 'string' && contract.argumentAt(place).role === 'content')
    .reduce((rest, { place }) => withLeaf(rest, place, ''), input)
  if (bare === input) return false
  try {
    const without = reachedBy(contract, bare).names
    return without === undefined || names === undefined || canonicalJson(without) !== canonicalJson(names)
  } catch {
    return true
  }
}
