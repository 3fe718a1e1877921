import { type PathMap, type Place, pathMap } from '../json/path.ts'
import type { Json } from '../json/plain.ts'
import type { PrincipalId } from '../principal.ts'
import { type Argument, UNNAMED_ARGUMENT } from './argument.ts'
import type { Contract, Effect, RecordContract, Risk, ToolContract } from './contract.ts'
import { contractDigest } from './digest.ts'
import { type Field, UNNAMED_FIELD } from './field.ts'
import { type JsonSchema, schemaDefault, schemaLeaves } from './json-schema.ts'
import { parseContract } from './parse.ts'
import { ContractError } from '../errors.ts'

/** A contract that was checked, with the strict defaults filled in. Frozen: what was reviewed is what holds. */
export interface CompiledContract {
  readonly tool: string
  /** The contract in full: `'read'` expanded, `effect`, `egress`, `risk`, `action` and `flow` filled in. */
  readonly contract: ToolContract
  readonly effect: Effect
  readonly egress: boolean
  /** Default: `low` for a read, `medium` for a write or an irreversible effect. `high` must be said. */
  readonly risk: Risk
  /** `operator:NAME`, where the contract names one. */
  readonly operator: PrincipalId | undefined
  /** What the argument at a place is; control `text` where no path names it. */
  argumentAt(place: Place): Argument
  /** What the field of the result at a place is; free text of anyone where no path names it. */
  fieldAt(place: Place): Field
  /** The value that the tool's schema gives a place when it is left out: a constant of the developer's. */
  defaultAt(place: Place): Json | undefined
  readonly records: readonly RecordContract[]
  /** Whether a call can hold a control leaf that is not a mere choice. True where the schema is not known. */
  readonly hasControl: boolean
  /** A read that stays inside and insists on nothing: its arguments need no attestation. */
  readonly plainRead: boolean
  /** SHA-256 (hex) of what the contract says; the same for the same contract, whatever the order of its keys. */
  readonly digest: string
}

const DEFAULT_RISK: Readonly<Record<Effect, Risk>> = { read: 'low', write: 'medium', irreversible: 'medium' }

/**
 * Check one contract and fill in what it leaves out, the strict way.
 *
 * `schema` is the JSON schema of the tool's input, where it is known. Whether the contracts of a tool set are
 * safe together is for `checkContracts` to say.
 *
 * @throws {ContractError} Naming the key, what was given and what is expected.
 */
export function compileContract(tool: string, contract: Contract, schema?: JsonSchema): CompiledContract {
  if (tool === '') throw new ContractError('contracts', tool, 'a tool name that is not empty')
  const given = parseContract(tool, contract)
  const { effect } = given
  const egress = given.egress ?? false
  const risk = given.risk ?? DEFAULT_RISK[effect]
  const full = frozen<ToolContract>({
    ...given,
    effect,
    egress,
    risk,
    action: given.action ?? tool,
    flow: given.flow ?? 'ask',
  })
  const args = pathMap<Argument>(declared(full.args))
  const fields = pathMap<Field>(isField(full.result) ? { '': full.result } : declared(full.result))
  const inputLeaves = schema === undefined ? undefined : schemaLeaves(schema)
  const argumentAt = (place: Place): Argument => args.find(place) ?? UNNAMED_ARGUMENT
  return Object.freeze({
    tool,
    contract: full,
    effect,
    egress,
    risk,
    operator: full.operator === undefined ? undefined : (`operator:${full.operator}` as const),
    argumentAt,
    fieldAt: (place: Place): Field => fields.find(place) ?? UNNAMED_FIELD,
    defaultAt: (place: Place): Json | undefined =>
      schema === undefined ? undefined : (schemaDefault(schema, place) as Json | undefined),
    records:
      full.record === undefined
        ? []
        : Array.isArray(full.record)
          ? full.record
          : [full.record as RecordContract],
    hasControl:
      inputLeaves === undefined || inputLeaves.some((leaf) => decides(argumentAt(leaf.place), leaf.schema)),
    plainRead: effect === 'read' && !egress && full.attest !== 'always' && !insists(args),
    digest: contractDigest(tool, full),
  })
}

/** The JSON schemas of tools by name, as far as they are known. */
export type ToolSchemas = Readonly<
  Record<
    string,
    { readonly input?: JsonSchema | undefined; readonly output?: JsonSchema | undefined } | undefined
  >
>

/** The schemas of one tool; a name such as `constructor` finds nothing that is not there. */
export function schemasOf(schemas: ToolSchemas, tool: string): NonNullable<ToolSchemas[string]> {
  return (Object.hasOwn(schemas, tool) ? schemas[tool] : undefined) ?? {}
}

/** Whether a leaf of this argument can decide something: a control leaf that is more than a harmless choice. */
export function decides(argument: Argument, schema: JsonSchema): boolean {
  if (argument.role === 'content' || argument.type === 'choice') return false
  const values = 'const' in schema ? [schema.const] : schema.enum
  return values === undefined || values.some((value) => !argument.harmless.includes(value as never))
}

/** Whether the result is one field, as a scalar result is. */
export function isField(result: ToolContract['result']): result is Field {
  return typeof result?.field === 'string'
}

function declared<T>(of: { readonly [path: string]: T | undefined } | undefined): Record<string, T> {
  return Object.fromEntries(
    Object.entries(of ?? {}).filter((entry): entry is [string, T] => entry[1] !== undefined),
  )
}

function insists(args: PathMap<Argument>): boolean {
  return args.entries.some(([, argument]) => argument.role === 'control' && argument.always)
}

/** A frozen copy, so that nobody loosens a contract after it was checked. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return Object.freeze(value.map(frozen)) as T
  const copied = Object.entries(value).map(([key, part]) => [key, frozen(part as unknown)])
  return Object.freeze(Object.fromEntries(copied)) as T
}
