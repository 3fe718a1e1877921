import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { USER_MESSAGE, type UserMessage, userMessageSigner } from '@gatewright/adapters/mcp'
import { Client as Client1 } from '@modelcontextprotocol/sdk/client/index.js'
import { StdioClientTransport as Transport1 } from '@modelcontextprotocol/sdk/client/stdio.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { Client as Client2 } from '@modelcontextprotocol/client'
import { StdioClientTransport as Transport2 } from '@modelcontextprotocol/client/stdio'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { run } from 'gatewright'
import type { Version } from './server.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const EXAMPLE = join(ROOT, 'examples', 'mcp-proxy')
const CLI = ['--conditions=@gatewright/source', '--no-warnings', join(ROOT, 'packages/cli/src/bin.ts')]
const INFO = { name: 'editor', version: '1.0.0' }

export type Client = Client1 | Client2
export type Result = { isError?: boolean; content: { text: string }[] }

/** A directory with a proxy's configuration in it, and what came of it. */
export interface Place extends AsyncDisposable {
  readonly directory: string
  readonly config: string
  /** The server itself, with nothing in front of it. */
  readonly bare: { command: string; args: string[] }
  readonly proxy: { command: string; args: string[] }
  /** What was really sent. */
  outbox(): Promise<{ to: string; body: string }[]>
  audit(): Promise<Record<string, unknown>[]>
  /** Sign as the application, or with another key. */
  sign(message: UserMessage, options?: { key?: JWK; now?: Date; id?: string }): Promise<string>
  /** Run a command of `gatewright`. */
  run(args: readonly string[]): Promise<{ code: number; out: string; error: string }>
}

/** The example, somewhere that a test may write. */
export async function openPlace(changes: Record<string, unknown> = {}): Promise<Place> {
  const directory = await mkdtemp(join(tmpdir(), 'gatewright-proxy-'))
  const config = join(directory, 'proxy.json')
  const outbox = join(directory, 'outbox.jsonl')
  const pair = await generateKeyPair('Ed25519', { extractable: true })
  const example = JSON.parse(await readFile(join(EXAMPLE, 'proxy.json'), 'utf8')) as object
  const bare = { command: process.execPath, args: [join(EXAMPLE, 'src', 'desk-server.ts'), outbox] }
  const settings = {
    ...example,
    contracts: join(EXAMPLE, 'src', 'contracts.ts'),
    pins: join(EXAMPLE, 'pins.json'),
    mcpServers: { desk: bare },
    userMessages: { keys: { app: await exportJWK(pair.publicKey) } },
    ...changes,
  }
  await writeFile(config, JSON.stringify(settings))
  const lines = async <T>(file: string): Promise<T[]> =>
    (await readFile(file, 'utf8').catch(() => ''))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as T)
  return {
    directory,
    config,
    bare,
    proxy: { command: process.execPath, args: [...CLI, 'mcp', 'proxy', '--config', config] },
    outbox: () => lines(outbox),
    audit: () => lines(join(directory, 'audit.jsonl')),
    async sign(message, { key, now = new Date(), id = randomUUID() } = {}) {
      const privateKey = key ?? (await exportJWK(pair.privateKey))
      return await userMessageSigner({ privateKey, kid: 'app', now: () => now, newId: () => id })(message)
    },
    async run(args) {
      let [out, error] = ['', '']
      const code = await run(args, {
        out: async (text) => void (out += text),
        error: async (text) => void (error += text),
        isColoured: false,
      })
      return { code, out, error }
    },
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  }
}

export interface Started extends AsyncDisposable {
  readonly client: Client
  /** How often the client was told that the list of tools has changed. */
  readonly changes: () => number
  /** What the process wrote to its error stream so far. */
  readonly said: () => string
  call(name: string, args?: Record<string, unknown>, message?: string): Promise<Result>
  /** The run, as an application finds it. */
  run(): Promise<string>
}

/** A real client that starts the process, as an editor does. */
export async function start(
  version: Version,
  { command, args }: { command: string; args: string[] },
): Promise<Started> {
  const client = version === 1 ? new Client1(INFO) : new Client2(INFO)
  const transport =
    version === 1
      ? new Transport1({ command, args, stderr: 'pipe' })
      : new Transport2({ command, args, stderr: 'pipe' })
  let said = ''
  transport.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()))
  await client.connect(transport as never)
  return using(client, () => said)
}

export function using(client: Client, said: () => string): Started {
  let changes = 0
  if (client instanceof Client1)
    client.setNotificationHandler(ToolListChangedNotificationSchema, () => void (changes += 1))
  else client.setNotificationHandler('notifications/tools/list_changed', () => void (changes += 1))
  return {
    client,
    changes: () => changes,
    said,
    async call(name, given = {}, message) {
      const meta = message === undefined ? {} : { _meta: { [USER_MESSAGE]: message } }
      return (await client.callTool({ name, arguments: given, ...meta })) as Result
    },
    async run() {
      const { _meta: meta } = await client.listTools()
      return String(meta?.['gatewright/run'])
    },
    [Symbol.asyncDispose]: () => client.close(),
  }
}

export interface Listening extends AsyncDisposable {
  readonly said: () => string
}

/** Start a proxy that listens, and wait until it does. */
export async function listen({ command, args }: { command: string; args: string[] }): Promise<Listening> {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (said.includes('Listening on')) resolve()
    })
    child.once('exit', (code) => reject(new Error(`The proxy ended with ${String(code)}: ${said}`)))
  })
  return {
    said: () => said,
    async [Symbol.asyncDispose]() {
      const over = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await over
    },
  }
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
