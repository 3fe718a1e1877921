import type { CompiledContract } from '../contract/compile.ts'
import type { Json } from '../json/plain.ts'
import { type Clause, readableBy } from '../label/label.ts'

/** What is needed to say who may read a result. */
export interface ResultToRead {
  /** Left out where there is no result, but an error in its place. */
  readonly value?: Json
  readonly contract: CompiledContract
  /** The clause of the user and the agent. */
  readonly defaultReaders: Clause
}

/**
 * Who may read a result, as its contract says: one clause a record, since the whole is only for whom every record
 * in it is for.
 *
 * Each object of a list is a record of its own, but for lists inside what the contract declares as a `record`. A
 * record that names nobody where it should is for the contract's `principals` alone.
 */
export function resultReaders({ contract, value, defaultReaders }: ResultToRead): readonly Clause[] {
  const { readers } = contract.contract
  if (readers === undefined) return [defaultReaders]
  if (readers === 'everyone') return []
  const groups = new Map<string, string[]>()
  const roots = new Set(
    contract.records.map(({ at = '' }) => namedSteps(at.split('.').filter((step) => step !== ''))),
  )
  for (const path of readers.at ?? []) {
    const visit = (
      here: Json | undefined,
      steps: readonly string[],
      taken: readonly string[],
      group: string,
      isInRecord: boolean,
    ): void => {
      const [step, ...rest] = steps
      if (Array.isArray(here)) {
        for (const [index, item] of (here as readonly Json[]).entries()) {
          const isRecord = typeof item === 'object' && !isInRecord
          const left = step === '*' ? rest : steps
          visit(item, left, taken, isRecord ? `${group}.${index}` : group, isInRecord)
        }
        return
      }
      const names = groups.get(group) ?? []
      groups.set(group, names)
      if (typeof here === 'object' && here !== null) {
        const object = here as Readonly<Record<string, Json>>
        const isInside = isInRecord || roots.has(namedSteps(taken))
        if (step === undefined) names.push(...Object.keys(object))
        else if (Object.hasOwn(object, step)) visit(object[step], rest, [...taken, step], group, isInside)
      } else if (step === undefined && typeof here === 'string') names.push(here)
    }
    visit(value, path.split('.'), [], '', false)
  }
  const always = readers.principals ?? []
  // Where every record named its own, the way to them is no record.
  const clauses = [...groups].filter(
    ([group, names]) => names.length > 0 || ![...groups.keys()].some((one) => one.startsWith(`${group}.`)),
  )
  return clauses.length === 0
    ? [readableBy(always)]
    : clauses.map(([, names]) => readableBy([...always, ...names]))
}

function namedSteps(steps: readonly string[]): string {
  return steps.filter((step) => step !== '*').join('\u0000')
}
