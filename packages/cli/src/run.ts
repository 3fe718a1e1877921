import { Command, CommanderError } from 'commander'
import { addAgentCommands } from './agent-commands.ts'
import { auditContracts } from './audit-contracts.ts'
import { type CredentialsOptions, listCredentials } from './credentials.ts'
import { halt, listHalts, resume, type WhyOptions } from './halt.ts'
import { addMcpCommands } from './mcp-commands.ts'
import type { StoreOptions } from './open-store.ts'
import { withStore } from './store-option.ts'
import { inert, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const EXIT_CODES = `
Exit codes: 0 the contracts can be used; 1 one would be refused; 2 the command was not usable as given.`

const SCOPES =
  'run:ID, session:ID, user:NAME, agent:ID, agent:ID@VERSION, tool:NAME, tenant:NAME, or everything'

const HALT_EXIT_CODES = `
The store may also be named by GATEWRIGHT_STORE.

Exit codes: 0 done; 1 not done, or not known to be; 2 the command was not usable as given.`

/** Run the command line, and resolve with its exit code: 2 for what the person who typed it can put right. */
export async function run(args: readonly string[], terminal: Terminal): Promise<number> {
  const said: Promise<void>[] = []
  let code = 0
  const program = new Command('gatewright')
    .description(
      'Guard AI agents: look at what their contracts let through; stop them, and let them go on; say which there are, and which tokens they hold; accept and guard the tools of MCP servers.',
    )
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void said.push(terminal.out(text)),
      writeErr: (text) => void said.push(terminal.error(text)),
      outputError: (text, write) => write(text.replace(/^error: /, 'gatewright: ')),
    })
  program
    .command('audit-contracts')
    .description(
      'Print who can reach each argument of each tool, with what values, and what would narrow it.',
    )
    .argument('<file>', "a TypeScript or JavaScript module that exports 'tools' and 'contracts'")
    .option('--json', 'print one JSON object')
    .addHelpText('after', EXIT_CODES)
    .action(async (file: string, options: { json?: boolean }) => {
      code = await auditContracts(file, options, terminal)
    })
  const command = (name: string, about: string): Command =>
    withStore(program.command(name).description(about)).addHelpText('after', HALT_EXIT_CODES)
  const withWhy = (of: Command): Command =>
    of
      .argument('<scope>', SCOPES)
      .requiredOption('--reason <reason>', 'why; it is kept with the record')
      .option('--by <name>', 'who asks for it; by default the account at this machine')
  withWhy(command('halt', 'Stop everything in a scope, in every process that shares the store.')).action(
    async (scope: string, options: WhyOptions) => {
      code = await halt(scope, options, terminal)
    },
  )
  withWhy(command('resume', 'Let new runs and calls in a halted scope start again.')).action(
    async (scope: string, options: WhyOptions) => {
      code = await resume(scope, options, terminal)
    },
  )
  command('halts', 'Print what is halted, since when, by whom and why.')
    .option('--json', 'print one JSON array')
    .action(async (options: StoreOptions & { json?: boolean }) => {
      code = await listHalts(options, terminal)
    })
  command(
    'credentials',
    'Print which tokens agents hold, for whom, where, until when, and how each is ended.',
  )
    .option('--agent <agent>', 'of one agent alone: ID, or ID@VERSION')
    .option('--json', 'print one JSON array')
    .action(async (options: CredentialsOptions) => {
      code = await listCredentials(options, terminal)
    })
  addAgentCommands(program, terminal, (ended) => {
    code = ended
  })
  addMcpCommands(program, terminal, (ended) => {
    code = ended
  })
  try {
    await program.parseAsync([...args], { from: 'user' })
    return code
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    if (!(error instanceof UsageError)) throw error
    await terminal.error(`gatewright: ${inert(error.message)}\n`)
    return 2
  } finally {
    await Promise.all(said)
  }
}
