import type { ControlArgument } from '../../contract/argument.ts'
import type { CompiledContract } from '../../contract/compile.ts'
import type { RecordContract } from '../../contract/contract.ts'
import type { Field } from '../../contract/field.ts'
import { type JsonSchema, schemasAt } from '../../contract/json-schema.ts'
import { declaredFields } from '../../contract/lint-fields.ts'
import type { Json, JsonScalar } from '../../json/plain.ts'

/**
 * One way in which a value can reach an argument once the model has seen anything untrusted, with the model wholly
 * under an attacker's control.
 */
export type Reach =
  /** Any value at all, chosen by whoever wrote what the model reads. */
  | { readonly by: 'anyone'; readonly why: 'plain-read' | 'content' }
  /** What the user said: as a whole token of its type, between quotation marks, or in bare words too. */
  | { readonly by: 'quoted'; readonly words: 'whole' | 'marked' | 'bare' }
  /** A field of the one record that the user singled out by its key. */
  | {
      readonly by: 'bound'
      readonly kind: string
      /** The tool whose results hold the record. */
      readonly tool: string
      readonly key: readonly string[]
      readonly fields: readonly BoundField[]
      /** Whether its operator is trusted: if not, nothing is bound. Undefined where the audit was not told. */
      readonly trusted: boolean | undefined
    }
  /** Any id of the kind that these tools returned in the run. */
  | { readonly by: 'minted'; readonly kind: string; readonly from: readonly MintedBy[] }
  /** What `derive` computes from values that arrive in these ways. */
  | { readonly by: 'derived'; readonly from: readonly ('quoted' | 'bound' | 'minted')[] }
  /** These values, whoever asks for them. `'empty'` is also leaving it out. */
  | { readonly by: 'harmless'; readonly values: readonly (JsonScalar | 'empty')[] }
  /** What the developer stands for: constants of the contract, the default of the schema. */
  | { readonly by: 'constant'; readonly values: readonly Json[] }

export interface BoundField {
  /** From the record. */
  readonly path: string
  readonly field: 'minted' | 'attributed'
  /** The path of the field that names the party who chose it; undefined for a minted field or an unnamed party. */
  readonly party: string | undefined
}

export interface MintedBy {
  readonly tool: string
  readonly path: string
  readonly trusted: boolean | undefined
}

/** What the ways into an argument depend on, besides the argument. */
export interface Surroundings {
  readonly compiled: readonly CompiledContract[]
  readonly output: (tool: string) => JsonSchema | undefined
  readonly trusts: (contract: CompiledContract) => boolean | undefined
}

/** Every way into a control argument that is not a plain read's. */
export function reachesOf(
  argument: ControlArgument,
  fallback: Json | undefined,
  constants: readonly string[],
  around: Surroundings,
): readonly Reach[] {
  const { type, harmless } = argument
  // A choice is one of its own values, or the schema's default; constants do not count for it.
  const values = [...(type === 'choice' ? [] : constants), ...(fallback === undefined ? [] : [fallback])]
  const fixed: Reach[] = [
    ...(harmless.length === 0 ? [] : [{ by: 'harmless', values: harmless } as const]),
    ...(values.length === 0 ? [] : [{ by: 'constant', values } as const]),
  ]
  if (type === 'choice') return fixed
  const bound = boundTo(argument, around)
  const minted = mintedFor(argument, around)
  const sources = [
    'quoted' as const,
    ...(bound.length === 0 ? [] : ['bound' as const]),
    ...(minted.length === 0 ? [] : ['minted' as const]),
  ]
  return [
    {
      by: 'quoted',
      words: type !== 'text' && type !== 'name' ? 'whole' : argument.bareWords ? 'bare' : 'marked',
    },
    ...bound,
    ...minted,
    ...(argument.derived ? [{ by: 'derived', from: sources } as const] : []),
    ...fixed,
  ]
}

