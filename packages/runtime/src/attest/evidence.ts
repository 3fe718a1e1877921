import type { RecordContract } from '../contract/contract.ts'
import { at, type Place } from '../json/path.ts'
import { canonicalJson, type Json, type JsonScalar } from '../json/plain.ts'
import { type Label, label } from '../label/label.ts'
import type { Chunk } from '../ledger/chunk.ts'
import { type ArgumentLabel, labelResult, type ResultToLabel } from './label-result.ts'

/** One executed call whose result the run holds. */
export interface ExecutedCall extends ResultToLabel {
  readonly chunk: Chunk
  readonly input: Json
  readonly turn: number
  readonly args: readonly ArgumentLabel[]
}

/** A minted leaf of a trusted operator. */
export interface MintedLeaf {
  readonly value: JsonScalar
  readonly chunk: number
  readonly turn: number
  readonly label: Label
}

/** A record of a result that holds a certain value in a field that its key stands for. */
export interface RecordHolding {
  readonly call: ExecutedCall
  readonly contract: RecordContract
  /** Where the record stands in the result. */
  readonly place: Place
  /** The field that holds the value, from the record. */
  readonly field: string
  readonly value: JsonScalar
  readonly label: Label
}

/**
 * What the results of a run can attest: minted leaves, and records by the values they hold.
 *
 * Results are indexed when first asked for, each once: a run that never meets untrusted content pays nothing,
 * and a look-up costs the same after one call and after a thousand.
 */
export interface Evidence {
  readonly calls: readonly ExecutedCall[]
  add(call: ExecutedCall): void
  minted(kind: string | undefined, value: JsonScalar): MintedLeaf | undefined
  holding(value: JsonScalar): readonly RecordHolding[]
  /** The latest call of this tool with this very input in this turn. */
  calledWith(tool: string, input: Json, turn: number): ExecutedCall | undefined
  /** Every record of one result, by one of its contracts. */
  records(call: ExecutedCall, contract: RecordContract): readonly Place[]
}

/** By kind, then by value: 1 and "1" are two. */
type MintedLeaves = Map<string, Map<JsonScalar, MintedLeaf>>

export function createEvidence(isTrusted: (label: Label) => boolean): Evidence {
  const calls: ExecutedCall[] = []
  const byInput = new Map<string, ExecutedCall>()
  const minted: MintedLeaves = new Map()
  const holdings = new Map<string, RecordHolding[]>()
  let indexed = 0
  let keyed = 0

  const catchUp = (): void => {
    for (; indexed < calls.length; indexed += 1)
      indexCall(calls[indexed] as ExecutedCall, isTrusted, minted, holdings)
  }
  return {
    calls,
    add: (call) => void calls.push(call),
    minted(kind, value) {
      catchUp()
      return minted.get(kind ?? '')?.get(value)
    },
    holding(value) {
      catchUp()
      return holdings.get(looseKey(value)) ?? []
    },
    calledWith(tool, input, turn) {
      for (; keyed < calls.length; keyed += 1) {
        const call = calls[keyed] as ExecutedCall
        byInput.set(callKey(call.contract.tool, call.input, call.turn), call)
      }
      return byInput.get(callKey(tool, input, turn))
    },
    records: (call, contract) => recordPlaces(call.value, contract.at),
  }
}

/** A spelling under which a value of a record and the model's word for it meet. Equality is decided elsewhere. */
export function looseKey(value: JsonScalar): string {
  if (typeof value !== 'string') return String(value)
  const text = value.normalize('NFKC').trim().toLowerCase()
  const moment = /^(\d{4}-\d\d-\d\d)[t ](\d\d:\d\d)(?::00(?:\.0+)?)?$/.exec(text)
  if (moment) return `${moment[1]}t${moment[2]}`
  const bare = text.replaceAll(/[\s\u00a0-]+/g, '')
  const amount = /^(?:[a-z]{3}|\p{Sc})?(-?[\d.,]+)(?:[a-z]{3}|\p{Sc})?$/u.exec(bare)
  const number = Number(amount?.[1]?.replaceAll(',', '') ?? bare)
  return bare !== '' && Number.isFinite(number) ? String(number) : bare
}

