import type { McpAuthorization, McpClient } from '@gatewright/adapters/mcp'
import type { McpServer } from './mcp-config.ts'

export interface ConnectedMcp extends AsyncDisposable {
  readonly client: McpClient
}

const PROBE_MS = 5000
const MOST_MS = 30_000

/** Connect to a server, by starting it or over HTTP. What it writes to its error stream is not shown. */
export async function connectMcp(
  server: McpServer,
  authorization?: Pick<McpAuthorization, 'fetch'>,
): Promise<ConnectedMcp> {
  // Loaded when it is needed: other commands start faster without it.
  const { Client, StreamableHTTPClientTransport } = await import('@modelcontextprotocol/client')
  const { StdioClientTransport } = await import('@modelcontextprotocol/client/stdio')
  const client = new Client(
    { name: 'gatewright', version: '0.1.0' },
    { versionNegotiation: { mode: 'auto', probe: { timeoutMs: PROBE_MS } } },
  )
  const transport =
    'url' in server
      ? new StreamableHTTPClientTransport(new URL(server.url), {
          requestInit: { headers: { ...server.headers } },
          ...(authorization === undefined ? {} : { fetch: authorization.fetch }),
        })
      : new StdioClientTransport({
          command: server.command,
          args: [...server.args],
          env: { ...server.env },
          stderr: 'ignore',
        })
  try {
    await client.connect(transport, { timeout: MOST_MS })
  } catch (error) {
    await client.close()
    throw error
  }
  return { client, [Symbol.asyncDispose]: () => client.close() }
}
