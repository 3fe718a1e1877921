import type { Argument } from './argument.ts'
import type { CompiledContract } from './compile.ts'
import { type JsonSchema, schemaHas, schemaLeaves } from './json-schema.ts'
import type { Finding } from './lint.ts'
import { nearestPath } from './nearest.ts'

/** What is wrong with the arguments of one contract and with the effect they have. */
export function lintArguments(compiled: CompiledContract, input: JsonSchema | undefined): readonly Finding[] {
  const declared = Object.entries(compiled.contract.args ?? {}).filter(
    (entry): entry is [string, Argument] => entry[1] !== undefined,
  )
  return [
    ...declared.flatMap(([path, argument]) => lintArgument(compiled, path, argument, input)),
    ...lintEffect(compiled),
    ...lintAudience(compiled, declared, input),
  ]
}

function lintArgument(
  compiled: CompiledContract,
  path: string,
  argument: Argument,
  input: JsonSchema | undefined,
): Finding[] {
  const found: Finding[] = []
  const report = (level: Finding['level'], given: unknown, expected: string): void => {
    found.push({ level, key: `contracts.${compiled.tool}.args.${path}`, given, expected })
  }
  if (input !== undefined && !schemaHas(input, path)) {
    const meant = nearestPath(input, path)
    report(
      'error',
      path,
      `a path of the tool's input${meant === undefined ? '' : ` (did you mean '${meant}'?)`}`,
    )
  }
  if (argument.role === 'content') {
    // As with fields: an argument that the tool gains tomorrow must not be content by accident.
    if (/(?:^|\.)\*\*$|^\*$/.test(path))
      report('error', 'content()', 'content arguments to be named one by one')
    return found
  }
  if (argument.minted && compiled.effect === 'irreversible')
    report(
      'error',
      'orMinted()',
      'no orMinted() on an irreversible tool, whose selectors must be quoted, bound or derived',
    )
  if (argument.minted && argument.kind === undefined)
    report(
      'warning',
      'orMinted()',
      'orMinted() only on id(kind), since a minted value is matched by its kind',
    )
  if (argument.type === 'choice' && argument.harmless.length === 0)
    report('error', 'choice([])', 'a choice of at least one value')
  if (argument.bareWords && argument.type !== 'text' && argument.type !== 'name')
    report('warning', 'orBareWords()', 'orBareWords() only on text() and name()')
  return found
}

function lintEffect({ tool, effect, risk, hasControl, contract }: CompiledContract): Finding[] {
  const found: Finding[] = []
  const asks = contract.cause === 'trusted' || risk === 'high' || risk === 'critical'
  if (effect === 'irreversible' && !hasControl && !asks)
    found.push({
      level: 'error',
      key: `contracts.${tool}`,
      given: 'an irreversible tool with no control leaf',
      expected:
        "cause: 'trusted' or risk: 'high', since no argument of this tool can show that the user meant the call",
    })
  if (contract.providerExecuted !== undefined && effect !== 'read')
    found.push({
      level: 'error',
      key: `contracts.${tool}.providerExecuted`,
      given: effect,
      expected: "effect: 'read', since a tool that the provider executes runs out of the guard's sight",
    })
  return found
}

function lintAudience(
  { tool, contract, egress, argumentAt }: CompiledContract,
  declared: readonly (readonly [string, Argument])[],
  input: JsonSchema | undefined,
): Finding[] {
  const carries =
    declared.some(([, argument]) => argument.role === 'content') ||
    (input !== undefined && schemaLeaves(input).some(({ place }) => argumentAt(place).role === 'content'))
  if (!egress || !carries || contract.operator !== undefined || contract.audience !== undefined) return []
  return [
    {
      level: 'error',
      key: `contracts.${tool}.audience`,
      given: undefined,
      expected: 'an audience or an operator, since this tool carries content out and nothing says to whom',
    },
  ]
}
