import { canonicalJson, type Json } from '../json/plain.ts'
import { at, type PathMap, pathMap, pathSteps, type Place } from '../json/path.ts'
import { type CompiledContract, isField } from '../contract/compile.ts'
import type { RecordContract } from '../contract/contract.ts'
import type { Field } from '../contract/field.ts'
import { join } from '../label/join.ts'
import { type Label, label } from '../label/label.ts'
import { isComplete, quotedKey } from './bind.ts'
import type { DeriveScope, Equality, Footing, Operand } from './derive/scope.ts'
import type { Evidence, ExecutedCall } from './evidence.ts'
import { labelResult } from './label-result.ts'
import type { TrustedIndex } from './trusted-index.ts'

/** The tool that computes: what it returns is never an operand again, or a chain of calls could reach any number. */
export const DERIVE = 'derive'

/**
 * The results of a run as `derive` may read them: by tool, in the order of the calls.
 *
 * A field of a record is bound if the user quoted the record's key and this very call, made in this turn, is the
 * complete look-up for that key; how many records have the key does not matter, for they are a set. Everything is
 * worked out when first read: a result that no expression names costs nothing.
 */
export function operandsOf(
  evidence: Pick<Evidence, 'calls' | 'records'>,
  trusted: TrustedIndex,
  isTrusted: (of: Label) => boolean,
  turn: number,
): DeriveScope['results'] {
  const results = new Map<string, Operand[]>()
  for (const call of evidence.calls) {
    const { tool } = call.contract
    if (tool === DERIVE) continue
    const list = results.get(tool)
    const operand = operandOf(call, { evidence, trusted, isTrusted, turn })
    if (list === undefined) results.set(tool, [operand])
    else list.push(operand)
  }
  return Object.fromEntries(results)
}

interface Within {
  readonly evidence: Pick<Evidence, 'records'>
  readonly trusted: TrustedIndex
  readonly isTrusted: (of: Label) => boolean
  readonly turn: number
}

function operandOf(call: ExecutedCall, within: Within): Operand {
  let known: Standings | undefined
  const standings = (): Standings => (known ??= standingsOf(call, within))
  const weak = (): Footing => ({
    standing: 'unattested',
    label: carrying(call, call.chunk.label),
    turn: call.turn,
  })
  const leaf = (place: Place): Footing => {
    const { leaves, boundAt } = standings()
    const found = leaves.get(keyOf(place))
    if (found === undefined) return weak()
    const { field, label: own, sound } = found
    const bound = sound && field.field !== 'authored' ? boundAt(place, field) : undefined
    if (bound !== undefined) return { standing: 'bound', label: own, turn: bound }
    return {
      standing: sound && field.field === 'minted' ? 'minted' : 'unattested',
      label: own,
      turn: call.turn,
    }
  }
  const membership = (place: Place): Footing => {
    const { operator, isSound, complete } = standings()
    // Outsiders can add rows, so never better; and a list in free text has whatever rows its author likes.
    const isOperators = operator !== undefined && isSound && complete && isDeclaredList(call.contract, place)
    return { ...weak(), standing: isOperators ? 'minted' : 'unattested' }
  }
  return {
    value: call.value,
    leaf,
    membership,
    tested(place) {
      const { leaves, keyedAt } = standings()
      const found = leaves.get(keyOf(place))
      return keyedAt !== undefined && found?.sound === true && found.field.field !== 'authored'
        ? { standing: 'bound', label: found.label, turn: keyedAt }
        : leaf(place)
    },
    selected(place, equalities) {
      const { operator, selectedAt } = standings()
      const turn = selectedAt(place, equalities)
      // Who wrote the fields that selected is in the labels of those fields.
      return turn === undefined || operator === undefined
        ? membership(place)
        : { standing: 'bound', label: carrying(call, label([operator], call.chunk.label.readers)), turn }
    },
  }
}

interface LeafFacts {
  readonly field: Field
  readonly label: Label
  /** It says something of its operator's own: no echo of what an outsider said, no result that broke its contract. */
  readonly sound: boolean
}

/** How everything in one result stands. */
interface Standings {
  readonly leaves: ReadonlyMap<string, LeafFacts>
  /** The result fits its contract. */
  readonly isSound: boolean
  readonly complete: boolean
  readonly operator: string | undefined
  /** When the key was said for which this call is the look-up. */
  readonly keyedAt: number | undefined
  boundAt(place: Place, field: Field): number | undefined
  selectedAt(list: Place, equalities: readonly Equality[]): number | undefined
}

/** A record whose key the user quoted, in the look-up for that key. */
interface Singled {
  readonly contract: RecordContract
  readonly values: readonly string[]
  readonly turn: number
}

