import { type CompiledContract, schemasOf, type ToolSchemas } from './compile.ts'
import { schemaLeaves } from './json-schema.ts'
import type { Finding } from './lint.ts'
import { declaredFields } from './lint-fields.ts'

interface Writer {
  readonly key: string
  readonly tool: string
  readonly operator: string | undefined
  /** The last name of the path; undefined where any name will do. */
  readonly name: string | undefined
}

/**
 * Minted fields that a content argument of some tool can write, and which are therefore not minted.
 *
 * What a tool writes where cannot be seen, so this goes by name: a field counts as written by every content
 * argument of a tool with an effect, of the same operator (or none named for either), whose path ends in the
 * same name, letter case and array positions apart; where only one of the two names its operator, that is a
 * warning. It finds a `notes` that `addNote` writes; it cannot find a
 * `reason` that comes back as `memo`. A tool's own result is left out: a handle has the name of what it stands
 * for, and an echo of an argument is joined with the argument's label anyway. Free-form content, which may have
 * any name, is a warning.
 */
export function lintWritableFields(
  compiled: readonly CompiledContract[],
  schemas: ToolSchemas,
): readonly Finding[] {
  const writers = compiled.filter(({ effect }) => effect !== 'read').flatMap((one) => writersOf(one, schemas))
  return compiled.flatMap((reader) =>
    declaredFields(reader).flatMap(([path, field]): Finding[] => {
      if (field.field !== 'minted') return []
      const operator = reader.contract.operator
      const name = lastName(path)
      const others = writers.filter((one) => one.tool !== reader.tool && (one.name ?? name) === name)
      const sure = others.find((one) => one.operator === operator && one.name !== undefined)
      const maybe = others.find(
        (one) => one.operator === operator || one.operator === undefined || operator === undefined,
      )
      const writer = sure ?? maybe
      if (writer === undefined) return []
      return [
        {
          level: sure === undefined ? 'warning' : 'error',
          key: `contracts.${reader.tool}.result${path === '' ? '' : `.${path}`}`,
          given: field,
          expected: `attributed() or authored(), since the content argument ${writer.key} can write it`,
        },
      ]
    }),
  )
}

function writersOf({ tool, contract, argumentAt }: CompiledContract, schemas: ToolSchemas): Writer[] {
  const { input } = schemasOf(schemas, tool)
  const declared = Object.entries(contract.args ?? {}).filter(([, argument]) => argument?.role === 'content')
  const leaves =
    input === undefined ? [] : schemaLeaves(input).filter(({ place }) => argumentAt(place).role === 'content')
  const paths = new Set([...declared.map(([path]) => path), ...leaves.map(({ path }) => path)])
  return [...paths].map((path) => ({
    key: `contracts.${tool}.args.${path}`,
    tool,
    operator: contract.operator,
    name: endsFreely(path, leaves) ? undefined : lastName(path),
  }))
}

function endsFreely(path: string, leaves: readonly { path: string; freeForm: boolean }[]): boolean {
  if (path.endsWith('**')) return true
  // `tags.*` is a list of words called `tags` unless the schema says that the caller chooses its keys.
  return (
    path.endsWith('*') &&
    (lastName(path) === undefined || leaves.some((leaf) => leaf.path === path && leaf.freeForm))
  )
}

function lastName(path: string): string | undefined {
  const names = path.split('.').filter((step) => step !== '' && !step.includes('*') && !/^\d+$/.test(step))
  return names.at(-1)?.toLowerCase()
}
