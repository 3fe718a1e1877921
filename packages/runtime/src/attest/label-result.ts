import { type CompiledContract, isField } from '../contract/compile.ts'
import { type Field, UNNAMED_FIELD } from '../contract/field.ts'
import { type Place, pathMap, placeText } from '../json/path.ts'
import type { Json, JsonScalar } from '../json/plain.ts'
import { ANYONE, type Clause, type Label, label } from '../label/label.ts'
import { join, joinAll } from '../label/join.ts'
import { partyPrincipal, type Principal } from '../principal.ts'
import { resultReaders } from './result-readers.ts'

/** One argument leaf of a call, with the label it had when the call was decided on. */
export interface ArgumentLabel {
  readonly place: Place
  readonly value: JsonScalar
  readonly label: Label
}

/** A result and what is needed to label it, now or again after the ledger was loaded. */
export interface ResultToLabel {
  readonly value: Json
  readonly contract: CompiledContract
  readonly args: readonly ArgumentLabel[]
  readonly principal: Principal
  /** The clause of the user and the agent. */
  readonly defaultReaders: Clause
  /** Labels that the tool's own code gave its result, where the contract lets it. They stand in for the fields. */
  readonly carried?: (place: Place) => Label | undefined
}

/** One leaf of a result. */
export interface ResultLeaf {
  /** Valid during the visit only; copy it to keep it. */
  readonly place: Place
  readonly value: Json
  readonly field: Field
  readonly label: Label
  /** The joined label of the arguments of its own call that it repeats or holds, if it does. */
  readonly echoes: Label | undefined
}

export interface LabelledResult {
  /** The join of every leaf. */
  readonly label: Label
  /** What did not fit the contract. The whole result is then authored by anyone. */
  readonly mismatch: string | undefined
}

/**
 * Label a result field by field, as its contract says, and visit each leaf.
 *
 * Costs the size of the result. A result that does not fit its contract's paths is authored by anyone as a
 * whole, and `mismatch` says why, without any value.
 */
export function labelResult(of: ResultToLabel, visit?: (leaf: ResultLeaf) => void): LabelledResult {
  const walk = walker(of)
  const first = walk(visit)
  if (first.mismatch === undefined) return first
  const unknown = label([ANYONE], resultReaders(of))
  return { label: of.args.reduce((all, arg) => join(all, arg.label), unknown), mismatch: first.mismatch }
}

function walker(of: ResultToLabel): (visit?: (leaf: ResultLeaf) => void) => LabelledResult {
  const { contract, value: root } = of
  const readers = resultReaders(of)
  const operator = label([contract.operator ?? ANYONE], readers)
  const unknown = label([ANYONE], readers)
  const declares = contract.contract.result !== undefined
  const scalar = isField(contract.contract.result)
  const handle = contract.effect === 'read' ? undefined : of.args
  const parties = new Map<string, Label>()
  const echo = echoes(of.args)
  const spelled = namedKeys(contract)
  return (visit) => {
    let all: Label | undefined
    let mismatch: string | undefined
    const place: (string | number)[] = []
    const joined = new Set<Label>()
    const add = (one: Label): void => {
      if (joined.has(one)) return
      joined.add(one)
      all = all === undefined ? one : join(all, one)
    }

    const leaf = (value: Json): void => {
      const field = contract.fieldAt(place)
      let own = of.carried !== undefined ? (of.carried(place) ?? unknown) : undefined
      own ??= field.field === 'minted' ? operator : partyLabel(field, value)
      if (of.carried === undefined && field.field === 'minted' && handle !== undefined)
        own = handleLabel(field.standsFor, own, handle)
      // What would add nothing to the label is looked for only if someone asks for it.
      const isMoot = visit === undefined && echo.addsNothingTo(own)
      const repeated = isMoot || typeof value === 'object' ? undefined : echo.in(value)
      const echoed = repeated === undefined ? own : join(own, repeated)
      add(echoed)
      visit?.({
        place,
        value,
        field: of.carried === undefined ? field : UNNAMED_FIELD,
        label: echoed,
        echoes: repeated,
      })
    }

    const partyLabel = (field: Exclude<Field, { field: 'minted' }>, value: Json): Label => {
      if (field.party === undefined) return unknown
      const named = value === null ? [] : partiesAt(root, field.party, place)
      if (named === undefined) {
        mismatch ??= `${placeText(place.map((step) => (typeof step === 'number' ? '*' : step)))}: no party at ${field.party}`
        return unknown
      }
      if (named.length === 0) return unknown
      const key = named.join('\u0000')
      const known = parties.get(key)
      if (known !== undefined) return known
      const made = label(
        named.map((name) => partyPrincipal(name, of.principal)),
        readers,
      )
      parties.set(key, made)
      return made
    }

    const descend = (value: Json): void => {
      if (Array.isArray(value)) {
        // "There are none" is the operator's word, as far as anyone declared what stands in the list.
        if (value.length === 0) add(emptyLabel())
        for (let i = 0; i < value.length; i += 1) {
          place.push(i)
          descend(value[i] as Json)
          place.pop()
        }
      } else if (typeof value === 'object' && value !== null) {
        const object = value as Readonly<Record<string, Json>>
        const keys = Object.keys(object)
        if (keys.length === 0) add(emptyLabel())
        for (const key of keys) {
          // A key that the contract does not spell is text like any other, whatever a wildcard says of its value.
          if (declares && of.carried === undefined && !spelled.has(key)) add(unknown)
          place.push(key)
          descend(object[key] as Json)
          place.pop()
        }
      } else leaf(value)
    }

    const emptyLabel = (): Label =>
      of.carried !== undefined ? (of.carried(place) ?? unknown) : declares ? operator : unknown

    if (scalar && typeof root === 'object' && root !== null) mismatch = 'the result: not a single value'
    if (declares && !scalar && typeof root !== 'object')
      mismatch = 'the result: a single value where fields are declared'
    descend(root)
    return { label: all ?? unknown, mismatch }
  }
}