function boundTo(argument: ControlArgument, around: Surroundings): Reach[] {
  return around.compiled.flatMap((holder) =>
    holder.records.flatMap((record): Reach[] => {
      const fields = boundFields(holder, record).filter(
        ({ path, field, kind }) =>
          isIdOf(argument, record, path, field, kind) &&
          canHold(argument, around.output(holder.tool), [record.at, path].filter(Boolean).join('.')),
      )
      if (fields.length === 0 || !canLookUp(record, around.compiled)) return []
      return [
        {
          by: 'bound',
          kind: record.kind,
          tool: holder.tool,
          key: record.key,
          fields: fields.map(({ path, field, party }) => ({ path, field, party })),
          trusted: around.trusts(holder),
        },
      ]
    }),
  )
}

function mintedFor(argument: ControlArgument, { compiled, trusts }: Surroundings): Reach[] {
  const { kind } = argument
  if (!argument.minted || argument.type !== 'id' || kind === undefined) return []
  const from = compiled.flatMap((one) =>
    declaredFields(one)
      .filter(([, field]) => field.field === 'minted' && field.kind === kind)
      .map(([path]) => ({ tool: one.tool, path, trusted: trusts(one) })),
  )
  return from.length === 0 ? [] : [{ by: 'minted', kind, from }]
}

/** A record whose key no tool can look up binds nothing; any tool with records of the kind will do. */
function canLookUp({ kind, key }: RecordContract, compiled: readonly CompiledContract[]): boolean {
  return compiled.some(({ records }) =>
    records.some((one) => one.kind === kind && one.lookup !== undefined && one.key.length === key.length),
  )
}

interface HeldField extends BoundField {
  readonly kind: string | undefined
}

/** The fields that a record's key stands for: those it lists, else its minted id. */
function boundFields(holder: CompiledContract, record: RecordContract): HeldField[] {
  const within = record.at === undefined || record.at === '' ? '' : `${record.at}.`
  const paths =
    record.binds ??
    declaredFields(holder)
      .filter(([, field]) => field.field === 'minted' && field.kind === record.kind)
      .filter(([path]) => path.startsWith(within) && !path.slice(within.length).includes('.'))
      .map(([path]) => path.slice(within.length))
  return paths.flatMap((path): HeldField[] => {
    const field = fieldAt(holder, `${within}${path}`)
    if (field.field === 'authored') return []
    return field.field === 'minted'
      ? [{ path, field: 'minted', party: undefined, kind: field.kind }]
      : [{ path, field: 'attributed', party: field.party, kind: undefined }]
  })
}

function fieldAt(holder: CompiledContract, path: string): Field {
  return holder.fieldAt(path.split('.').map((step) => (step === '*' ? 0 : step)))
}

/** An id binds only as an id of its kind; anything else by its value alone. */
function isIdOf(
  argument: ControlArgument,
  record: RecordContract,
  path: string,
  field: 'minted' | 'attributed',
  kind: string | undefined,
): boolean {
  if (argument.type !== 'id') return true
  return field === 'minted'
    ? kind === argument.kind
    : record.kind === argument.kind && record.key.includes(path)
}

const WORDS = new Set<ControlArgument['type']>(['email', 'url', 'iban', 'phone', 'date', 'time', 'name'])

/** Whether a field can hold a value of the argument's type, as far as the schema of the result tells. */
function canHold({ type }: ControlArgument, output: JsonSchema | undefined, path: string): boolean {
  if (output === undefined || type === 'id') return true
  const schemas = schemasAt(output, path)
  return schemas.length === 0 || schemas.some((schema) => fits(type, schema))
}

function fits(type: ControlArgument['type'], { type: json, format }: JsonSchema): boolean {
  const types = json === undefined ? [] : [json].flat()
  if (types.length > 0 && types.every((one) => one === 'boolean' || one === 'null')) return type === 'text'
  if (types.length > 0 && types.every((one) => one === 'number' || one === 'integer')) return !WORDS.has(type)
  if (type === 'email' || type === 'url' || type === 'date' || type === 'time') {
    if (format === 'email') return type === 'email'
    if (format === 'uri') return type === 'url'
    if (format === 'date' || format === 'date-time') return type === 'date' || type === 'time'
  }
  return true
}
