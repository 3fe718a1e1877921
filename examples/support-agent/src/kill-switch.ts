import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { sqliteStore, type Store } from '@gatewright/runtime/store'

const run = promisify(execFile)

/** A kill switch that the agent's process shares with an operator's: a store that both of them open. */
export interface KillSwitch extends AsyncDisposable {
  readonly store: Store
  /** Start another process that halts the agent; resolves with how many processes confirmed it to that one. */
  haltFromAnotherProcess(agent: string, by: string, reason: string): Promise<number>
}

export async function openKillSwitch(): Promise<KillSwitch> {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-demo-'))
  const path = join(folder, 'store.db')
  const store = sqliteStore({ path })
  return {
    store,
    async haltFromAnotherProcess(agent, by, reason) {
      const operator = join(import.meta.dirname, 'operator.ts')
      const given = ['--conditions=@gatewright/source', '--no-warnings', operator, path, agent, by, reason]
      const { stdout } = await run(process.execPath, given)
      return (JSON.parse(stdout) as { confirmed: number }).confirmed
    },
    async [Symbol.asyncDispose]() {
      await store.close()
      rmSync(folder, { recursive: true })
    },
  }
}
