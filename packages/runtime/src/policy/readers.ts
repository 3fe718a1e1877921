import type { Clause, Label } from '../label/label.ts'
import type { Awaitable } from './decision.ts'

/** Whom the content of a call reaches. */
export interface Audience {
  /** Undefined where nobody can tell. */
  readonly names: readonly string[] | undefined
  /** The contract computes them from the input; else it is the operator, which the developer chose. */
  readonly declared: boolean
  /** Every recipient is one that the user named, or that a record the user named stands for. */
  readonly named: boolean
}

export interface ReadersQuestion {
  readonly cause: Label
  readonly causeTrusted: boolean
  readonly audience: Audience
  /** Other names of a recipient: its groups, its principal. */
  readonly namesOf: (recipient: string) => Awaitable<readonly string[]>
}

/**
 * The recipients that may not see everything the model had seen: for people, never for the model.
 *
 * A recipient that the user named declassifies what only has default readers. Readers that a contract or a
 * source assigned admit whom they list, and need a declassify decision for anyone else.
 */
export async function notAdmitted(question: ReadersQuestion): Promise<readonly string[]> {
  const { audience, namesOf } = question
  const { names } = audience
  const out = new Set<string>()
  for (const clause of bindingReaders(question)) {
    if (names === undefined) {
      out.add('whoever this tool reaches')
      continue
    }
    for (const name of names)
      if (!isMember(name, clause) && !(await anyMember(namesOf(name), clause))) out.add(name)
  }
  return [...out]
}

/** The clauses that a call has to meet: of most calls none, and then nobody needs to be asked. */
export function bindingReaders({
  cause,
  causeTrusted,
  audience: { declared, named },
}: Omit<ReadersQuestion, 'namesOf'>): readonly Clause[] {
  const isFree = causeTrusted || !declared || named
  return cause.readers.filter(({ assigned }) => assigned || !isFree)
}

async function anyMember(names: Awaitable<readonly string[]>, clause: Clause): Promise<boolean> {
  return (await names).some((name) => isMember(name, clause))
}

function isMember(name: string, clause: Clause): boolean {
  return clause.members.includes(name)
}
