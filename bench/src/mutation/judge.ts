import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { applyMutant, type Mutant } from './mutant.ts'
import { runTests, type TestRun } from './run-tests.ts'
import type { Tree } from './tree.ts'

/** What became of one mutant. Only `killed` is good. */
export type Verdict =
  | { readonly verdict: 'killed'; readonly by: string; readonly test: string }
  | { readonly verdict: 'SURVIVED' }
  /** It could not be judged: its text or a test of its list is gone, or tests broke rather than failed. */
  | { readonly verdict: 'ERROR'; readonly why: string }

export type Judged = Verdict & { readonly name: string; readonly drops: string; readonly ms: number }

/**
 * Every test that guards the runtime, for a mutant that its own tests have not noticed. Without what times things,
 * talks to servers or starts processes: on a busy machine these fail by themselves.
 */
export const EVERY_TEST = [
  'packages/runtime/src',
  'test/scenarios',
  'test/attacks',
  'test/theorem',
  '--exclude=**/egress/{links,inert,destinations,secrets}.test.ts',
  '--exclude=**/attest/{own-words,trusted-index.property}.test.ts',
  '--exclude=**/store/**',
]

/** A mutant that makes a test go on for ever is none that a test has noticed. */
const LONGEST_OWN_MS = 2 * 60_000

export interface JudgeOptions {
  /** The tests that are run where those of the mutant all pass; with none, these decide. */
  readonly wider: readonly string[]
  readonly now: () => number
  readonly signal: AbortSignal
}

/** Disable one check in a tree, and see whether a test fails. */
export async function judge(tree: Tree, mutant: Mutant, options: JudgeOptions): Promise<Judged> {
  const started = options.now()
  const verdict = await verdictOn(tree, mutant, options)
  return { name: mutant.name, drops: mutant.drops, ms: options.now() - started, ...verdict }
}

/** Why a mutant cannot be judged in this tree, if so: without running anything. */
export async function inapplicable(
  tree: Pick<Tree, 'root' | 'read'>,
  mutant: Mutant,
): Promise<string | undefined> {
  const missing = [mutant.file, ...mutant.tests].find((file) => !existsSync(join(tree.root, file)))
  if (missing !== undefined) return `${missing} is gone`
  const applied = applyMutant(await tree.read(mutant.file), mutant)
  return 'why' in applied ? `${mutant.file}: ${applied.why}` : undefined
}

async function verdictOn(tree: Tree, mutant: Mutant, { wider, signal }: JudgeOptions): Promise<Verdict> {
  const why = await inapplicable(tree, mutant)
  if (why !== undefined) return { verdict: 'ERROR', why }
  const applied = applyMutant(await tree.read(mutant.file), mutant)
  if ('why' in applied) return { verdict: 'ERROR', why: applied.why }
  const mutated = async (tests: readonly string[], longestMs?: number): Promise<Verdict> =>
    await tree.withText(mutant.file, applied.text, async () =>
      verdictOf(
        await runTests(tree.root, tests, { signal, ...(longestMs === undefined ? {} : { longestMs }) }),
      ),
    )
  const own = await mutated(mutant.tests, LONGEST_OWN_MS)
  if (own.verdict !== 'SURVIVED' || wider.length === 0) return own
  const other = await mutated(wider)
  if (other.verdict !== 'killed') return other
  // Nobody has seen this file pass as it is.
  const untouched = await runTests(tree.root, [other.by], { signal })
  if (untouched.outcome !== 'passed')
    return { verdict: 'ERROR', why: `${other.by} fails without the mutant, too: ${other.test}` }
  return await mutated([other.by])
}

function verdictOf(run: TestRun): Verdict {
  switch (run.outcome) {
    case 'passed':
      return { verdict: 'SURVIVED' }
    case 'failed':
      return { verdict: 'killed', by: run.file, test: run.test }
    case 'broken':
      return { verdict: 'ERROR', why: run.why }
    default:
      return run satisfies never
  }
}
