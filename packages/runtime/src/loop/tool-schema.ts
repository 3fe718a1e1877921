import { asSchema, type FlexibleSchema, type Schema } from 'ai'
import type { JSONSchema7 } from 'json-schema'
import { ContractError } from '../errors.ts'
import type { GuardedTool } from '../tool.ts'
import { answersAtOnce, revalidates } from './revalidates.ts'

const resolved = new WeakMap<object, Schema<unknown>>()

/**
 * The schema in the form that the AI SDK reads. One object for one schema: the SDK would work out the JSON schema
 * of a zod schema again for each request, and that takes longer than all else it does in a step.
 */
export function schemaOf(schema: FlexibleSchema<unknown>): Schema<unknown> {
  const known = resolved.get(schema)
  if (known !== undefined) return known
  const made = asSchema(schema)
  resolved.set(schema, made)
  return made
}

/** @throws {ContractError} For a schema that is not there yet. */
export function jsonSchemaOf(
  tool: string,
  key: 'inputSchema' | 'outputSchema',
  schema: FlexibleSchema<unknown>,
): JSONSchema7 {
  const json = schemaOf(schema).jsonSchema
  if ('then' in json)
    throw new ContractError(
      `tools.${tool}.${key}`,
      'a schema that is a promise',
      'a schema that is there when wrapping',
    )
  return json
}

/** A check of inputs against a schema; undefined where its output would not fit it again. */
export function validatorOf(schema: FlexibleSchema<unknown>): GuardedTool['validate'] {
  const { validate } = schemaOf(schema)
  if (validate === undefined || !revalidates(schema)) return undefined
  if (isZod(schema) && answersAtOnce(schema)) return (input) => schema.safeParse(input).success
  return async (input) => (await validate(input)).success
}

interface Zod {
  safeParse(input: unknown): { readonly success: boolean }
}

function isZod(schema: object): schema is Zod {
  return '_zod' in schema && 'safeParse' in schema && typeof schema.safeParse === 'function'
}
