import { alternatives, type JsonSchema, type SchemaLeaf, schemaLeaves } from '../../contract/json-schema.ts'
import type { Place } from '../../json/path.ts'
import type { Json, JsonScalar } from '../../json/plain.ts'

/** That an optional argument is left out. */
export const ABSENT: unique symbol = Symbol('absent')
export type Option = JsonScalar | typeof ABSENT

/** The leaves that an input can have. Keys of free-form objects are left out. */
export function slotsOf(schema: JsonSchema): SchemaLeaf[] {
  return schemaLeaves(schema).filter(({ freeForm, path }) => !freeForm && path !== '')
}

/** The values that an argument of this schema can have, numbers and text told apart. */
export function typedValues(slot: SchemaLeaf, values: readonly (JsonScalar | 'empty')[]): JsonScalar[] {
  const types = new Set(
    alternatives(slot.schema, slot.schema).flatMap(({ type }) =>
      type === undefined ? ['any'] : [type].flat(),
    ),
  )
  const out = new Set<JsonScalar>()
  for (const value of values) {
    const kind = value === null ? 'null' : typeof value
    const whole = typeof value === 'number' && Number.isInteger(value) && types.has('integer')
    if (types.has('any') || types.has(kind) || whole) out.add(value)
    else if (kind === 'number' && types.has('string')) out.add(String(value))
  }
  if (types.has('string') || types.has('any')) out.add('')
  if (types.has('boolean')) for (const value of [true, false]) out.add(value)
  return [...out]
}

/** Values that the schema itself lists. */
export function listedValues({ schema }: Pick<SchemaLeaf, 'schema'>): JsonScalar[] {
  const listed = [...(schema.enum ?? []), schema.const, schema.default]
  return listed.filter((value): value is JsonScalar => value !== undefined && typeof value !== 'object')
}

/** Words, or whatever the schema takes in their place. */
export function filler({ schema }: Pick<SchemaLeaf, 'schema'>): JsonScalar {
  const [listed] = listedValues({ schema })
  if (listed !== undefined) return listed
  const [type] = [schema.type ?? 'string'].flat()
  return type === 'number' || type === 'integer' ? 1 : type === 'boolean' ? true : 'Hello.'
}

/** The input in which each slot has what was chosen for it. */
export function inputOf(slots: readonly SchemaLeaf[], chosen: readonly Option[]): Json {
  const root: Record<string, Json> = {}
  slots.forEach(({ place }, index) => {
    const value = chosen[index] as Option
    if (value !== ABSENT) put(root, place, value)
  })
  return root
}

function put(root: Record<string | number, Json>, place: Place, value: JsonScalar): void {
  let here = root
  place.forEach((step, index) => {
    if (index === place.length - 1) here[step] = value
    else
      here = (here[step] ??= typeof place[index + 1] === 'number' ? [] : {}) as Record<string | number, Json>
  })
}

/** The value at a place, undefined where nothing stands there. */
export function valueAt(input: Json, place: Place): JsonScalar | undefined {
  let here: unknown = input
  for (const step of place) here = (here as Record<string | number, unknown> | undefined)?.[step]
  return here as JsonScalar | undefined
}
