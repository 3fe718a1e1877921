import type { LeafVerdict } from './attest/attest.ts'
import { sayings } from './attest/bind.ts'
import type { ArgumentLabel } from './attest/label-result.ts'
import type { CompiledContract } from './contract/compile.ts'
import type { InputLeaf } from './contract/input-shape.ts'
import { type Leaf, placeText } from './json/path.ts'
import { type Label, label } from './label/label.ts'
import type { RunState } from './run-state.ts'

/** A plain read attests nothing, yet the word it looks for may be the user's own: repeating it launders nothing. */
function isUsersWord(run: RunState, value: Leaf['value'], causeTrusted: boolean): boolean {
  if (causeTrusted || (typeof value !== 'string' && typeof value !== 'number')) return false
  return sayings(run.trusted, value) !== undefined
}

/** The label of each argument leaf, free-form keys included, for the label of what the call returns. */
export function argumentLabels(
  run: RunState,
  contract: CompiledContract,
  input: readonly Leaf[],
  shape: readonly InputLeaf[],
  verdicts: readonly LeafVerdict[],
  cause: Label,
  causeTrusted: boolean,
): ArgumentLabel[] {
  const said = label([run.principal.subject], [run.defaultReaders])
  const attested = new Map<string, boolean>()
  // A key and its value stand at one place: both must be attested.
  if (!causeTrusted)
    for (const { by, place } of verdicts) {
      const text = placeText(place)
      attested.set(text, by !== undefined && attested.get(text) !== false)
    }
  const out: ArgumentLabel[] = []
  for (const { place, value } of input) {
    if (typeof value === 'object' && value !== null) continue
    const isSaid =
      attested.get(placeText(place)) === true || (contract.plainRead && isUsersWord(run, value, causeTrusted))
    out.push({ place, value: value as ArgumentLabel['value'], label: isSaid ? said : cause })
  }
  if (causeTrusted) return out
  for (const { place, value, isKey } of shape)
    if (isKey) out.push({ place, value: value as string, label: cause })
  return out
}
