import type { CompiledContract } from '../contract/compile.ts'
import type { ControlArgument } from '../contract/argument.ts'
import type { RecordContract } from '../contract/contract.ts'
import { at, type Place } from '../json/path.ts'
import type { Json, JsonScalar } from '../json/plain.ts'
import { sameValue, type Writing } from './canonical.ts'
import type { Evidence, ExecutedCall, RecordHolding } from './evidence.ts'
import type { Quote, TrustedIndex } from './trusted-index.ts'

/** What binding needs of the run. */
export interface Binding {
  readonly evidence: Evidence
  readonly trusted: TrustedIndex
  readonly writing: Writing
  readonly turn: number
  /** Every contract of the run, to find the look-ups of a kind. */
  readonly contracts: Iterable<CompiledContract>
  /** Run a look-up as a read through the enforcement point; undefined where it was refused or failed. */
  lookup(tool: string, input: Json): Promise<ExecutedCall | undefined>
}

export interface Bound {
  readonly value: JsonScalar
  /** The oldest turn in which a part of the key was said. */
  readonly turn: number
  readonly chunk: number
}

/**
 * Rule 2: show that a value is a field of the one record that the user singled out.
 *
 * The user quoted the record's key; the look-up for that key has run (it is run here if not) and its result is
 * complete; exactly one record in it has that key, and that record holds the value in a field that the key
 * stands for. None, several or incomplete is no binding.
 */
export async function bind(
  value: JsonScalar,
  argument: ControlArgument,
  of: Binding,
): Promise<Bound | undefined> {
  const tried = new Set<string>()
  for (const holding of of.evidence.holding(value)) {
    if (argument.type === 'id' && !isIdOf(holding, argument.kind)) continue
    if (!same(argument, value, holding.value, of.writing)) continue
    const key = quotedKey(holding, of.trusted)
    if (key === undefined) continue
    const attempt = JSON.stringify([holding.contract.kind, holding.contract.key, key.values])
    if (tried.has(attempt)) continue
    tried.add(attempt)
    const found = await theOneRecord(holding.contract, key.values, of)
    const bound = found && holdsAt(found, value, argument, of)
    if (bound !== undefined) return { value: bound, turn: key.turn, chunk: found?.call.chunk.id ?? 0 }
  }
  return undefined
}

/** The key of a record, if the user said all of it. Record keys may be said in bare words. */
export function quotedKey(
  { call, contract, place }: Pick<RecordHolding, 'call' | 'contract' | 'place'>,
  trusted: TrustedIndex,
): { values: readonly string[]; turn: number } | undefined {
  const values: string[] = []
  let turn = Number.POSITIVE_INFINITY
  for (const path of contract.key) {
    const value = at(call.value, [...place, ...path.split('.')])
    if (typeof value !== 'string' && typeof value !== 'number') return undefined
    const quote = sayings(trusted, value)
    if (quote === undefined) return undefined
    values.push(String(value))
    turn = Math.min(turn, quote.turn)
  }
  return values.length === 0 ? undefined : { values, turn }
}

/** Every record of a result that has this key, by the contract of its kind. */
export function recordsWithKey(
  call: ExecutedCall,
  contract: RecordContract,
  key: readonly string[],
  evidence: Evidence,
): Place[] {
  return evidence.records(call, contract).filter((place) =>
    contract.key.every((path, index) => {
      const value = at(call.value, [...place, ...path.split('.')])
      return (
        (typeof value === 'string' || typeof value === 'number') &&
        fold(String(value)) === fold(key[index] ?? '')
      )
    }),
  )
}

/** Whether a result says that it left nothing out. */
export function isComplete(call: ExecutedCall, contract: RecordContract): boolean {
  return contract.complete === undefined || at(call.value, contract.complete.split('.')) === true
}

interface FoundRecord {
  readonly call: ExecutedCall
  readonly contract: RecordContract
  readonly place: Place
}

async function theOneRecord(
  keyed: RecordContract,
  key: readonly string[],
  of: Binding,
): Promise<FoundRecord | undefined> {
  for (const compiled of of.contracts) {
    for (const contract of compiled.records) {
      // A value that was said as one field must not find a record by another: a payee is no payer.
      if (contract.lookup === undefined || contract.kind !== keyed.kind || !sameKey(contract, keyed)) continue
      const input = contract.lookup(...key) as Json
      const call =
        of.evidence.calledWith(compiled.tool, input, of.turn) ?? (await of.lookup(compiled.tool, input))
      if (call === undefined || !isComplete(call, contract)) continue
      const places = recordsWithKey(call, contract, key, of.evidence)
      const [place] = places
      // Several look-ups for one kind must agree; the first that answers at all decides.
      if (place !== undefined) return places.length === 1 ? { call, contract, place } : undefined
    }
  }
  return undefined
}

function holdsAt(
  found: FoundRecord,
  value: JsonScalar,
  argument: ControlArgument,
  of: Binding,
): JsonScalar | undefined {
  const here = of.evidence
    .holding(value)
    .find(
      (holding) =>
        holding.call === found.call &&
        holding.contract === found.contract &&
        holding.place.join('\u0000') === found.place.join('\u0000') &&
        (argument.type !== 'id' || isIdOf(holding, argument.kind)) &&
        same(argument, value, holding.value, of.writing),
    )
  return here?.value
}

/** An id binds only as the id of its own kind: an event's 13 is not file 13. */
function isIdOf({ call, contract, place, field }: RecordHolding, kind: string | undefined): boolean {
  const of = call.contract.fieldAt([...place, ...field.split('.')])
  return of.field === 'minted' ? of.kind === kind : contract.kind === kind && contract.key.includes(field)
}

function same(argument: ControlArgument, said: JsonScalar, held: JsonScalar, writing: Writing): boolean {
  if (argument.type === 'id' || argument.type === 'choice') return String(said) === String(held)
  return sameValue(argument.type, said, held, writing)
}

/** Where the user said a value, as a record's key is said: quoted, or in bare words that are no ordinary ones. */
export function sayings(trusted: TrustedIndex, value: string | number): Quote | undefined {
  const text = String(value)
  return (
    trusted.quote('text', text, { recordKey: true }) ??
    trusted.quote('id', text) ??
    trusted.quote('email', text) ??
    trusted.quote('iban', text) ??
    trusted.quote('url', text) ??
    (/^\d{4}-\d\d-\d\d/.test(text) ? trusted.quote('date', text) : undefined)
  )
}

function sameKey(a: RecordContract, b: RecordContract): boolean {
  return a.key.length === b.key.length && a.key.every((path, i) => path === b.key[i])
}

function fold(text: string): string {
  return text.normalize('NFC').trim().replaceAll(/\s+/g, ' ').toLowerCase()
}
