import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { chown, cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { postgresSchema } from '@gatewright/adapters/store/postgres'
import { Redis } from 'ioredis'
import { freePort, type Server } from '../servers.ts'
import { openPool, type StoreAt } from './open-store.ts'

const run = promisify(execFile)
const HOST = '127.0.0.1'
const STARTING_MS = 60_000

/** A durable server of a test's own, to be frozen, killed, started again, and given back what it had before. */
export interface OwnServer extends Server, AsyncDisposable {
  /** A store in it; through another port where a proxy stands before it. */
  at(own?: { readonly port?: number; readonly timeoutMs?: number }): StoreAt
  freeze(): void
  thaw(): void
  /** `kill -9`, of all its processes. */
  kill(): Promise<void>
  start(): Promise<void>
  /** Keeps a copy of its files; it must not run. */
  keep(): Promise<void>
  /** Puts the copy in their place; it must not run. */
  goBack(): Promise<void>
}

interface Kind {
  readonly command: string
  readonly args: (folder: string, port: number) => readonly string[]
  readonly user?: { readonly uid: number; readonly gid: number }
  readonly answers: (server: Server) => Promise<unknown>
  readonly at: (server: Server, timeoutMs: number) => StoreAt
}

/** Redis that writes each command to the disk before it answers. */
export async function durableRedis(more: readonly string[] = []): Promise<OwnServer> {
  return ownServer({
    command: 'redis-server',
    args: (folder, port) => [
      ...`--port ${port} --bind ${HOST} --dir ${folder} --save  --appendonly yes --appendfsync always`.split(
        ' ',
      ),
      ...more,
    ],
    async answers(server) {
      const client = new Redis({ ...server, lazyConnect: true, retryStrategy: () => null })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.ping()
      } finally {
        client.disconnect()
      }
    },
    at: ({ host, port }, timeoutMs) => ({ driver: 'ioredis', host, port, prefix: 'own', timeoutMs }),
  })
}

/** A cluster of one node: it refuses a script that works on keys of several slots, as any other does. */
export async function redisCluster(): Promise<OwnServer> {
  const server = await durableRedis(['--cluster-enabled', 'yes'])
  const client = new Redis(server)
  await client.cluster('ADDSLOTSRANGE', 0, 16383)
  while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await sleep(10)
  client.disconnect()
  return server
}

/** Undefined where PostgreSQL is not installed; with `CI=true` that is a failure. */
export async function findPostgresPrograms(): Promise<string | undefined> {
  const home = '/usr/lib/postgresql'
  const versions = existsSync(home) ? readdirSync(home).toSorted((a, b) => Number(b) - Number(a)) : []
  const installed = versions.map((version) => join(home, version, 'bin'))
  const paths = [...installed, ...(process.env['PATH'] ?? '').split(':')]
  const found = paths.find((path) => existsSync(join(path, 'initdb')) && existsSync(join(path, 'postgres')))
  if (found === undefined && process.env['CI'] === 'true')
    throw new Error('PostgreSQL is not installed, and its tests have to run here.')
  if (found === undefined)
    console.warn('SKIPPED: what needs a PostgreSQL of its own, which is not installed.')
  return found
}

/** PostgreSQL with a store laid out in it. It refuses to run as root, and so runs as its usual user then. */
export async function durablePostgres(programs: string): Promise<OwnServer> {
  const user = process.getuid?.() === 0 ? await userOf('postgres') : undefined
  const schema = 'own'
  const server = await ownServer({
    command: join(programs, 'postgres'),
    args: (folder, port) => {
      const set = {
        listen_addresses: HOST,
        unix_socket_directories: '',
        max_connections: 30,
        autovacuum: 'off',
      }
      const options = Object.entries(set).flatMap(([key, value]) => ['-c', `${key}=${value}`])
      return ['-D', join(folder, 'data'), '-p', `${port}`, ...options]
    },
    ...(user === undefined ? {} : { user }),
    async answers(where) {
      const pool = openPool(where)
      try {
        await pool.query('select 1')
      } finally {
        await pool.end()
      }
    },
    at: ({ host, port }, timeoutMs) => ({ driver: 'postgres', host, port, schema, timeoutMs }),
    async prepare(folder) {
      const options = ['-D', join(folder, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']
      await run(join(programs, 'initdb'), options, { ...user, cwd: folder })
    },
  })
  const pool = openPool(server)
  await pool.query(postgresSchema(schema))
  await pool.end()
  return server
}

async function ownServer(
  kind: Kind & { readonly prepare?: (folder: string) => Promise<void> },
): Promise<OwnServer> {
  const port = await freePort()
  const folder = await mkdtemp(join(tmpdir(), 'gatewright-server-'))
  const copy = `${folder}-copy`
  const { user } = kind
  if (user !== undefined) await chown(folder, user.uid, user.gid)
  await kind.prepare?.(folder)
  const server: Server = { host: HOST, port }
  let child: ChildProcess | undefined
  // PostgreSQL has a process for each connection.
  let frozen: readonly number[] = []

  async function start(): Promise<void> {
    const started = performance.now()
    for (;;) {
      child ??= spawn(kind.command, kind.args(folder, port), { ...user, cwd: folder, stdio: 'ignore' })
      try {
        await kind.answers(server)
        return
      } catch (error) {
        if (performance.now() - started > STARTING_MS) throw error
      }
      // What is left of the one before may not be gone yet.
      if (child.exitCode !== null) child = undefined
      await sleep(30)
    }
  }

  async function kill(): Promise<void> {
    const over = child
    child = undefined
    if (over?.pid === undefined || over.exitCode !== null || over.signalCode !== null) return
    const exited = new Promise((resolve) => {
      over.once('exit', resolve)
    })
    for (const pid of familyOf(over.pid)) signal(pid, 'SIGKILL')
    frozen = []
    await exited
  }

  await start()
  return {
    ...server,
    at: (own = {}) => kind.at({ host: HOST, port: own.port ?? port }, own.timeoutMs ?? 2000),
    freeze() {
      if (child?.pid === undefined) return
      frozen = familyOf(child.pid)
      for (const pid of frozen) signal(pid, 'SIGSTOP')
    },
    thaw() {
      for (const pid of frozen) signal(pid, 'SIGCONT')
      frozen = []
    },
    kill,
    start,
    async keep() {
      await rm(copy, { recursive: true, force: true })
      await cp(folder, copy, { recursive: true })
    },
    async goBack() {
      await rm(folder, { recursive: true })
      await cp(copy, folder, { recursive: true })
      if (user !== undefined) await run('chown', ['-R', `${user.uid}:${user.gid}`, folder])
      await run('chmod', ['-R', 'go-rwx', folder])
    },
    async [Symbol.asyncDispose]() {
      await kill()
      for (const path of [folder, copy]) await rm(path, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

/** A process, and those that it started. */
function familyOf(pid: number): readonly number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
  return [pid, ...children.split(' ').filter(Boolean).map(Number)]
}

function signal(pid: number, what: NodeJS.Signals): void {
  try {
    process.kill(pid, what)
  } catch {
    // It ended by itself.
  }
}

async function userOf(name: string): Promise<{ uid: number; gid: number }> {
  const ids = await Promise.all(['-u', '-g'].map((which) => run('id', [which, name])))
  const [uid = 0, gid = 0] = ids.map(({ stdout }) => Number(stdout))
  return { uid, gid }
}
