import { type Command, Option } from 'commander'
import type { AgentCredential } from '@gatewright/runtime/identity'
import {
  type AgentChangeOptions,
  type AgentsOptions,
  listAgents,
  registerAgent,
  retire,
  rotateAgent,
  showAgent,
  updateAgent,
} from './agents.ts'
import { withStore } from './store-option.ts'
import type { Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const EXIT_CODES = `
The store may also be named by GATEWRIGHT_STORE.

Exit codes: 0 done; 1 not done, or not known to be; 2 the command was not usable as given.`

// Not null: commander takes that for an option with no value.
const NONE = 'none'

interface Given extends AgentChangeOptions {
  readonly type?: string
  readonly version?: string
  readonly environment?: string
  readonly owner?: string
  readonly expires?: Date
  readonly allow?: readonly string[] | typeof NONE
  readonly deny?: readonly string[] | typeof NONE
  readonly maxSessions?: number | typeof NONE
  readonly client?: string
  readonly issuer?: string
  readonly key?: readonly string[]
  readonly overlap?: number
  readonly wait: number
}

/** Add the command `agents` and what is under it. */
export function addAgentCommands(program: Command, terminal: Terminal, ended: (code: number) => void): void {
  const agents = program
    .command('agents')
    .description('Register agents, look at them, change what they may do, and retire them.')

  const command = (name: string, about: string): Command =>
    withStore(agents.command(name).description(about))
      .option('--file <file>', 'the registry is this file; a store is then for halts and sessions alone')
      .option('--json', 'print JSON')
      .addHelpText('after', EXIT_CODES)
  const change = (name: string, about: string): Command =>
    command(name, about)
      .argument('<id>', 'the id of the agent')
      .requiredOption('--reason <reason>', 'why; it is kept with the record')
      .option('--by <name>', 'who asks for it; by default the account at this machine')
      .option('--revision <number>', 'change nothing if it has another revision by now', whole)
  const bounds = (of: Command): Command =>
    of
      .option('--allow <tools>', 'the tools it may call, with commas between; all where not given', list)
      .option('--deny <tools>', 'the tools it may never call; wins', list)
      .option('--max-sessions <number>', 'most runs at once', count)
  const credentials = (of: Command): Command =>
    of
      .option('--client <id>', 'its client id at an authorization server')
      .option('--issuer <issuer>', 'that server')
      .option('--key <id...>', 'the ids of the keys that it signs with')

  credentials(bounds(change('register', 'Register an agent, under an id that was never used.')))
    .requiredOption('--type <type>', 'what kind of agent it is')
    .requiredOption('--version <version>', 'its version')
    .requiredOption('--environment <name>', 'where it runs')
    .requiredOption('--owner <name>', 'who answers for it')
    .requiredOption('--expires <when>', 'a time (2030-01-31T00:00:00Z), or a span from now (90d)', end)
    .action(async (id: string, given: Required<Given>) => {
      const { type, version, environment, owner, expires } = given
      const spec = { id, type, version, environment, owner, expires, ...credentialsOf(given) }
      const bound = Object.entries(boundsOf(given)).filter(([, value]) => value !== null)
      ended(await registerAgent({ ...spec, ...Object.fromEntries(bound) }, given, terminal))
    })
  bounds(
    change('update', 'Change what an agent may do; it counts in runs that go on. "none" takes a bound away.'),
  )
    .option('--type <type>', 'what kind of agent it is')
    .option('--environment <name>', 'where it runs')
    .option('--owner <name>', 'who answers for it')
    .action(async (id: string, given: Given) => {
      const { type, environment, owner } = given
      const own = Object.entries({ type, environment, owner }).filter(([, value]) => value !== undefined)
      ended(await updateAgent(id, { ...Object.fromEntries(own), ...boundsOf(given) }, given, terminal))
    })
  credentials(change('rotate', 'Give an agent a new version, new keys or a new end.'))
    .option('--version <version>', 'its new version')
    .option('--expires <when>', 'a time, or a span from now (90d)', end)
    .option(
      '--overlap <span>',
      'how long the old version and keys stay valid (1h); by default not at all',
      span,
    )
    .action(async (id: string, given: Given) => {
      const { version, expires, overlap } = given
      const rotation = {
        ...(version === undefined ? {} : { version }),
        ...(expires === undefined ? {} : { expires }),
        ...(overlap === undefined ? {} : { overlapMs: overlap }),
        ...credentialsOf(given),
      }
      ended(await rotateAgent(id, rotation, given, terminal))
    })
  change('retire', 'End an agent for good, and say what became of all that it held.')
    .addOption(
      new Option('--wait <span>', 'how long to wait for its sessions to end')
        .argParser(span)
        .default(15_000, '15s'),
    )
    .action(async (id: string, given: Given) => {
      ended(await retire(id, { ...given, waitMs: given.wait }, terminal))
    })
  command('list', 'Print every agent.').action(async (options: AgentsOptions) => {
    ended(await listAgents(options, terminal))
  })
  command('show', 'Print one agent, and who changed it.')
    .argument('<id>', 'the id of the agent')
    .action(async (id: string, options: AgentsOptions) => {
      ended(await showAgent(id, options, terminal))
    })
}

function boundsOf({ allow, deny, maxSessions }: Given): Record<string, readonly string[] | number | null> {
  return {
    ...(allow === undefined ? {} : { allowedTools: allow === NONE ? null : allow }),
    ...(deny === undefined ? {} : { deniedTools: deny === NONE ? null : deny }),
    ...(maxSessions === undefined ? {} : { maxSessions: maxSessions === NONE ? null : maxSessions }),
  }
}

function credentialsOf({ client, issuer, key }: Given): { credentials?: AgentCredential[] } {
  if (client === undefined) {
    if (issuer !== undefined || key !== undefined) throw new UsageError('--issuer and --key need --client.')
    return {}
  }
  return { credentials: [{ client, ...(issuer && { issuer }), ...(key && { keys: key }) }] }
}

const SPAN = /^(\d+)(ms|s|m|h|d)$/
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function span(given: string): number {
  const [, amount = '', unit = ''] = SPAN.exec(given) ?? []
  if (amount === '') throw new UsageError(`'${given}' is not a span; expected one such as 30s, 1h or 90d.`)
  return Number(amount) * (UNITS[unit] as number)
}

function end(given: string): Date {
  if (SPAN.test(given)) return new Date(Date.now() + span(given))
  const date = new Date(given)
  // A date alone would be midnight somewhere.
  if (!/^\d{4}-\d{2}-\d{2}T.*(?:Z|[+-]\d{2}:\d{2})$/.test(given) || Number.isNaN(date.getTime()))
    throw new UsageError(`'${given}' is not a time; expected one such as 2030-01-31T00:00:00Z, or 90d.`)
  return date
}

function list(given: string): readonly string[] | typeof NONE {
  return given === NONE ? NONE : given.split(',').map((name) => name.trim())
}

function whole(given: string): number {
  if (!/^\d{1,9}$/.test(given)) throw new UsageError(`'${given}' is not a whole number.`)
  return Number(given)
}

function count(given: string): number | typeof NONE {
  return given === NONE ? NONE : whole(given)
}
