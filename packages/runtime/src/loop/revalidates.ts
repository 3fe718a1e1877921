import type { FlexibleSchema } from 'ai'

/**
 * Whether the output of a schema fits the schema again, so that an input can be checked once more where it is
 * used. A schema that transforms (a date from text, a number from a string) does not.
 */
export function revalidates(schema: FlexibleSchema<unknown>): boolean {
  return !someDefinition(
    schema,
    new Set(),
    (def) => TRANSFORMING.has(String(def['type'])) || def['coerce'] === true,
  )
}

/**
 * Whether a schema is made of kinds alone that are known to answer at once. Asking one that waits would leave its
 * promise behind, to reject with nobody listening.
 */
export function answersAtOnce(schema: FlexibleSchema<unknown>): boolean {
  const isOther = ({ type, check }: Definition): boolean =>
    check === 'custom' || (type !== undefined && !AT_ONCE.has(String(type)))
  return '_zod' in schema && !someDefinition(schema, new Set(), isOther)
}

type Definition = Readonly<Record<string, unknown>>

const TRANSFORMING = new Set(['transform', 'pipe', 'codec', 'preprocess'])
const AT_ONCE = new Set(
  `string number int boolean bigint null undefined any unknown never literal enum object array tuple record union
  intersection optional nullable nonoptional default prefault readonly`.split(/\s+/),
)

/** Whether a zod schema, or one inside it, has such a definition. */
function someDefinition(schema: unknown, seen: Set<unknown>, is: (def: Definition) => boolean): boolean {
  if (typeof schema !== 'object' || schema === null || seen.has(schema)) return false
  seen.add(schema)
  const def = (schema as { _zod?: { def?: Definition } })._zod?.def
  if (def === undefined) return false
  if (is(def)) return true
  return Object.values(def).some((part) => {
    if (Array.isArray(part)) return part.some((one) => someDefinition(one, seen, is))
    if (typeof part !== 'object' || part === null) return false
    return someDefinition(part, seen, is) || Object.values(part).some((one) => someDefinition(one, seen, is))
  })
}
