import type { Command } from 'commander'
import { mcpAccept, mcpDiff, type McpOptions, mcpPin } from './mcp.ts'
import { addMcpProxy } from './mcp-proxy.ts'
import { STORE_FORMS, withStore } from './store-option.ts'
import type { Terminal } from './terminal.ts'

const EXIT_CODES = `
Exit codes: 0 done, or nothing differs; 1 something differs, or was not done; 2 the command was not usable as given.`

/** Add `gatewright mcp …` to a program. `ended` hears the exit code of the one that was run. */
export function addMcpCommands(program: Command, terminal: Terminal, ended: (code: number) => void): void {
  const mcp = program
    .command('mcp')
    .description('Look at the tools of MCP servers, accept them as they are, and guard them.')
  const command = (name: string, about: string): Command =>
    withStore(
      mcp
        .command(name)
        .description(about)
        .option('--config <file>', "a JSON file with 'mcpServers'")
        .option('--server <name>', 'the name of the server; with --config, one of them')
        .option('--url <url>', 'the server, over HTTP')
        .option('--command <command>', 'the server, as a program to start')
        .option('--args <args...>', 'what the program is started with')
        .option('--pins <file>', 'the file of pins; by default gatewright.pins.json'),
      `where the pins are, if not in a file: ${STORE_FORMS}`,
    ).addHelpText('after', EXIT_CODES)
  command('pin', 'Accept every tool of a server that nobody has accepted tools of, and print them.')
    .option('--by <name>', 'who accepts them; by default the account at this machine')
    .option('--json', 'print one JSON object for each server')
    .action(async (options: McpOptions) => ended(await mcpPin(options, terminal)))
  command('diff', 'Print what differs between what was accepted and what the server lists.')
    .option('--json', 'print one JSON object for each server')
    .action(async (options: McpOptions) => ended(await mcpDiff(options, terminal)))
  command('accept', 'Accept tools as diff has shown them.')
    .argument('<tool@digest...>', 'the tools, each with the digest that diff printed')
    .option('--by <name>', 'who accepts them; by default the account at this machine')
    .action(async (tools: string[], options: McpOptions) => ended(await mcpAccept(tools, options, terminal)))
  addMcpProxy(mcp, terminal, ended)
}
