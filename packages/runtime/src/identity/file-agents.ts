import { open, readFile, realpath, rename, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { ConfigError } from '../errors.ts'
import { type AgentRecord, parsed, recordJson } from './agent-record.ts'
import { type AgentCall, type AgentRegistry, agentsUnavailable, keptRecord, registryOf } from './agents.ts'
import { withFileLock } from './file-lock.ts'

export interface FileAgentsOptions {
  /** Where the registry is kept. The first agent that is registered makes the file; its folder must be there. */
  readonly path: string
  readonly now?: () => Date
  /** How long to wait for other processes that change it, in milliseconds. Default 5,000. */
  readonly lockTimeoutMs?: number
}

const LARGEST_FILE = 16 * 1024 * 1024
const OTHERS_MAY_WRITE = 0o022

const FILE = z.strictObject({
  kind: z.literal('gatewright-agents', "'gatewright-agents'"),
  schema: z.literal(1, 'schema 1'),
  agents: z.array(z.unknown(), 'a list of agents'),
})

/**
 * A registry of agents in one JSON file, shared by the processes of one machine.
 *
 * A change replaces the file as a whole, on disk before its name, and one process changes it at a time: whoever is
 * killed meanwhile leaves the file as it was. A file that is malformed, or that others than its owner may write, is
 * refused: then no agent of it starts. No file is a registry with nobody in it.
 *
 * The file is as safe as its folder: no tool of an agent may be able to write there.
 */
export function fileAgents({
  path: given,
  now = () => new Date(),
  lockTimeoutMs = 5000,
}: FileAgentsOptions): AgentRegistry {
  if (typeof given !== 'string' || given === '') throw new ConfigError('path', given, 'the path of a file')
  const path = resolve(given)
  return registryOf(
    {
      name: 'agents in a file',
      async read(id, call) {
        return (await readAgents(path, call)).get(id)
      },
      async list(call) {
        return [...(await readAgents(path, call)).values()]
      },
      change: async (id, make, { signal }) =>
        await withFileLock(`${path}.lock`, { timeoutMs: lockTimeoutMs, signal }, async () => {
          const agents = await readAgents(path, { signal })
          const before = agents.get(id)
          const made = make(before)
          if (made === before) return made
          agents.set(id, made)
          await writeAgents(path, [...agents.values()])
          return made
        }),
    },
    { now },
  )
}

async function readAgents(path: string, { signal }: AgentCall): Promise<Map<string, AgentRecord>> {
  const text = await textOf(path, signal)
  const agents = new Map<string, AgentRecord>()
  if (text === undefined) return agents
  let json: unknown
  try {
    json = parsed('agents', FILE, JSON.parse(text)).agents
  } catch (error) {
    throw agentsUnavailable(error)
  }
  for (const [index, one] of (json as unknown[]).entries()) {
    const record = keptRecord(`agents.${index}`, one)
    if (agents.has(record.id)) throw agentsUnavailable(new Error(`agents.${index}: a second one of this id.`))
    agents.set(record.id, record)
  }
  return agents
}

async function textOf(path: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const { mode, size } = await stat(path)
    if ((mode & OTHERS_MAY_WRITE) !== 0)
      throw new ConfigError('path', path, 'a file that only its owner may write (chmod 600)')
    if (size > LARGEST_FILE) throw new ConfigError('path', size, `a file of at most ${LARGEST_FILE} bytes`)
    return await readFile(path, { encoding: 'utf8', signal })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    signal.throwIfAborted()
    throw agentsUnavailable(error)
  }
}

/** Under the lock, so one name for the draft will do; one that a killed process left is written over. */
async function writeAgents(path: string, agents: readonly AgentRecord[]): Promise<void> {
  const body = { kind: 'gatewright-agents', schema: 1, agents: agents.map(recordJson) }
  // A link stays a link: what it leads to is replaced.
  const target = await realpath(path).catch(() => path)
  const draft = `${target}.new`
  const file = await open(draft, 'w', 0o600)
  try {
    await file.writeFile(`${JSON.stringify(body, undefined, 2)}\n`)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, target)
  const folder = await open(dirname(target), 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
