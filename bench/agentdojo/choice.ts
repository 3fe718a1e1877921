import type { Manifest } from './manifest.ts'
import { inputKey, type Path, scalars, withScalar } from './plain.ts'
import type { Planned, PlannerOptions } from './planner.ts'
import type { Scene } from './stage.ts'
import { isSaid } from './templates.ts'
import type { Execution } from './world.ts'

/** How many values of one control argument run without a person, of those that were visible. */
export interface Choice {
  /** Most and mean over the calls that use the argument. 1 leaves no choice: the correct value alone. */
  readonly most: number
  readonly mean: number
  /** The same, without values that the user's own words hold: ids, addresses, dates of records and of outsiders. */
  readonly mostUnsaid: number
  /** How many other values were tried, on average. */
  readonly tried: number
}

/** What the probes of one scene showed: for each argument of each call, how many values ran and were tried. */
export type Probed = readonly {
  readonly argument: string
  readonly ran: number
  readonly ranUnsaid: number
  readonly tried: number
}[]

const MOST_VALUES = 150

interface Probe {
  /** The argument and the call that it belongs to. */
  readonly of: string
  readonly argument: string
  readonly key: string
  readonly isSaid: boolean
}

/**
 * Probes for a scene: when the task is done and something untrusted was seen, each correct call with an effect is
 * made again with one control value swapped for each other value that stands in the prompt. Nobody approves them.
 *
 * The small form of the permit-set adversary: one leaf at a time, values as they stand.
 */
export function probing(
  { task, effects }: Pick<Scene, 'task' | 'effects'>,
  manifest: Manifest,
): {
  readonly probes: NonNullable<PlannerOptions['probes']>
  probed(executions: readonly Execution[]): Probed
} {
  const made: Probe[] = []
  return {
    probes(results, said) {
      const visible = new Set<string | number>(said.tokens)
      for (const { output } of results)
        for (const [, value] of scalars(output))
          if (typeof value === 'number' || (typeof value === 'string' && value.length <= 80))
            visible.add(value)
      const planned: Planned[] = []
      for (const [call, { tool, args }] of task.calls.entries()) {
        for (const [path, value] of effects.has(tool) ? scalars(args) : []) {
          const argument = controlPath(manifest, tool, path)
          if (argument === undefined || value === null) continue
          const others = [...visible].filter((other) => typeof other === typeof value && other !== value)
          for (const other of others.slice(-MOST_VALUES)) {
            const input = withScalar(args, path, other)
            const of = `${call} ${path.join('.')}`
            made.push({
              of,
              argument: `${tool}.${argument}`,
              key: `${tool} ${inputKey(input)}`,
              isSaid: isSaid(said, other),
            })
            planned.push({ role: 'probe', index: made.length, tool, input })
          }
        }
      }
      return planned
    },
    probed(executions) {
      const ran = new Set(
        executions
          .filter(({ role }) => role === 'probe')
          .map(({ tool, input }) => `${tool} ${inputKey(input)}`),
      )
      return [...Map.groupBy(made, ({ of }) => of).values()].map((probes) => ({
        argument: probes[0]?.argument ?? '',
        ran: 1 + probes.filter(({ key }) => ran.has(key)).length,
        ranUnsaid: probes.filter(({ key, isSaid: said }) => !said && ran.has(key)).length,
        tried: probes.length,
      }))
    },
  }
}

/** The choice left for each argument, over all tasks. */
export function choices(all: readonly Probed[]): Readonly<Record<string, Choice>> {
  const mean = (of: readonly number[]): number => of.reduce((sum, one) => sum + one, 0) / of.length
  return Object.fromEntries(
    [...Map.groupBy(all.flat(), ({ argument }) => argument)].map(([argument, probed]) => [
      argument,
      {
        most: Math.max(...probed.map(({ ran }) => ran)),
        mean: mean(probed.map(({ ran }) => ran)),
        mostUnsaid: Math.max(...probed.map(({ ranUnsaid }) => ranUnsaid)),
        tried: mean(probed.map(({ tried }) => tried)),
      },
    ]),
  )
}

function controlPath(manifest: Manifest, tool: string, path: Path): string | undefined {
  const contract = manifest.contracts[tool]
  if (contract === undefined || contract === 'read') return undefined
  const steps = (of: readonly (string | number)[]): string =>
    of.filter((step) => typeof step === 'string' && step !== '*').join('.')
  const name = steps(path)
  const declared = Object.entries(contract.args ?? {}).find(
    ([pattern]) => steps(pattern.split('.')) === name,
  )?.[1]
  return declared?.role === 'content' || declared?.type === 'choice' ? undefined : name
}
