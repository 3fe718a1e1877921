import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../servers.ts'

const STARTING_MS = 60_000

/** A real Cerbos with some policies, for one test file. */
export interface CerbosServer extends AsyncDisposable {
  readonly url: string
}

/**
 * Start the Cerbos server that the npm package `cerbos` brings. Undefined, and said aloud, where there is none for this
 * platform; with `CI=true` that is a failure.
 */
export async function startCerbos(
  policies: Readonly<Record<string, string>>,
): Promise<CerbosServer | undefined> {
  const binary = findBinary()
  if (binary === undefined) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-cerbos-'))
  const [http, grpc] = [await freePort(), await freePort()]
  mkdirSync(join(folder, 'policies'))
  for (const [name, text] of Object.entries(policies)) writeFileSync(join(folder, 'policies', name), text)
  const config = {
    server: { httpListenAddr: `127.0.0.1:${http}`, grpcListenAddr: `127.0.0.1:${grpc}` },
    storage: { driver: 'disk', disk: { directory: join(folder, 'policies'), watchForChanges: false } },
    telemetry: { disabled: true },
  }
  writeFileSync(join(folder, 'config.yaml'), JSON.stringify(config))
  const child = spawn(binary, ['server', '--config', join(folder, 'config.yaml')], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()))
  const url = `http://127.0.0.1:${http}`
  const began = performance.now()
  while (!(await isHealthy(url))) {
    if (child.exitCode !== null || performance.now() - began > STARTING_MS)
      throw new Error(`Cerbos did not start: ${said.slice(-2000)}`)
    await sleep(50)
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      const exited = new Promise((resolve) => {
        child.once('exit', resolve)
      })
      child.kill('SIGTERM')
      await exited
      rmSync(folder, { recursive: true })
    },
  }
}

function findBinary(): string | undefined {
  const name = `@cerbos/cerbos-${process.platform}-${process.arch}`
  try {
    // The package that says which version it is, and the one beside it that holds the server.
    const cerbos = createRequire(createRequire(import.meta.url).resolve('cerbos/package.json'))
    return join(cerbos.resolve(`${name}/package.json`), '..', `cerbos-${process.platform}-${process.arch}`)
  } catch (cause) {
    if (process.env['CI'] === 'true')
      throw new Error(`${name} is not installed, and the tests of Cerbos have to run here.`, { cause })
    console.warn(`SKIPPED: the tests of Cerbos, since ${name} is not installed.`)
    return undefined
  }
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/_cerbos/health`)
    return response.ok
  } catch {
    return false
  }
}
