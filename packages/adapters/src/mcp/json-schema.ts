import { type OutputUnit, type Schema, type SchemaDraft, Validator } from '@cfworker/json-schema'
import { isObject, type JsonObject } from './definition.ts'

/** Whether a value fits a schema. */
export type Fits = (value: unknown) => boolean

const DRAFTS: readonly (readonly [RegExp, SchemaDraft])[] = [
  [/draft-04/, '4'],
  [/draft-0[67]/, '7'],
  [/2019-09/, '2019-09'],
  [/2020-12/, '2020-12'],
]

/**
 * A check of values against a schema that a server wrote; undefined for a schema that cannot be checked.
 *
 * The schema is interpreted, never compiled to code. A dialect or a reference that is not known cannot be checked,
 * and nothing is ever fetched. Of a schema that names no dialect, 2020-12 is meant (MCP 2025-11-25, JSON Schema).
 */
export function checkOf(schema: JsonObject): Fits | undefined {
  const { $schema } = schema
  const draft =
    $schema === undefined
      ? '2020-12'
      : typeof $schema === 'string'
        ? DRAFTS.find(([name]) => name.test($schema))?.[1]
        : undefined
  if (draft === undefined || hasForeignReference(schema)) return undefined
  try {
    const validator = new Validator(schema as Schema, draft, true)
    // A pattern or a reference that is wrong shows only when it is used.
    const fits = (value: unknown): boolean => {
      try {
        const result: { valid: boolean; errors: OutputUnit[] } = validator.validate(value)
        return result.valid
      } catch {
        return false
      }
    }
    validator.validate({})
    return fits
  } catch {
    return undefined
  }
}

/**
 * A schema without the defaults in it.
 *
 * To attestation a value that equals the default of its schema is the developer's choice. The schema of a server's
 * tool is the server's, so a default in it would let the server choose whom a mail goes to.
 */
export function withoutDefaults(schema: JsonObject): JsonObject {
  return stripped(schema) as JsonObject
}

// Where a schema holds schemas by names of somebody's choice, in which `default` is a name like any other.
const BY_NAME = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'dependencies',
])
// Where it holds data.
const DATA = new Set(['const', 'enum', 'examples', 'required', 'dependentRequired'])

function stripped(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(stripped)
  if (!isObject(schema)) return schema
  const kept = Object.entries(schema).filter(([key]) => key !== 'default')
  return Object.fromEntries(
    kept.map(([key, part]): [string, unknown] => {
      if (DATA.has(key)) return [key, part]
      if (BY_NAME.has(key) && isObject(part))
        return [key, Object.fromEntries(Object.entries(part).map(([name, one]) => [name, stripped(one)]))]
      return [key, stripped(part)]
    }),
  )
}

function hasForeignReference(schema: unknown): boolean {
  if (Array.isArray(schema)) return schema.some(hasForeignReference)
  if (!isObject(schema)) return false
  return Object.entries(schema).some(
    ([key, part]) =>
      ((key === '$ref' || key === '$dynamicRef' || key === '$recursiveRef') &&
        typeof part === 'string' &&
        !part.startsWith('#')) ||
      hasForeignReference(part),
  )
}
