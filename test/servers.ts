import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const HOST = '127.0.0.1'
const STARTING_MS = 60_000

/** A server on this machine. */
export interface Server {
  readonly host: string
  readonly port: number
}

/**
 * Redis or Valkey at the usual port, started if it is installed and does not run. Undefined, and said aloud, if it is
 * not there, for its tests to be skipped; with `CI=true` that is a failure.
 */
export async function findRedis(): Promise<Server | undefined> {
  return found('Redis', 6379, async () => {
    const options = ['--port', '6379', '--bind', HOST, '--save', '', '--daemonize', 'yes']
    await firstOf([
      ['redis-server', ...options],
      ['valkey-server', ...options],
    ])
  })
}

/** PostgreSQL at the usual port, likewise. */
export async function findPostgres(): Promise<Server | undefined> {
  return found('PostgreSQL', 5432, async () => {
    const { stdout } = await run('pg_lsclusters', ['--no-header'])
    const [version = '', cluster = ''] = stdout.trim().split(/\s+/)
    await run('pg_ctlcluster', [version, cluster, 'start'])
  })
}

/** Where PostgreSQL with pgvector is, as `scripts/pgvector.sh` has prepared it: the URL of a superuser. */
export async function findPgvector(): Promise<string | undefined> {
  try {
    const { stdout } = await run(join(import.meta.dirname, '../scripts/pgvector.sh'), ['--prepared'])
    return stdout.trim()
  } catch (cause) {
    if (process.env['CI'] === 'true')
      throw new Error('There is no PostgreSQL with pgvector, and its tests have to run here.', { cause })
    console.warn('SKIPPED: the tests of PostgreSQL with pgvector; scripts/pgvector.sh prepares one.')
    return undefined
  }
}

/** A server of a test's own, to be frozen, killed and started again with what it last saved. */
export interface OwnRedis extends Server {
  freeze(): void
  thaw(): void
  kill(): Promise<void>
  start(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function ownRedis(): Promise<OwnRedis> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-redis-'))
  const launch = async (): Promise<ReturnType<typeof spawn>> => {
    const options = ['--port', `${port}`, '--bind', HOST, '--save', '', '--dir', folder]
    const started = spawn('redis-server', options, { stdio: 'ignore' })
    await reachable(port)
    return started
  }
  let child = await launch()
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exited = new Promise((resolve) => {
      child.once('exit', resolve)
    })
    child.kill('SIGKILL')
    await exited
  }
  return {
    host: HOST,
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    kill,
    async start() {
      child = await launch()
    },
    async [Symbol.asyncDispose]() {
      await kill()
      rmSync(folder, { recursive: true })
    },
  }
}

/** A way to a server that can be made slow, silent or broken, where the server itself belongs to others. */
export interface Proxy extends Server, Disposable {
  /** Delays what the server says, in milliseconds; for ever if Infinity. */
  delay(ms: number): void
  /** Breaks all connections, as a server does that is killed. */
  cut(): void
}

export async function proxyTo(server: Server): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let delayMs = 0
  const proxy = createServer((near) => {
    const far = connect(server)
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => {
        sockets.delete(socket)
        near.destroy()
        far.destroy()
      })
    }
    near.on('data', (data) => far.write(data))
    far.on('data', (data) => {
      if (delayMs === 0) near.write(data)
      else if (delayMs < Infinity) setTimeout(() => near.writable && near.write(data), delayMs)
    })
  })
  await new Promise<void>((resolve) => {
    proxy.listen(0, HOST, resolve)
  })
  const cut = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    host: HOST,
    port: portOf(proxy.address()),
    delay(ms) {
      delayMs = ms
    },
    cut,
    [Symbol.dispose]() {
      proxy.close()
      cut()
    },
  }
}

/** A port at which nobody listens. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, HOST, resolve)
  })
  const port = portOf(server.address())
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return port
}

function portOf(address: ReturnType<ReturnType<typeof createServer>['address']>): number {
  if (address === null || typeof address === 'string') throw new Error('No port was given.')
  return address.port
}

async function found(name: string, port: number, start: () => Promise<void>): Promise<Server | undefined> {
  const server = { host: HOST, port }
  if (await isReachable(port)) return server
  try {
    await start()
    await reachable(port)
    console.warn(`Started ${name} at port ${port}, where it stays.`)
    return server
  } catch (cause) {
    if (process.env['CI'] === 'true')
      throw new Error(`${name} is neither running nor installed, and its tests have to run here.`, { cause })
    console.warn(`SKIPPED: the tests of ${name}, which is neither running nor installed.`)
    return undefined
  }
}

async function firstOf(commands: readonly (readonly [string, ...string[]])[]): Promise<void> {
  for (const [command, ...args] of commands) {
    try {
      await run(command, args)
      return
    } catch {
      // The next one may be installed.
    }
  }
  throw new Error('None of them is installed.')
}

async function reachable(port: number): Promise<void> {
  const started = performance.now()
  while (!(await isReachable(port))) {
    if (performance.now() - started > STARTING_MS) throw new Error(`Nothing came up at port ${port}.`)
    await sleep(20)
  }
}

async function isReachable(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: HOST, port })
    const done = (is: boolean): void => {
      socket.destroy()
      resolve(is)
    }
    socket.once('connect', () => done(true))
    socket.once('error', () => done(false))
    socket.setTimeout(1000, () => done(false))
  })
}
