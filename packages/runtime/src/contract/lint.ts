import { ContractError } from '../errors.ts'
import { type CompiledContract, schemasOf, type ToolSchemas } from './compile.ts'
import { lintArguments } from './lint-arguments.ts'
import { lintFields } from './lint-fields.ts'
import { lintRecords } from './lint-records.ts'
import { lintWritableFields } from './lint-writable.ts'

/** What is wrong with a contract, seen together with the others. An error refuses to start. */
export interface Finding {
  readonly level: 'error' | 'warning'
  /** `contracts.sendEmail.args.to` */
  readonly key: string
  readonly given: unknown
  readonly expected: string
}

export interface LintMessage {
  readonly level: 'error' | 'warning'
  readonly key: string
  /** The key, what is expected there and what was given. */
  readonly message: string
}

/**
 * Everything that is unsafe or pointless in a contract map, seen as a whole; errors first.
 *
 * Sees more where schemas are known: that paths exist, and whether an irreversible tool has a control leaf.
 */
export function lintContracts(
  compiled: readonly CompiledContract[],
  schemas: ToolSchemas = {},
): readonly LintMessage[] {
  return findings(compiled, schemas).map(({ level, key, given, expected }) => ({
    level,
    key,
    message: new ContractError(key, given, expected).message,
  }))
}

/**
 * Refuse to start on a contract map that is unsafe, and return the warnings about one that is not.
 *
 * @throws {ContractError} For the first error that `lintContracts` finds.
 */
export function checkContracts(
  compiled: readonly CompiledContract[],
  schemas: ToolSchemas = {},
): readonly LintMessage[] {
  const worst = findings(compiled, schemas)[0]
  if (worst?.level === 'error') throw new ContractError(worst.key, worst.given, worst.expected)
  return lintContracts(compiled, schemas)
}

function findings(compiled: readonly CompiledContract[], schemas: ToolSchemas): readonly Finding[] {
  const found = [
    ...lintNames(compiled),
    ...compiled.flatMap((one) => {
      const { input, output } = schemasOf(schemas, one.tool)
      return [...lintArguments(one, input), ...lintFields(one, input, output), ...lintRecords(one)]
    }),
    ...lintWritableFields(compiled, schemas),
    ...lintSelectors(compiled),
  ]
  return found.toSorted((a, b) => Number(a.level === 'warning') - Number(b.level === 'warning'))
}

function lintNames(compiled: readonly CompiledContract[]): Finding[] {
  const seen = new Set<string>()
  return compiled.flatMap(({ tool }): Finding[] => {
    const twice = seen.has(tool)
    seen.add(tool)
    return twice
      ? [
          {
            level: 'error',
            key: `contracts.${tool}`,
            given: tool,
            expected: 'a tool name that no other tool has',
          },
        ]
      : []
  })
}

/** A selector whose kind no contract can look up: short ids and names for it can never be bound. */
function lintSelectors(compiled: readonly CompiledContract[]): Finding[] {
  const found = compiled.flatMap(({ records }) => records.filter(({ lookup }) => lookup !== undefined))
  const kinds = new Set(found.map(({ kind }) => kind))
  return compiled.flatMap(({ tool, contract, plainRead }) =>
    Object.entries(contract.args ?? {}).flatMap(([path, argument]): Finding[] =>
      argument?.role !== 'control' ||
      argument.type !== 'id' ||
      plainRead ||
      kinds.has(argument.kind as string)
        ? []
        : [
            {
              level: 'warning',
              key: `contracts.${tool}.args.${path}`,
              given: `id('${argument.kind}')`,
              expected: `some contract with record: { kind: '${argument.kind}', key, lookup }, so that what the user calls it can be bound to its id`,
            },
          ],
    ),
  )
}
