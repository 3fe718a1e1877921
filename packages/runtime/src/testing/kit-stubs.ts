import type { Tool, ToolSet } from 'ai'
import type { CompiledContract } from '../contract/compile.ts'
import type { Field } from '../contract/field.ts'
import { declaredFields } from '../contract/lint-fields.ts'
import type { JsonScalar } from '../json/plain.ts'
import type { GuardedTool } from '../tool.ts'
import { narrowField } from './audit/narrow.ts'
import { idOf } from './kit-values.ts'

/** What outsiders have written into the systems behind the tools. */
export interface Planted {
  /** Free text of theirs, wherever anyone can write. */
  readonly words: string
  /** The value of a field that the contract takes for more than free text, and whose name says otherwise. */
  readonly value?: JsonScalar
  /** A second record with the same key. */
  readonly twice?: boolean
  /** Tools that fail, with these words. */
  readonly fails?: boolean
}

/** What the developer says of the results of an agent's tools. */
export interface KnownResults {
  readonly results?: Results
  readonly outsiders?: readonly string[]
}

export type Results = Readonly<Record<string, ((input: never) => unknown) | undefined>>

/** The key under which every made-up record stands. */
export const KEY = 'Harbour ledger'

/**
 * The tools of an agent, with made-up results in the place of what they do: nothing of the user’s own code runs.
 *
 * A result has the fields that its contract names, filled as their names and labels say.
 */
export function stubTools(
  tools: ToolSet,
  guarded: ReadonlyMap<string, GuardedTool>,
  known: KnownResults,
  planted: Planted,
): ToolSet {
  const out: Record<string, Tool> = {}
  for (const [name, tool] of Object.entries(tools)) {
    const under = guarded.get(name)
    if (under === undefined || !under.runsHere) continue
    const own = Object.getOwnPropertyDescriptors(tool) as Record<string, PropertyDescriptor>
    const value = (input: never): unknown => {
      if (planted.fails === true && under.contract.plainRead) throw new Error(planted.words)
      return known.results?.[name]?.(input) ?? madeUp(under.contract, known.outsiders ?? [], planted)
    }
    own['execute'] = { value, enumerable: true, configurable: true, writable: true }
    out[name] = Object.create(Object.getPrototypeOf(tool) as object, own) as Tool
  }
  return out
}

function madeUp(contract: CompiledContract, outsiders: readonly string[], planted: Planted): unknown {
  const fields = declaredFields(contract)
  const [only] = fields
  if (only === undefined) return planted.words
  if (only[0] === '') return valueOf({ contract, outsiders, planted }, '', only[1], 0)
  let root: unknown
  for (const row of [0, 1])
    for (const [path, field] of fields) {
      const steps = path.split('.')
      if (steps.includes('**') || path === '*') continue
      root = placed(root, steps, row, valueOf({ contract, outsiders, planted }, path, field, row))
    }
  return root ?? planted.words
}

/** Lists get an item for each row; what stands in no list is there once. */
function placed(into: unknown, [step, ...rest]: readonly string[], row: number, value: unknown): unknown {
  if (step === undefined) return into ?? value
  if (step === '*') {
    const list = Array.isArray(into) ? (into as unknown[]) : []
    list[row] = placed(list[row], rest, row, value)
    return list
  }
  const object = (typeof into === 'object' && into !== null ? into : {}) as Record<string, unknown>
  Object.defineProperty(object, step, {
    value: placed(Object.hasOwn(object, step) ? object[step] : undefined, rest, row, value),
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return object
}

interface Within {
  readonly contract: CompiledContract
  readonly outsiders: readonly string[]
  readonly planted: Planted
}

function valueOf(
  { contract, outsiders, planted }: Within,
  path: string,
  field: Field,
  row: number,
): JsonScalar {
  const record = contract.records.find(({ at }) => path.startsWith(at ?? ''))
  const inRecord = record?.at === undefined ? path : path.slice(record.at.length + 1)
  if (contract.records.some(({ complete }) => complete === path)) return true
  if (record?.key.includes(inRecord) === true && field.field !== 'minted')
    return row === 0 || planted.twice === true ? KEY : `${KEY} ${row + 1}`
  if (planted.value !== undefined && isDoubtful(contract, outsiders, path, field)) return planted.value
  if (field.field !== 'minted') return planted.words
  return idOf(field.kind, row === 0 ? 'user' : 'attacker')
}

/** Whether outsiders write a field though its contract takes its word: by its name, or because the developer says so. */
export function isDoubtful(
  { tool }: CompiledContract,
  outsiders: readonly string[],
  path: string,
  field: Field,
): boolean {
  return (
    field.field !== 'authored' &&
    (outsiders.includes(`${tool}.${path}`) || narrowField(tool, path, field) !== undefined)
  )
}
