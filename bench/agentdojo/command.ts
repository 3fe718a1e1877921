import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import type { MakeManifest } from './manifest.ts'
import { episodesOf, measure } from './measure.ts'
import { progressBar } from './progress.ts'
import { details, scoreTable } from './report.ts'
import { type Score, totalOf } from './score.ts'
import { loadSuites, type Suite, UsageError } from './suite.ts'

export const USAGE = `Usage: npm run bench -- agentdojo [--data DIR] [--suite NAME] [--mode floor|attest] [--manifest FILE] [--json]

Plays AgentDojo's tasks and attacks through the guarded loop, with a planner that obeys whatever it reads.
Exits with 1 if a guarded configuration let a violation through. bench/agentdojo/README.md says what is measured.
`

const REPOSITORY = join(import.meta.dirname, '../..')
const DATA = join(REPOSITORY, '../shared/agentdojo')

interface Options {
  readonly data: string
  readonly suite: string | undefined
  readonly mode: 'floor' | 'attest'
  readonly manifest: string | undefined
  readonly json: boolean
}

/**
 * Run the benchmark as the command line asks for it; the exit code: 1 if a guarded configuration let a violation
 * through, 2 if it could not run.
 */
export async function agentdojo(args: readonly string[]): Promise<number> {
  try {
    if (args.includes('--help')) {
      process.stdout.write(USAGE)
      return 0
    }
    const options = parsed(args)
    const suites = loadSuites(options.data, options.suite)
    const bySuite = await measureAll(suites, options)
    const totals = Object.values(bySuite)[0]?.map((_, i) =>
      totalOf(Object.values(bySuite).map((scores) => scores[i] as Score)),
    )
    process.stdout.write(options.json ? asJson(bySuite, totals ?? []) : asText(bySuite, totals ?? []))
    return totals?.some(({ mode, violations }) => isGuarded(mode) && violations > 0) === true ? 1 : 0
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    process.stderr.write(`bench: ${error.message}\n\n${USAGE}`)
    return 2
  }
}

function parsed(args: readonly string[]): Options {
  let values
  try {
    ;({ values } = parseArgs({
      args: [...args],
      options: {
        data: { type: 'string' },
        suite: { type: 'string' },
        mode: { type: 'string' },
        manifest: { type: 'string' },
        json: { type: 'boolean' },
      },
    }))
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
  const { mode = 'attest' } = values
  if (mode !== 'attest' && mode !== 'floor') throw new UsageError(`--mode is floor or attest; got '${mode}'.`)
  if (values.data === undefined && !existsSync(DATA))
    throw new UsageError(
      'No data was found. Give its folder with --data; bench/agentdojo/README.md says how to get it.',
    )
  return {
    data: resolve(values.data ?? DATA),
    suite: values.suite,
    mode,
    manifest: values.manifest,
    json: values.json === true,
  }
}

async function measureAll(
  suites: readonly Suite[],
  { mode, manifest }: Options,
): Promise<Readonly<Record<string, readonly Score[]>>> {
  if (manifest !== undefined && suites.length > 1)
    throw new UsageError('--manifest is for one suite: name it with --suite.')
  const manifests = await Promise.all(
    suites.map(async (suite) => ({ suite, make: await loadManifest(suite.suite, manifest) })),
  )
  const bar = progressBar(
    suites.reduce((sum, suite) => sum + episodesOf(suite, mode), 0),
    process.stderr,
  )
  const out: Record<string, readonly Score[]> = {}
  for (const { suite, make } of manifests)
    out[suite.suite] = await measure(suite, make(suite.environment), {
      mode,
      onEpisode: () => bar.tick(suite.suite),
    })
  bar.end()
  return out
}

async function loadManifest(suite: string, file: string | undefined): Promise<MakeManifest> {
  const path = file === undefined ? join(import.meta.dirname, 'manifests', `${suite}.ts`) : resolve(file)
  if (!existsSync(path))
    throw new UsageError(
      file === undefined
        ? `There is no manifest of contracts for the suite '${suite}'. Write one and give it with --manifest.`
        : `There is no manifest ${file}.`,
    )
  const { manifest } = (await import(pathToFileURL(path).href)) as { manifest?: MakeManifest }
  if (typeof manifest !== 'function')
    throw new UsageError(`${file ?? path} does not export a function 'manifest'.`)
  return manifest
}

const isGuarded = (mode: Score['mode']): boolean => mode !== 'none' && mode !== 'approval'

function asText(bySuite: Readonly<Record<string, readonly Score[]>>, totals: readonly Score[]): string {
  const suites = Object.entries(bySuite)
  const parts = suites.flatMap(([name, scores]) => [
    scoreTable(name, scores),
    ...scores.filter(({ mode }) => mode === 'attest' || mode === 'floor').map(details),
  ])
  if (suites.length > 1) parts.push(scoreTable('total', totals))
  return `${parts.join('\n\n')}\n`
}

function asJson(bySuite: Readonly<Record<string, readonly Score[]>>, totals: readonly Score[]): string {
  return `${JSON.stringify({
    suites: Object.fromEntries(Object.entries(bySuite).map(([name, scores]) => [name, keyed(scores)])),
    total: keyed(totals),
  })}\n`
}

/** The guard's own score, and beside it the others by name. */
function keyed(scores: readonly Score[]): object {
  const own = scores.find(({ mode, grant }) => (mode === 'attest' || mode === 'floor') && grant === 'none')
  const others = scores.filter((score) => score !== own)
  return {
    ...own,
    withPerfectGrant: others.find(({ grant }) => grant === 'perfect'),
    baselines: Object.fromEntries(
      others.filter(({ grant }) => grant === 'none').map((score) => [score.mode, score]),
    ),
  }
}
