import { userInfo } from 'node:os'
import { ConfigError } from '@gatewright/runtime'
import {
  compareToPins,
  filePins,
  listDefinitions,
  type Pin,
  pinOf,
  type PinStore,
  storePins,
} from '@gatewright/adapters/mcp'
import { connectMcp } from './mcp-connect.ts'
import { type McpServer, mcpServers, type McpServerOptions } from './mcp-config.ts'
import { asJson, asText, type ServerDifference, bareDigest } from './mcp-print.ts'
import { openStore, type StoreOptions } from './open-store.ts'
import { inert, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

export interface McpOptions extends McpServerOptions, StoreOptions {
  /** The file of pins; `gatewright.pins.json` where neither it nor a store is named. */
  readonly pins?: string
  readonly json?: boolean
  /** Default: the name of the account at this machine. */
  readonly by?: string
}

/**
 * Accept every tool of a server that has no pins yet, and print them in full.
 *
 * Resolves with 1 for a server that has pins: what is new or changed there is for `diff` and `accept`.
 */
export async function mcpPin(options: McpOptions, terminal: Terminal): Promise<number> {
  return withEach(options, terminal, async (found, pins) => {
    if (found.tools.some(({ accepted }) => accepted !== undefined)) {
      await terminal.error(
        `gatewright: '${found.server}' has pins already; look at 'gatewright mcp diff', then use 'gatewright mcp accept'.\n`,
      )
      return 1
    }
    const now = found.tools.flatMap(({ listed }) => (listed === undefined ? [] : [listed]))
    await pins.write(
      found.server,
      now.map((one) => pinOf(one, byOf(options), new Date())),
      [],
      soon(),
    )
    await show(found, options, terminal)
    return found.unusable.length === 0 ? 0 : 1
  })
}

/** Print what differs between the pins and what the servers list. Resolves with 1 if anything does. */
export async function mcpDiff(options: McpOptions, terminal: Terminal): Promise<number> {
  return withEach(options, terminal, async (found) => {
    await show(found, options, terminal)
    return found.unusable.length === 0 && found.tools.every(({ kind }) => kind === 'same') ? 0 : 1
  })
}

/**
 * Accept tools as they are, each named with the digest that `diff` showed: a server that lists something else by now
 * is not accepted. `TOOL@gone` forgets one that is no longer there.
 *
 * Resolves with 1 if a tool is not as it was shown; nothing is accepted then.
 */
export async function mcpAccept(
  given: readonly string[],
  options: McpOptions,
  terminal: Terminal,
): Promise<number> {
  const chosen = given.map(nameAndDigest)
  if (options.config !== undefined && options.server === undefined)
    throw new UsageError('of which server? Say --server NAME.')
  return withEach(options, terminal, async (found, pins) => {
    const accepted: Pin[] = []
    const forgotten: string[] = []
    for (const { tool, digest } of chosen) {
      const one = found.tools.find(({ tool: name }) => name === tool)
      const isGone = digest === 'gone' && one?.kind === 'gone'
      const isShown = one?.digest !== undefined && bareDigest(one.digest) === digest
      if (isGone) forgotten.push(tool)
      else if (isShown && one.listed !== undefined)
        accepted.push(pinOf(one.listed, byOf(options), new Date()))
      else {
        await terminal.error(
          `gatewright: '${inert(tool)}' of '${found.server}' is not as it was shown; nothing was accepted. Look at 'gatewright mcp diff' again.\n`,
        )
        return 1
      }
    }
    await pins.write(found.server, accepted, forgotten, soon())
    await terminal.out(
      `Accepted ${accepted.length} and forgot ${forgotten.length} of ${inert(found.server)}, by ${inert(byOf(options))}.\n`,
    )
    return 0
  })
}

type Use = (found: ServerDifference, pins: PinStore) => Promise<number>

async function withEach(options: McpOptions, terminal: Terminal, use: Use): Promise<number> {
  const servers = await mcpServers(options)
  if (options.pins !== undefined && options.store !== undefined)
    throw new UsageError('where are the pins? Say --pins FILE or --store STORE, not both.')
  const opened = options.store === undefined ? undefined : await openStore(options)
  try {
    const pins =
      opened === undefined ? filePins(options.pins ?? 'gatewright.pins.json') : storePins(opened.store)
    let worst = 0
    for (const server of servers) worst = Math.max(worst, await withOne(server, pins, terminal, use))
    return worst
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    throw error
  } finally {
    await opened?.close()
  }
}

async function withOne(server: McpServer, pins: PinStore, terminal: Terminal, use: Use): Promise<number> {
  const accepted = await pins.read(server.name, soon())
  let found: ServerDifference
  try {
    await using connected = await connectMcp(server)
    const { definitions, unusable } = await listDefinitions(connected.client, soon())
    const tools = compareToPins(definitions, accepted).map((one) => ({
      ...one,
      digest: one.listed && pinOf(one.listed, 'nobody yet', new Date(0)).digest,
    }))
    found = { server: server.name, tools, unusable }
  } catch {
    // The reason may hold what the server wrote, or the address with a key in it.
    await terminal.error(`gatewright: the server '${server.name}' did not list its tools.\n`)
    return 1
  }
  return await use(found, pins)
}

async function show(found: ServerDifference, { json }: McpOptions, terminal: Terminal): Promise<void> {
  await terminal.out(json === true ? `${JSON.stringify(asJson(found))}\n` : asText(found, terminal))
}

function nameAndDigest(given: string): { tool: string; digest: string } {
  const at = given.lastIndexOf('@')
  const digest = given.slice(at + 1)
  if (at < 1 || !/^(?:gone|[0-9a-f]{64})$/.test(digest))
    throw new UsageError(
      `'${given}' is not a tool as it was shown; expected TOOL@DIGEST, as 'gatewright mcp diff' prints it.`,
    )
  return { tool: given.slice(0, at), digest }
}

function byOf({ by = userInfo().username }: McpOptions): string {
  return by
}

function soon(): { signal: AbortSignal; timeoutMs: number } {
  return { signal: AbortSignal.timeout(30_000), timeoutMs: 30_000 }
}
