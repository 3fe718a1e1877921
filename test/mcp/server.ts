import { Server as Server1 } from '@modelcontextprotocol/sdk/server/index.js'
import { InMemoryTransport as Transport1 } from '@modelcontextprotocol/sdk/inMemory.js'
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { Client as Client2, InMemoryTransport as Transport2 } from '@modelcontextprotocol/client'
import { Server as Server2 } from '@modelcontextprotocol/server'

export type Version = 1 | 2
export const VERSIONS = [1, 2] as const

/** A tool as a server lists it. */
export interface ServedTool {
  name: string
  title?: string
  description?: string
  inputSchema: { type: 'object'; properties?: Record<string, object>; required?: string[] }
  outputSchema?: object
  annotations?: object
}

/** What a server can ask of a client while it carries out a call. */
export interface Asking {
  elicit(message: string): Promise<unknown>
  sample(text: string): Promise<unknown>
}

/** A server whose owner may change anything at any time. */
export interface Served {
  tools: ServedTool[]
  /** Calls that reached it. */
  readonly calls: { name: string; args: Record<string, unknown> }[]
  /** How often it was asked for its list. */
  lists: number
  answer: (name: string, args: Record<string, unknown>, asking: Asking) => unknown
}

export function served(tools: ServedTool[], answer: Served['answer']): Served {
  return { tools, calls: [], lists: 0, answer }
}

export const text = (words: string): object => ({ content: [{ type: 'text', text: words }] })

export const schema = (...keys: string[]): ServedTool['inputSchema'] => ({
  type: 'object',
  properties: Object.fromEntries(keys.map((key) => [key, { type: 'string' }])),
  required: keys,
})

export interface Linked extends AsyncDisposable {
  readonly client: Client1 | Client2
  /** The server says that its list of tools has changed, and the client has heard it. */
  changed(): Promise<void>
}

const INFO = { name: 'test', version: '1.0.0' }

/** A real client and a real server of these versions, linked in this process. */
export async function linked(
  of: Served,
  { client = 2, server = 2, asks = false }: { client?: Version; server?: Version; asks?: boolean } = {},
): Promise<Linked> {
  const capabilities = asks ? { elicitation: { form: {} }, sampling: {}, roots: {} } : {}
  const made = client === 1 ? new Client1(INFO, { capabilities }) : new Client2(INFO, { capabilities })
  const theirs = server === 1 ? serve1(of) : serve2(of)
  const [a, b] = client === 1 ? Transport1.createLinkedPair() : Transport2.createLinkedPair()
  await Promise.all([theirs.connect(b as never), made.connect(a as never)])
  return {
    client: made,
    async changed() {
      await theirs.sendToolListChanged()
      await new Promise((resolve) => setImmediate(resolve))
    },
    async [Symbol.asyncDispose]() {
      await made.close()
      await theirs.close()
    },
  }
}

const CAPABILITIES = { capabilities: { tools: { listChanged: true } } }

export function serve1(of: Served): Server1 {
  const server = new Server1(INFO, CAPABILITIES)
  server.setRequestHandler(ListToolsRequestSchema, () => list(of) as never)
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => call(of, params, server as never) as never)
  return server
}

export function serve2(of: Served): Server2 {
  const server = new Server2(INFO, CAPABILITIES)
  server.setRequestHandler('tools/list', () => list(of) as never)
  server.setRequestHandler('tools/call', ({ params }) => call(of, params, server as never) as never)
  return server
}

function list(of: Served): object {
  of.lists += 1
  return { tools: of.tools }
}

interface Asked {
  elicitInput(params: object): Promise<unknown>
  createMessage(params: object): Promise<unknown>
}

async function call(
  of: Served,
  { name, arguments: args = {} }: { name: string; arguments?: Record<string, unknown> | undefined },
  server: Asked,
): Promise<unknown> {
  of.calls.push({ name, args })
  return await of.answer(name, args, {
    elicit: (message) =>
      server.elicitInput({
        message,
        requestedSchema: { type: 'object', properties: { answer: { type: 'string' } } },
      }),
    sample: (words) =>
      server.createMessage({
        messages: [{ role: 'user', content: { type: 'text', text: words } }],
        maxTokens: 100,
      }),
  })
}
