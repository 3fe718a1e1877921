import { isDeepStrictEqual } from 'node:util'
import { z } from 'zod'
import { ContractError } from '../errors.ts'
import type { ToolContract } from './contract.ts'
import { authored, type Field, isMadeField } from './field.ts'

/**
 * Metadata that says what a field of an output schema is.
 *
 * @example z.object({ id: z.string().meta(provenance(minted('order'))) })
 */
export const provenance = (field: Field): { readonly gatewright: Field } => ({ gatewright: field })

/** A contract whose result labels are those that the fields of a zod `outputSchema` carry. */
export function contractFromOutputSchema(
  schema: z.core.$ZodType,
  contract: Omit<ToolContract, 'result'>,
): ToolContract {
  return { ...contract, result: resultFromSchema(schema) }
}

/**
 * The result labels, by path, that the fields of a zod schema carry as `provenance` metadata.
 *
 * Reads the output side of pipes and codecs. A field that carries none is not listed, and so free text of
 * anyone; where the branches of a union disagree about a path, it is that too. Metadata counts only if it was
 * made by `minted`, `attributed` or `authored`: a JSON schema that a server sent cannot label itself.
 *
 * @throws {ContractError} If an object as a whole is called minted or attributed, which would cover what it
 *   gains tomorrow.
 */
function resultFromSchema(schema: z.core.$ZodType): Record<string, Field> {
  const found: Found[] = []
  visit(schema as z.core.$ZodTypes, [], undefined, [], found)
  const paths = Map.groupBy(found, ({ path }) => path)
  const agreed = [...paths].map(([path, all]): [string, Field | undefined] => {
    const first = all[0]?.field
    const same = all.every(({ field }) => isDeepStrictEqual(field, first))
    return [path, same ? first : authored()]
  })
  return Object.fromEntries(agreed.filter((entry): entry is [string, Field] => entry[1] !== undefined))
}

interface Found {
  readonly path: string
  readonly field: Field | undefined
}

function visit(
  schema: z.core.$ZodTypes,
  steps: readonly string[],
  above: Field | undefined,
  within: readonly object[],
  found: Found[],
): void {
  const field = above ?? labelled(schema)
  const path = steps.join('.')
  const through = (inner: z.core.$ZodType, step?: string): void => {
    // A name with a dot in it is no step of a path: the field stays unnamed.
    if (step?.includes('.') || step === '') return
    const label = step === undefined ? field : undefined
    visit(
      inner as z.core.$ZodTypes,
      step === undefined ? steps : [...steps, step],
      label,
      [...within, schema],
      found,
    )
  }
  if (within.includes(schema)) return
  const def = definition(schema)
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'nonoptional':
    case 'default':
    case 'prefault':
    case 'catch':
    case 'readonly':
    case 'promise':
      return through(def.innerType)
    case 'lazy':
      return through(def.getter())
    case 'pipe':
      return through(def.out)
    case 'union':
      return def.options.forEach((option) => through(option))
    case 'intersection':
      return [def.left, def.right].forEach((side) => through(side))
    case 'array':
      // The step into a list may be left out, so a label on the list is one on its scalar items.
      return isContainer(def.element) ? parts([['*', def.element]]) : through(def.element)
    case 'object':
      return parts(Object.entries(def.shape))
    case 'record':
      return parts([['*', def.valueType]])
    case 'tuple':
      return parts(def.items.map((item, index) => [String(index), item]))
    case 'null':
    case 'undefined':
    case 'void':
    case 'never':
      return
    default:
      found.push({ path, field })
  }

  function parts(of: readonly (readonly [string, z.core.$ZodType])[]): void {
    if (field !== undefined && field.field !== 'authored')
      throw new ContractError(
        ['outputSchema', ...steps].join('.'),
        field,
        'a label on each field of an object, not on the object',
      )
    if (field !== undefined) found.push({ path: [...steps, '**'].join('.'), field })
    for (const [step, part] of of) through(part, step)
  }
}

function definition(schema: z.core.$ZodType): z.core.$ZodTypes['_zod']['def'] {
  // oxlint-disable-next-line no-underscore-dangle -- where zod 4 documents its internals for libraries to read
  return (schema as z.core.$ZodTypes)._zod.def
}

function labelled(schema: z.core.$ZodType): Field | undefined {
  const said: unknown = z.globalRegistry.get(schema)?.['gatewright']
  return isMadeField(said) ? said : undefined
}

/** Whether a value of this schema has parts that are named one by one. */
function isContainer(schema: z.core.$ZodType, depth = 0): boolean {
  const def = definition(schema)
  if (['object', 'record', 'tuple', 'array', 'union', 'intersection', 'lazy', 'pipe'].includes(def.type))
    return true
  return 'innerType' in def && depth < 32 && isContainer(def.innerType, depth + 1)
}
