import type { Judged } from './judge.ts'

export interface MutationReport {
  /** Every mutant was killed. */
  readonly ok: boolean
  readonly mutants: readonly Judged[]
  readonly killed: number
  readonly survived: number
  readonly errors: number
  readonly ms: number
}

export function reportOf(mutants: readonly Judged[], ms: number): MutationReport {
  const count = (verdict: Judged['verdict']): number =>
    mutants.filter((one) => one.verdict === verdict).length
  const killed = count('killed')
  return {
    ok: killed === mutants.length,
    mutants,
    killed,
    survived: count('SURVIVED'),
    errors: count('ERROR'),
    ms: Math.round(ms),
  }
}

/** The table that a person reads: each mutant, and what noticed it. */
export function reportText({ mutants, killed, survived, errors, ms }: MutationReport): string {
  const width = Math.max(...mutants.map(({ name }) => name.length))
  const lines = mutants.map((one) => `${one.name.padEnd(width)}  ${fateOf(one)}`)
  const counts = [`${killed} of ${mutants.length} killed`]
  if (survived > 0) counts.push(`${survived} SURVIVED`)
  if (errors > 0) counts.push(`${errors} could not be judged`)
  return `${lines.join('\n')}\n\n${counts.join(', ')}, in ${Math.round(ms / 1000)} s\n`
}

function fateOf(one: Judged): string {
  switch (one.verdict) {
    case 'killed':
      return `killed by ${one.by}`
    case 'SURVIVED':
      return `SURVIVED: no test fails without ${one.drops}`
    case 'ERROR':
      return `ERROR: ${one.why}`
    default:
      return one satisfies never
  }
}
