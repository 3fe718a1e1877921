import type { Place } from '../json/path.ts'
import { type CompiledContract, isField } from './compile.ts'
import type { Field } from './field.ts'
import { type JsonSchema, schemaHas, schemasAt } from './json-schema.ts'
import type { Finding } from './lint.ts'
import { nearestPath } from './nearest.ts'

/** What is wrong with the labels that one contract gives to fields of the result. */
export function lintFields(
  compiled: CompiledContract,
  input: JsonSchema | undefined,
  output: JsonSchema | undefined,
): readonly Finding[] {
  const { tool, contract, operator } = compiled
  const found: Finding[] = []
  for (const [path, field] of declaredFields(compiled)) {
    const key = path === '' ? `contracts.${tool}.result` : `contracts.${tool}.result.${path}`
    const report = (level: Finding['level'], given: unknown, expected: string): void => {
      found.push({ level, key, given, expected })
    }
    if (output !== undefined && path !== '' && !schemaHas(output, path)) {
      const meant = nearestPath(output, path)
      report(
        'error',
        path,
        `a path of the tool's output${meant === undefined ? '' : ` (did you mean '${meant}'?)`}`,
      )
    }
    if (field.field !== 'authored') lintWildcard(path, field, output, report)
    if (field.field === 'minted') {
      if (operator === undefined)
        report(
          'warning',
          field,
          'an operator of the tool, since a minted field is written by whoever operates it',
        )
      for (const argument of field.standsFor ?? [])
        if (input !== undefined && !schemaHas(input, argument))
          report('error', argument, `standsFor to name paths of the tool's input`)
    } else if (field.party !== undefined && !isVouched(compiled, field.party))
      report(
        'error',
        field.party,
        'a party named by the path of a minted or attributed field of the same result',
      )
  }
  const readers = contract.readers
  if (typeof readers === 'object')
    for (const path of readers.at ?? [])
      if (!isVouched(compiled, path))
        found.push({
          level: 'error',
          key: `contracts.${tool}.readers.at`,
          given: path,
          expected: 'the path of a minted or attributed field, since whoever writes it decides who may read',
        })
  return found
}

/** The fields that a contract declares; a scalar result is the field at the root. */
export function declaredFields({
  contract: { result },
}: CompiledContract): (readonly [path: string, field: Field])[] {
  if (isField(result)) return [['', result]]
  return Object.entries(result ?? {}).filter((entry): entry is [string, Field] => entry[1] !== undefined)
}

/** Whether a path names a field that the contract calls minted or attributed. */
export function isVouched(compiled: CompiledContract, path: string): boolean {
  return !path.split('.').includes('**') && compiled.fieldAt(samplePlace(path)).field !== 'authored'
}

/** A place that a path covers, with position 0 for each `*`. */
function samplePlace(path: string): Place {
  return path === '' ? [] : path.split('.').map((step) => (step === '*' ? 0 : step))
}

/** A field that the service adds tomorrow must not be trusted because a wildcard happens to cover it. */
function lintWildcard(
  path: string,
  field: Field,
  output: JsonSchema | undefined,
  report: (level: Finding['level'], given: unknown, expected: string) => void,
): void {
  const steps = path.split('.')
  const last = steps.at(-1)
  if (path === '*' || last === '**') {
    report('error', field, `authored() at '${path}', or fields named one by one`)
    return
  }
  if (steps.includes('**'))
    report(
      'warning',
      field,
      "a path without '**', which also covers what outsiders may nest in free-form data",
    )
  if (last !== '*') return
  const above = output === undefined ? [] : schemasAt(output, steps.slice(0, -1).join('.'))
  const isList =
    above.length > 0 && above.every((one) => one.items !== undefined || one.prefixItems !== undefined)
  if (output !== undefined && !isList)
    report('error', field, `authored() at '${path}', or fields named one by one`)
  if (output === undefined)
    report(
      'warning',
      field,
      `'${steps.slice(0, -1).join('.')}' if it is a list, else fields named one by one`,
    )
}
