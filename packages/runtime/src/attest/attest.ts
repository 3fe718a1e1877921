import type { ControlArgument } from '../contract/argument.ts'
import type { InputLeaf } from '../contract/input-shape.ts'
import type { Place } from '../json/path.ts'
import type { Json, JsonScalar } from '../json/plain.ts'
import { bind, type Binding } from './bind.ts'
import { sameValue } from './canonical.ts'
import type { Derivations } from './derivations.ts'

/** By which rule a control leaf was shown to come from trusted input. */
export type AttestedBy = 'quoted' | 'bound' | 'minted' | 'derived' | 'choice' | 'constant'

/** One control leaf, and how it stands. */
export interface LeafVerdict {
  readonly place: Place
  readonly argument: ControlArgument
  /** Undefined where nothing attests it. */
  readonly by: AttestedBy | undefined
  /** What will run: the trusted spelling where there is one. */
  readonly value: Json | undefined
  /** The turn in which the user said it; -1 for what the developer stands for. */
  readonly turn: number | undefined
  /** The chunk it was found in. */
  readonly chunk: number | undefined
}

/** What attestation needs of the run. */
export interface Attesting extends Binding {
  readonly derivations: Derivations
  /** Values that the tool's contract lists. */
  readonly constants: readonly string[]
}

/**
 * Show that a control leaf comes from trusted input, by one of the rules: choice or constant, quoted, minted,
 * derived, bound. The answer comes at once unless a look-up has to run.
 *
 * Proves presence in trusted input; never searches for badness.
 */
export function attest(
  leaf: InputLeaf,
  argument: ControlArgument,
  of: Attesting,
): LeafVerdict | Promise<LeafVerdict> {
  const verdict = (
    by: AttestedBy | undefined,
    value: Json | undefined,
    turn?: number,
    chunk?: number,
  ): LeafVerdict => ({
    place: leaf.place,
    argument,
    by,
    value,
    turn,
    chunk,
  })
  const { value } = leaf
  if (leaf.isKey)
    return isListed(argument, value as JsonScalar) ? verdict('choice', value) : verdict(undefined, value)
  if (leaf.isDefault) return verdict('constant', value, -1)
  if (isEmpty(value))
    return argument.harmless.includes('empty') ? verdict('choice', value) : verdict(undefined, value)
  const said = value as string | number | boolean
  if (isListed(argument, said)) return verdict('choice', said)
  if (argument.type === 'choice') return verdict(undefined, said)

  const quote = of.trusted.quote(argument.type, said, { bareWords: argument.bareWords })
  if (quote !== undefined)
    return verdict(quote.turn < 0 ? 'constant' : 'quoted', quote.spelling, quote.turn, quote.chunk)
  const constant = constantSpelling(argument, said, of)
  if (constant !== undefined) return verdict('constant', constant, -1)
  if (argument.minted && argument.type === 'id') {
    const leafOfRun = of.evidence.minted(argument.kind, said)
    if (leafOfRun !== undefined) return verdict('minted', leafOfRun.value, leafOfRun.turn, leafOfRun.chunk)
  }
  if (argument.derived) {
    const derived = of.derivations.find(argument, said, of.writing)
    if (derived !== undefined && (derived.standing !== 'minted' || argument.minted)) {
      // Of the developer's constants and the clock alone: a constant too, which neither helps nor blocks.
      const by = derived.standing === 'minted' ? 'minted' : derived.turn < 0 ? 'constant' : 'derived'
      return verdict(by, said, derived.turn, derived.chunk)
    }
  }
  if (of.evidence.holding(said).length === 0) return verdict(undefined, said)
  return bind(said, argument, of).then((bound) =>
    bound === undefined ? verdict(undefined, said) : verdict('bound', bound.value, bound.turn, bound.chunk),
  )
}

/** Whether the contract lists this very value. The word that stands for nothing is a value only among choices. */
function isListed({ harmless, type }: ControlArgument, value: JsonScalar): boolean {
  return harmless.includes(value) && (value !== 'empty' || type === 'choice')
}

/** A leaf, and what the contract says of its place. */
export interface ControlLeaf {
  readonly leaf: InputLeaf
  readonly argument: ControlArgument
}

/** A verdict on each leaf, in turn: what one looks up is there for those after it. */
export function attestAll(
  due: readonly ControlLeaf[],
  of: Attesting,
): readonly LeafVerdict[] | Promise<readonly LeafVerdict[]> {
  const out: LeafVerdict[] = []
  for (const [index, { leaf, argument }] of due.entries()) {
    const verdict = attest(leaf, argument, of)
    if (verdict instanceof Promise) return attestRest(out, verdict, due.slice(index + 1), of)
    out.push(verdict)
  }
  return out
}

async function attestRest(
  before: readonly LeafVerdict[],
  first: Promise<LeafVerdict>,
  due: readonly ControlLeaf[],
  of: Attesting,
): Promise<readonly LeafVerdict[]> {
  const out = [...before, await first]
  for (const { leaf, argument } of due) out.push(await attest(leaf, argument, of))
  return out
}

/** Whether a leaf says nothing: which says everything to a tool that treats it as "all of them". */
export function isEmpty(value: InputLeaf['value']): boolean {
  return (
    value === undefined ||
    value === null ||
    value === '' ||
    (typeof value === 'object' && Object.keys(value).length === 0)
  )
}

function constantSpelling(
  argument: ControlArgument,
  said: JsonScalar,
  of: Attesting,
): JsonScalar | undefined {
  if (of.constants.length === 0) return undefined
  for (const constant of of.constants) {
    if (String(said) === constant) return said
    if (sameValue(argument.type, said, constant, of.writing)) return constant
  }
  return undefined
}