function indexCall(
  call: ExecutedCall,
  isTrusted: (label: Label) => boolean,
  minted: MintedLeaves,
  holdings: Map<string, RecordHolding[]>,
): void {
  const { contract, chunk, turn } = call
  const fresh: { readonly kind: string; readonly leaf: MintedLeaf }[] = []
  // Only a trusted operator's word mints or binds anything.
  if (contract.operator === undefined || !isTrusted(label([contract.operator]))) return
  const usable = new Map<string, { value: JsonScalar; label: Label; kind: string | undefined }>()
  const { mismatch } = labelResult(call, ({ place, value, field, label: own, echoes }) => {
    if (typeof value === 'object' || field.field === 'authored') return
    const isMinted = field.field === 'minted'
    // A leaf that repeats an untrusted argument says nothing of its own.
    if (isMinted && !isTrusted(own)) return
    if (echoes !== undefined && !isTrusted(echoes)) return
    if (isMinted) fresh.push({ kind: field.kind ?? '', leaf: { value, chunk: chunk.id, turn, label: own } })
    if (contract.records.length > 0)
      usable.set(place.join('\u0000'), { value, label: own, kind: isMinted ? field.kind : undefined })
  })
  if (mismatch !== undefined) return
  for (const { kind, leaf } of fresh) {
    const ofKind = minted.get(kind) ?? new Map<JsonScalar, MintedLeaf>()
    minted.set(kind, ofKind)
    ofKind.set(leaf.value, leaf)
  }
  for (const record of contract.records) {
    for (const place of recordPlaces(call.value, record.at)) {
      for (const [field, where] of boundFields(record, call.value, place, usable)) {
        const leaf = usable.get(where)
        if (leaf === undefined) continue
        const key = looseKey(leaf.value)
        const list = holdings.get(key) ?? []
        list.push({ call, contract: record, place, field, value: leaf.value, label: leaf.label })
        holdings.set(key, list)
      }
    }
  }
}

/** The fields that a record's key stands for: those it lists, else the minted id of its kind alone. */
function* boundFields(
  record: RecordContract,
  root: Json,
  place: Place,
  usable: ReadonlyMap<string, { kind: string | undefined }>,
): Iterable<readonly [field: string, where: string]> {
  if (record.binds !== undefined) {
    for (const path of record.binds)
      for (const end of scalarPlaces(at(root, place), path)) yield [path, [...place, ...end].join('\u0000')]
    return
  }
  const value = at(root, place)
  if (typeof value !== 'object' || value === null) return
  for (const key of Object.keys(value)) {
    const where = [...place, key].join('\u0000')
    if (usable.get(where)?.kind === record.kind) yield [key, where]
  }
}

/** Places under a record that a path names, list steps implied. */
function scalarPlaces(value: Json | undefined, path: string): Place[] {
  const out: Place[] = []
  const visit = (here: Json | undefined, steps: readonly string[], place: Place): void => {
    if (Array.isArray(here)) {
      here.forEach((item: Json, index) =>
        visit(item, steps[0] === '*' ? steps.slice(1) : steps, [...place, index]),
      )
    } else if (steps.length === 0) {
      if (typeof here !== 'object' || here === null) out.push(place)
    } else if (typeof here === 'object' && here !== null && Object.hasOwn(here, steps[0] as string)) {
      visit((here as Readonly<Record<string, Json>>)[steps[0] as string], steps.slice(1), [
        ...place,
        steps[0] as string,
      ])
    }
  }
  visit(value, path === '' ? [] : path.split('.'), [])
  return out
}

/** Where the records stand: every object at the path, list steps implied. */
function recordPlaces(root: Json, path: string | undefined): Place[] {
  const out: Place[] = []
  const visit = (here: Json | undefined, steps: readonly string[], place: Place): void => {
    if (Array.isArray(here)) {
      here.forEach((item: Json, index) =>
        visit(item, steps[0] === '*' ? steps.slice(1) : steps, [...place, index]),
      )
    } else if (typeof here === 'object' && here !== null) {
      const [step, ...rest] = steps
      if (step === undefined) out.push(place)
      else if (Object.hasOwn(here, step))
        visit((here as Readonly<Record<string, Json>>)[step], rest, [...place, step])
    }
  }
  visit(root, path === undefined || path === '' ? [] : path.split('.'), [])
  return out
}

function callKey(tool: string, input: Json, turn: number): string {
  return `${turn}\u0000${tool}\u0000${canonicalJson(input)}`
}