function handleLabel(
  standsFor: readonly string[] | undefined,
  own: Label,
  args: readonly ArgumentLabel[],
): Label {
  if (standsFor === undefined) return args.reduce((all, arg) => join(all, arg.label), own)
  const stands = pathMap(
    Object.fromEntries(standsFor.flatMap((path) => [path, `${path}.**`]).map((path) => [path, true])),
  )
  return args
    .filter(({ place }) => stands.find(place) !== undefined)
    .reduce((all, arg) => join(all, arg.label), own)
}

/** Every key that a path of the contract spells out. */
function namedKeys(of: CompiledContract): ReadonlySet<string> {
  const known = named.get(of)
  if (known !== undefined) return known
  const { result } = of.contract
  const made = new Set(isField(result) ? [] : Object.keys(result ?? {}).flatMap((path) => path.split('.')))
  named.set(of, made)
  return made
}

const named = new WeakMap<CompiledContract, ReadonlySet<string>>()

interface Echo {
  /** The joined label of the arguments that a value repeats or holds. */
  in(value: JsonScalar): Label | undefined
  /** Whether no argument, were it repeated, would add to a label. */
  addsNothingTo(own: Label): boolean
}

/** A check of leaves against the arguments of the same call: no laundering by echo. */
function echoes(args: readonly ArgumentLabel[]): Echo {
  const all = joinAll(args.map(({ label: of }) => of))
  let folds: readonly { text: string; isText: boolean; label: Label }[] | undefined
  return {
    addsNothingTo: (own) => all === undefined || join(own, all) === own,
    in(value) {
      if (value === null || typeof value === 'boolean') return undefined
      folds ??= foldedArguments(args)
      if (folds.length === 0) return undefined
      const text = folded(value)
      let repeated: Label | undefined
      for (const arg of folds) {
        // A short number stands in many texts by chance; a text argument counts wherever it stands.
        const holds = text === arg.text || ((arg.isText || arg.text.length > 2) && text.includes(arg.text))
        if (holds) repeated = repeated === undefined ? arg.label : join(repeated, arg.label)
      }
      return repeated
    },
  }
}

function foldedArguments(
  args: readonly ArgumentLabel[],
): { readonly text: string; readonly isText: boolean; readonly label: Label }[] {
  return args
    .filter(({ value }) => value !== null && typeof value !== 'boolean' && value !== '')
    .map(({ value, label: of }) => ({ text: folded(value), isText: typeof value === 'string', label: of }))
    .filter(({ text }) => text !== '')
}

/** A tool that trims, or writes otherwise what it was given, repeats it still. */
function folded(value: JsonScalar): string {
  const text = String(value).normalize('NFKC').toLowerCase()
  // Most texts have nothing to replace, which is found out faster than nothing is replaced.
  return (UNEVEN_SPACE.test(text) ? text.replaceAll(/\s+/g, ' ') : text).trim()
}

const UNEVEN_SPACE = /[^\S ]|  /

/**
 * The parties that a path names for the leaf at `place`: of the record that the leaf stands in, or, where the two
 * are in different lists, all of them.
 */
function partiesAt(root: Json, path: string, place: Place): string[] | undefined {
  const names: string[] = []
  const visit = (here: Json | undefined, steps: readonly string[], depth: number | undefined): boolean => {
    const [step, ...rest] = steps
    // The leaf's own position counts only as long as the path has gone the leaf's own way.
    const own = depth === undefined ? undefined : place[depth]
    const next = (taken: string | number): number | undefined =>
      depth !== undefined && own === taken ? depth + 1 : undefined
    if (Array.isArray(here)) {
      const items = here as readonly Json[]
      const left = step === '*' ? rest : steps
      if (typeof own === 'number' && steps.length > 0) return visit(items[own], left, next(own))
      return items.every((item, index) => visit(item, left, next(index)))
    }
    if (step === undefined) {
      if ((typeof here !== 'string' && typeof here !== 'number') || here === '') return false
      names.push(String(here))
      return true
    }
    if (typeof here !== 'object' || here === null) return false
    const key = step === '*' && typeof own === 'string' ? own : step
    if (!Object.hasOwn(here, key)) return false
    return visit((here as Readonly<Record<string, Json>>)[key], rest, next(key))
  }
  return visit(root, path.split('.'), 0) ? names : undefined
}
