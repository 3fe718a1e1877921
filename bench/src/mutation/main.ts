import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { EVERY_TEST, inapplicable } from './judge.ts'
import type { Mutant } from './mutant.ts'
import { MUTANTS } from './mutants.ts'
import { reportText } from './report.ts'
import { runMutants } from './run-mutants.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Copies of the tree that are worked in side by side; each runs one test worker. */
const LANES = 2

const USAGE = `Usage: npm run mutate [-- --only NAME]... [-- --quick] [-- --check] [-- --list] [-- --json]

Disables one check of the guard at a time, in a copy of the tree, and requires that some test fails.
--only takes a name or its beginning; --quick runs only the tests that each mutant names;
--check only sees that every mutant still applies.
Exits with 1 if one survives or no longer applies.
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  let values
  try {
    values = parseArgs({
      args: [...args],
      options: {
        only: { type: 'string', multiple: true },
        quick: { type: 'boolean' },
        check: { type: 'boolean' },
        list: { type: 'boolean' },
        json: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    return wrong((error as Error).message)
  }
  if (values.help === true) {
    process.stdout.write(USAGE)
    return 0
  }
  const { only } = values
  const chosen = MUTANTS.filter(({ name }) => only?.some((start) => name.startsWith(start)) ?? true)
  if (chosen.length === 0) return wrong(`there is no mutant '${only?.join(', ') ?? ''}'`)
  if (values.list === true) {
    for (const { name, drops } of chosen) process.stdout.write(`${name}  ${drops}\n`)
    return 0
  }
  if (values.check === true) return await check(chosen)
  const stopped = new AbortController()
  // The copies are removed on the way out.
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stopped.abort())
  let report
  try {
    report = await runMutants(ROOT, chosen, {
      wider: values.quick === true ? [] : EVERY_TEST,
      lanes: LANES,
      signal: stopped.signal,
      say: (text) => void process.stderr.write(`${text}\n`),
    })
  } catch (error) {
    process.stderr.write(`mutate: ${stopped.signal.aborted ? 'stopped' : (error as Error).message}\n`)
    return 1
  }
  process.stdout.write(values.json === true ? `${JSON.stringify(report)}\n` : reportText(report))
  return report.ok ? 0 : 1
}

/** Whether every mutant still applies: takes a second, and judges nothing. */
async function check(mutants: readonly Mutant[]): Promise<number> {
  const tree = { root: ROOT, read: (file: string) => readFile(join(ROOT, file), 'utf8') }
  let problems = 0
  for (const mutant of mutants) {
    const why = await inapplicable(tree, mutant)
    if (why === undefined) continue
    problems += 1
    process.stderr.write(`${mutant.name}: ${why}\n`)
  }
  process.stdout.write(`${mutants.length - problems} of ${mutants.length} mutants apply\n`)
  return problems === 0 ? 0 : 1
}

function wrong(what: string): number {
  process.stderr.write(`mutate: ${what}\n\n${USAGE}`)
  return 2
}
