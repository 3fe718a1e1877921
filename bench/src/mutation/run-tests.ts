import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

/** What became of the tests. Only a test that ran and failed has noticed anything. */
export type TestRun =
  | { readonly outcome: 'passed' }
  | { readonly outcome: 'failed'; readonly file: string; readonly test: string }
  /** No verdict: a file did not load, nothing ran, or it took too long. */
  | { readonly outcome: 'broken'; readonly why: string }

interface Report {
  readonly numPassedTests: number
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[]
  }[]
}

// A busy machine must not pass for a test that noticed.
const TEST_MS = 60_000

export interface TestOptions {
  readonly signal: AbortSignal
  readonly workers?: number
  /** When to give them up, with no verdict. Default ten minutes. */
  readonly longestMs?: number
}

/** Run tests of a tree, with one worker unless told otherwise, up to the first that fails. */
export async function runTests(
  root: string,
  args: readonly string[],
  { signal, workers = 1, longestMs = 10 * 60_000 }: TestOptions,
): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'gatewright-report-'))
  const report = join(folder, 'report.json')
  try {
    const said = await vitest(root, [...args, `--maxWorkers=${workers}`, `--outputFile=${report}`], {
      signal,
      longestMs,
    })
    let text
    try {
      text = await readFile(report, 'utf8')
    } catch {
      return { outcome: 'broken', why: lastLineOf(said) }
    }
    return readReport(JSON.parse(text) as Report, root)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a report of vitest's says. A file that did not load has noticed nothing, whatever the exit code. */
export function readReport({ testResults, numPassedTests }: Report, root: string): TestRun {
  for (const { name, assertionResults } of testResults) {
    const failed = assertionResults.find(({ status }) => status === 'failed')
    if (failed !== undefined)
      return { outcome: 'failed', file: relative(root, name), test: failed.fullName.trim() }
  }
  const unloaded = testResults.find(({ status }) => status === 'failed')
  if (unloaded !== undefined)
    return {
      outcome: 'broken',
      why: `${relative(root, unloaded.name)}: ${lastLineOf(unloaded.message ?? 'did not load')}`,
    }
  return numPassedTests > 0 ? { outcome: 'passed' } : { outcome: 'broken', why: 'no test was run' }
}

function vitest(
  root: string,
  args: readonly string[],
  { signal, longestMs }: { readonly signal: AbortSignal; readonly longestMs: number },
): Promise<string> {
  const command = [
    join(root, 'node_modules/vitest/vitest.mjs'),
    'run',
    '--root',
    root,
    '--bail=1',
    `--testTimeout=${TEST_MS}`,
    '--reporter=json',
    ...args,
  ]
  // Started by vitest, it would take itself for one of its workers.
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('VITEST')))
  return new Promise((resolve, reject) => {
    const stop = AbortSignal.any([signal, AbortSignal.timeout(longestMs)])
    // In a group of its own, so that a worker that hangs ends with it.
    const child = spawn(process.execPath, command, {
      cwd: root,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    let said = ''
    const end = (): void => {
      said += '\nIt took too long.'
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL')
    }
    stop.addEventListener('abort', end, { once: true })
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-10_000)))
    child.on('error', reject)
    child.on('close', () => {
      stop.removeEventListener('abort', end)
      if (signal.aborted) reject(signal.reason as Error)
      else resolve(said)
    })
    if (stop.aborted) end()
  })
}

function lastLineOf(text: string): string {
  return text.trim().split('\n').at(-1)?.slice(0, 200) ?? ''
}
