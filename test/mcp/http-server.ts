import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { randomUUID } from 'node:crypto'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { serve1, type Served } from './server.ts'

export interface HttpServer extends AsyncDisposable {
  readonly url: URL
  /** What came in, and with what token. */
  readonly requests: { readonly what: string; readonly authorization: string | undefined }[]
}

/** A real MCP server over Streamable HTTP, with one session for one connection. */
export async function httpServer(of: Served): Promise<HttpServer> {
  const requests: HttpServer['requests'][number][] = []
  const sessions = new Map<string, StreamableHTTPServerTransport>()
  const http = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const body = chunks.length === 0 ? undefined : (JSON.parse(Buffer.concat(chunks).toString()) as Message)
      const tool = body?.params?.arguments?.['who']
      const what = [request.method, body?.method, tool].filter((one) => one !== undefined).join(' ')
      requests.push({ what, authorization: request.headers.authorization })
      const id = request.headers['mcp-session-id']
      let transport = typeof id === 'string' ? sessions.get(id) : undefined
      if (transport === undefined) {
        const made = new StreamableHTTPServerTransport({
          sessionIdGenerator: randomUUID,
          onsessioninitialized: (session) => void sessions.set(session, made),
        })
        await serve1(of).connect(made as never)
        transport = made
      }
      await transport.handleRequest(request, response, body)
    })()
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  return {
    url: new URL(`http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`),
    requests,
    async [Symbol.asyncDispose]() {
      for (const transport of sessions.values()) await transport.close()
      http.closeAllConnections()
      await new Promise((resolve) => http.close(resolve))
    },
  }
}

interface Message {
  method?: string
  params?: { arguments?: Record<string, string> }
}
