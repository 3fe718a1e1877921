import { judge, type Judged } from './judge.ts'
import type { Mutant } from './mutant.ts'
import { type MutationReport, reportOf } from './report.ts'
import { runTests } from './run-tests.ts'
import { copyTree, type Tree } from './tree.ts'

export interface RunOptions {
  /** The tests that are run where those of a mutant all pass. */
  readonly wider: readonly string[]
  /** Copies of the tree that are worked in side by side, each with one test worker. */
  readonly lanes: number
  readonly signal: AbortSignal
  readonly say: (text: string) => void
}

/**
 * Judge mutants in copies of the tree, and tell of each as it is done.
 *
 * @throws {Error} If the tests that they name do not pass as they are: what fails anyway has noticed nothing.
 */
export async function runMutants(
  root: string,
  mutants: readonly Mutant[],
  { wider, lanes, signal, say }: RunOptions,
): Promise<MutationReport> {
  const started = performance.now()
  await using made = new AsyncDisposableStack()
  const trees: Tree[] = []
  for (let i = 0; i < Math.min(lanes, mutants.length); i += 1) trees.push(made.use(await copyTree(root)))
  if (trees[0] !== undefined) await checkUntouched(trees[0], mutants, { lanes, signal, say })
  const due = [...mutants]
  const judged: Judged[] = []
  const work = async (tree: Tree): Promise<void> => {
    for (let mutant = due.shift(); mutant !== undefined; mutant = due.shift()) {
      const one = await judge(tree, mutant, { wider, now: () => performance.now(), signal })
      judged.push(one)
      const count = String(judged.length).padStart(String(mutants.length).length)
      say(
        `[${count}/${mutants.length}] ${one.verdict.padEnd(8)} ${one.name} (${(one.ms / 1000).toFixed(1)} s)`,
      )
    }
  }
  // A copy is not removed under a lane that still works in it.
  const lanesDone = await Promise.allSettled(trees.map(work))
  for (const lane of lanesDone) if (lane.status === 'rejected') throw lane.reason
  const order = new Map(mutants.map(({ name }, index) => [name, index]))
  judged.sort((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0))
  return reportOf(judged, performance.now() - started)
}

async function checkUntouched(
  { root }: Tree,
  mutants: readonly Mutant[],
  { lanes, signal, say }: Omit<RunOptions, 'wider'>,
): Promise<void> {
  const files = [...new Set(mutants.flatMap(({ tests }) => tests))]
  say(`running ${files.length} test files as they are`)
  const run = await runTests(root, files, { signal, workers: lanes })
  if (run.outcome === 'passed') return
  const what = run.outcome === 'failed' ? `${run.file}: ${run.test}` : run.why
  throw new Error(`the tests do not pass as they are: ${what}`)
}