function standingsOf(call: ExecutedCall, within: Within): Standings {
  const { contract } = call
  const { isTrusted } = within
  const leaves = new Map<string, LeafFacts>()
  const operator =
    call.carried === undefined && contract.operator !== undefined && isTrusted(label([contract.operator]))
      ? contract.operator
      : undefined
  const singled = operator === undefined ? new Map<string, Singled[]>() : singledOut(call, within)
  const turns = [...singled.values()].flat().map(({ turn }) => turn)
  const keyedAt = turns.length === 0 ? undefined : Math.min(...turns)

  const tainted = new Set<string>()
  // The arguments of such a look-up are the user's words put in place by the developer: to repeat them is no echo.
  const { mismatch } = labelResult(
    keyedAt === undefined ? call : { ...call, args: [] },
    ({ place, field, label: own, echoes }) => {
      const untrustedEcho = echoes !== undefined && !isTrusted(echoes)
      if (untrustedEcho || (field.field === 'minted' && !isTrusted(own))) tainted.add(keyOf(place))
    },
  )
  labelResult(call, ({ place, field, label: own }) => {
    const key = keyOf(place)
    const sound = operator !== undefined && mismatch === undefined && !tainted.has(key)
    leaves.set(key, { field, label: carrying(call, mismatch === undefined ? own : call.chunk.label), sound })
  })

  return {
    leaves,
    isSound: mismatch === undefined,
    complete: contract.records.every((record) => isComplete(call, record)),
    operator,
    keyedAt,
    boundAt(place, field) {
      let latest: number | undefined
      for (let length = 0; length < place.length; length += 1) {
        for (const one of singled.get(keyOf(place.slice(0, length))) ?? [])
          if (standsFor(one.contract, place.slice(length), field))
            latest = Math.max(latest ?? one.turn, one.turn)
      }
      return latest
    },
    selectedAt(list, equalities) {
      const rows = at(call.value, list)
      if (!Array.isArray(rows)) return undefined
      for (let i = 0; i < rows.length; i += 1)
        for (const one of singled.get(keyOf([...list, i])) ?? []) if (isKey(one, equalities)) return one.turn
      return undefined
    },
  }
}

/** The records of a call that it is the complete look-up for, by the key that the user quoted. */
function singledOut(call: ExecutedCall, { evidence, trusted, turn }: Within): Map<string, Singled[]> {
  const out = new Map<string, Singled[]>()
  const { records, effect } = call.contract
  if (call.turn !== turn || effect !== 'read') return out
  const input = canonicalJson(call.input)
  for (const contract of records) {
    if (!isComplete(call, contract)) continue
    const lookups = records.filter((other) => looksUp(other, contract) && isComplete(call, other))
    for (const place of lookups.length === 0 ? [] : evidence.records(call, contract)) {
      const key = quotedKey({ call, contract, place }, trusted)
      if (key === undefined || !lookups.some((other) => inputFor(other, key.values) === input)) continue
      const at_ = keyOf(place)
      out.set(at_, [...(out.get(at_) ?? []), { contract, ...key }])
    }
  }
  return out
}

function looksUp(lookup: RecordContract, of: RecordContract): boolean {
  return (
    lookup.lookup !== undefined &&
    lookup.kind === of.kind &&
    lookup.key.join('\u0000') === of.key.join('\u0000')
  )
}

function inputFor({ lookup }: RecordContract, key: readonly string[]): string | undefined {
  try {
    return lookup && canonicalJson(lookup(...key) as Json)
  } catch {
    return undefined
  }
}

const vouchedPaths = new WeakMap<CompiledContract, PathMap<true>>()

/** Whether the contract says of the rows of this list, or of something in them, that its operator stands for it. */
function isDeclaredList(contract: CompiledContract, list: Place): boolean {
  let paths = vouchedPaths.get(contract)
  if (paths === undefined) {
    const { result = {} } = contract.contract
    const vouched = isField(result)
      ? []
      : Object.entries(result).filter(([, field]) => field?.field !== 'authored')
    const upTo = vouched.flatMap(([path]) => {
      const steps = pathSteps(path)
      return steps.map((_, length) => steps.slice(0, length + 1).join('.'))
    })
    paths = pathMap(
      Object.fromEntries([...upTo, ...(vouched.length > 0 ? [''] : [])].map((path) => [path, true] as const)),
    )
    vouchedPaths.set(contract, paths)
  }
  return paths.find([...list, 0]) === true
}

const patterns = new WeakMap<RecordContract, PathMap<true>>()

/** Whether a record's key stands for this field of it: those it binds, else the minted id of its kind, and the key itself. */
function standsFor(contract: RecordContract, field: Place, as: Field): boolean {
  let named = patterns.get(contract)
  if (named === undefined) {
    named = pathMap(
      Object.fromEntries([...(contract.binds ?? []), ...contract.key].map((path) => [path, true] as const)),
    )
    patterns.set(contract, named)
  }
  if (named.find(field) === true) return true
  return (
    contract.binds === undefined && field.length === 1 && as.field === 'minted' && as.kind === contract.kind
  )
}

function isKey({ contract, values }: Singled, equalities: readonly Equality[]): boolean {
  return contract.key.every((path, i) => {
    const steps = pathSteps(path)
    return equalities.some(
      ({ field, value }) =>
        field.length === steps.length &&
        steps.every((step, n) => step === String(field[n])) &&
        String(value) === values[i],
    )
  })
}

/** A label with that of what selected the result: it was read whether or not it still stands in the prompt. */
function carrying({ chunk }: ExecutedCall, own: Label): Label {
  return chunk.selectedBy === undefined ? own : join(own, chunk.selectedBy)
}

// Keys of a result come from outside, so the key of a place must not be ambiguous.
const keyOf = (place: Place): string => JSON.stringify(place)

/** How a literal of an expression stands: whether trusted text holds it, in any type that it may have. */
export function literalIn(trusted: TrustedIndex, said: Label, unsaid: Label): DeriveScope['literal'] {
  return (value) => {
    const quote =
      typeof value === 'number'
        ? (trusted.quote('number', value) ?? trusted.quote('money', value))
        : (trusted.quote('text', value, { recordKey: true }) ?? firstQuote(trusted, value))
    return quote === undefined
      ? { standing: 'unattested', label: unsaid, turn: -1 }
      : { standing: 'quoted', label: said, turn: quote.turn }
  }
}

const TEXT_TYPES = ['id', 'email', 'iban', 'phone', 'url', 'date', 'time', 'name', 'money', 'number'] as const

function firstQuote(trusted: TrustedIndex, value: string): ReturnType<TrustedIndex['quote']> {
  for (const type of TEXT_TYPES) {
    const quote = trusted.quote(type, value)
    if (quote !== undefined) return quote
  }
  return undefined
}
