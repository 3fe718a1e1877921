import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'

const HOST = '127.0.0.1'
const STARTING_MS = 5000

/** A Redis of this benchmark's own, which it may freeze. */
export interface FreezableRedis extends AsyncDisposable {
  readonly port: number
  /** Stops its process, as a machine does that hangs: connections stay open, and nothing answers. */
  freeze(): void
  thaw(): void
}

/** @throws If Redis is not installed. */
export async function startRedis(): Promise<FreezableRedis> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-bench-'))
  const options = ['--port', `${port}`, '--bind', HOST, '--save', '', '--dir', folder]
  const child = spawn('redis-server', options, { stdio: 'ignore' })
  await once(child, 'spawn')
  const client = new Redis({ host: HOST, port, maxRetriesPerRequest: null, retryStrategy: () => 20 })
  client.on('error', () => {})
  const answer = await Promise.race([client.ping(), sleep(STARTING_MS, undefined, { ref: false })])
  client.disconnect()
  if (answer === undefined) throw new Error('The Redis that was started does not answer.')
  return {
    port,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit')
      child.kill('SIGKILL')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, HOST)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
