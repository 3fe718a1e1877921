import {
  filePins,
  mcpAuthorization,
  mcpProxy,
  type McpProxySession,
  type McpUpstream,
  storePins,
  userMessageCheck,
} from '@gatewright/adapters/mcp'
import { ConfigError, createGuard, GuardError, jsonLinesAudit } from '@gatewright/runtime'
import { noSubject, sessionSubject } from '@gatewright/runtime/identity'
import type { Command } from 'commander'
import type { McpServer } from './mcp-config.ts'
import { type ConnectedMcp, connectMcp } from './mcp-connect.ts'
import { directoryChannel } from './mcp-proxy-approvals.ts'
import { type ProxyConfig, proxyConfig } from './mcp-proxy-config.ts'
import { loadProxyCode } from './mcp-proxy-module.ts'
import { serveHttp, serveStdio } from './mcp-proxy-serve.ts'
import { openStore } from './open-store.ts'
import { inert, type Terminal } from './terminal.ts'
import { UsageError } from './usage-error.ts'

const UNSEEN = `This proxy sees calls, and never the prompt that led to them: the cause of every call is anyone's.
Its contracts, pins, policy, limits, approvals and halts hold; what the user meant, it cannot know.
`
const NOT_SIGNED = `No value of a call counts as the user's: 'userMessages' is not configured.
`
const SIGNED = `A value counts as the user's only if it stands in a message that an application has signed.
`

/** Add `proxy` to the commands on MCP servers. */
export function addMcpProxy(mcp: Command, terminal: Terminal, ended: (code: number) => void): void {
  mcp
    .command('proxy')
    .description('Stand between an agent that was not written for the guard and MCP servers.')
    .requiredOption('--config <file>', 'a JSON file that says what is in front of what')
    .addHelpText(
      'after',
      '\nExit codes: 0 its client has gone, or it was told to stop; 1 it could not start; 2 the file is not usable.',
    )
    .action(async ({ config }: { config: string }) => ended(await runProxy(config, terminal)))
}

/** Run a proxy until its client goes, or the process is told to stop. Writes to the error stream alone. */
async function runProxy(file: string, terminal: Terminal): Promise<number> {
  await using held = new AsyncDisposableStack()
  try {
    const config = await proxyConfig(file)
    const serving = held.use(await serve(config, held, terminal))
    const say = [UNSEEN, config.userMessages === undefined ? NOT_SIGNED : SIGNED]
    for (const { server, tool, because } of serving.refused?.() ?? [])
      say.push(`${server}: ${tool} is not offered: ${because}.\n`)
    if (serving.url !== undefined) say.push(`Listening on ${serving.url.href}\n`)
    await terminal.error(inert(say.join('')))
    await Promise.race([serving.over, stopped(held)])
    return 0
  } catch (error) {
    if (error instanceof ConfigError) throw new UsageError(error.message)
    if (error instanceof UsageError) throw error
    // It may hold what a server wrote, or an address with a key in it.
    await terminal.error(
      'gatewright: the proxy could not start: a server, the store or the audit was not to be had.\n',
    )
    return 1
  }
}

/** Resolves when the process is told to stop. */
function stopped(held: AsyncDisposableStack): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = (): void => resolve()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, stop)
    held.defer(() => void process.off(signal, stop))
  }
  return promise
}

async function serve(
  config: ProxyConfig,
  held: AsyncDisposableStack,
  terminal: Terminal,
): ReturnType<typeof serveStdio> {
  const { contracts, ...parts } = await loadProxyCode(
    config.at(config.contracts),
    ...(config.policy === undefined ? [] : [config.at(config.policy)]),
  )
  for (const name of Object.keys(contracts))
    if (!config.servers.some((server) => server.name === name))
      throw new ConfigError(`contracts.${name}`, name, 'the name of a server in mcpServers')
  const opened = await openStore({ store: storeAt(config), create: true })
  held.defer(() => opened.close())
  const { store } = opened
  const audit = held.use(jsonLinesAudit({ to: config.at(config.audit) }))
  const guard = held.use(
    createGuard({
      ...parts,
      agent: { ...config.agent, expires: new Date(config.agent.expires) },
      store,
      audit: { sink: audit },
      ...(config.trusted === undefined ? {} : { trusted: config.trusted as never }),
      ...approvalsOf(config),
    }),
  )
  const pins = config.pins === undefined ? storePins(store) : filePins(config.at(config.pins))
  const upstreams: McpUpstream[] = []
  for (const server of config.servers) {
    const { client } = held.use(await connect(server))
    const operator = config.mcpServers[server.name]?.operator
    upstreams.push({
      client,
      pins,
      server: server.name,
      contracts: contracts[server.name] ?? {},
      ...(config.names === undefined ? {} : { names: config.names }),
      ...(operator === undefined ? {} : { operator }),
    })
  }
  const { userMessages, listen } = config
  const proxy = mcpProxy({
    guard,
    upstreams,
    ...(userMessages === undefined
      ? {}
      : { userMessages: userMessageCheck({ ...userMessages, store } as never) }),
  })
  const failed = (error: unknown): void => {
    const why = GuardError.isInstance(error) ? error.message : 'a server was not to be had.'
    void terminal.error(inert(`gatewright: a session was not opened: ${why}\n`))
  }
  if ('http' in listen) {
    const refused = await tryOut(proxy, config)
    return { ...(await serveHttp(proxy, listen.http, { store, audit, failed })), refused: () => refused }
  }
  const { subject, tenant } = listen.stdio
  const principal = { subject: subject as `user:${string}`, ...(tenant === undefined ? {} : { tenant }) }
  return await serveStdio(proxy, sessionSubject({ principal, by: 'the configuration of the proxy' }))
}

/** Open a session for nobody, so that contracts and pins that do not fit stop the proxy before a client finds out. */
async function tryOut(
  proxy: ReturnType<typeof mcpProxy>,
  { agent }: ProxyConfig,
): Promise<ReturnType<McpProxySession['refused']>> {
  await using session = await proxy.open(noSubject(agent))
  return session.refused()
}

function approvalsOf({ approvals, at }: ProxyConfig): object {
  if (approvals === undefined) return {}
  const { directory, approvers, waitMs } = approvals
  return {
    approvals: {
      channel: directoryChannel(at(directory)),
      approvers,
      ...(waitMs === undefined ? {} : { waitMs }),
    },
  }
}

/** A file of a store is from where the configuration is, as all others. */
function storeAt({ store, at }: ProxyConfig): string {
  return store.startsWith('sqlite:') ? `sqlite:${at(store.slice('sqlite:'.length))}` : store
}

/** Tokens of calls go to a server by HTTP, unless the file has an `Authorization` for it. */
async function connect(server: McpServer): Promise<ConnectedMcp> {
  if (!('url' in server) || Object.keys(server.headers).some((name) => /^authorization$/i.test(name)))
    return await connectMcp(server)
  return await connectMcp(server, mcpAuthorization({ server: server.name, url: server.url }))
}
