import { parseArgs } from 'node:util'
import type { Command } from './agentdojo.ts'
import { type Benchmark, reportOf } from './case.ts'
import { table } from './table.ts'

// Each is loaded only when it runs: what another one loads would slow it down, by as much as half.
const BENCHMARKS: Readonly<Record<string, () => Promise<Benchmark>>> = {
  decision: async () => (await import('./decision.ts')).decision,
  loop: async () => (await import('./loop.ts')).loop,
  index: async () => (await import('./indexing.ts')).indexing,
  peers: async () => (await import('./peers.ts')).peers,
  limits: async () => (await import('./limits.ts')).limits,
  halt: async () => (await import('./halt.ts')).halt,
  credentials: async () => (await import('./credentials.ts')).credentials,
}
/** Those with arguments of their own. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  agentdojo: async () => (await import('./agentdojo.ts')).agentdojo,
  retrieval: async () => (await import('./retrieval.ts')).retrieval,
}

const USAGE = `Usage: npm run bench -- NAME [--json]
       npm run bench -- --list

Measures one part of the guard against its targets; exits with 1 if one is not met.
`

process.exitCode = await main(process.argv.slice(2))

async function main(args: readonly string[]): Promise<number> {
  const command = found(COMMANDS, args[0])
  if (command !== undefined) return (await command()).run(args.slice(1))
  let parsed
  try {
    parsed = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, list: { type: 'boolean' }, help: { type: 'boolean' } },
      allowPositionals: true,
    })
  } catch (error) {
    return await wrong((error as Error).message)
  }
  const { values, positionals } = parsed
  const [name, ...more] = positionals
  if (values.list === true) {
    process.stdout.write(`${await list()}\n`)
    return 0
  }
  if (name === undefined) {
    process.stdout.write(`${USAGE}\n${await list()}\n`)
    return 0
  }
  if (more.length > 0) return await wrong(`one benchmark at a time, please; got ${positionals.join(', ')}`)
  const load = found(BENCHMARKS, name)
  if (load === undefined) return await wrong(`there is no benchmark '${name}'`)
  const report = reportOf(name, await (await load()).run())
  process.stdout.write(
    values.json === true
      ? `${JSON.stringify(report)}\n`
      : `${table(report, process.stdout.isTTY && process.env['NO_COLOR'] === undefined)}\n`,
  )
  return report.met ? 0 : 1
}

function found<T>(from: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(from, name) ? from[name] : undefined
}

async function wrong(what: string): Promise<number> {
  process.stderr.write(`bench: ${what}\n\n${USAGE}\n${await list()}\n`)
  return 2
}

async function list(): Promise<string> {
  const loads: readonly (() => Promise<Benchmark | Command>)[] = Object.values({ ...BENCHMARKS, ...COMMANDS })
  const all = await Promise.all(loads.map((load) => load()))
  return all.map(({ name, about }) => `  ${name.padEnd(12)} ${about}`).join('\n')
}
