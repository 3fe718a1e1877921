import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeHalts } from '@gatewright/runtime'
import { storeAgents } from '@gatewright/runtime/identity'
import { sqliteStore } from '@gatewright/runtime/store'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../..')
const bin = join(root, 'packages/cli/src/bin.ts')

/** The shell commands of the page, in order. */
function commands(): string[] {
  const page = readFileSync(join(root, 'docs/runbook.md'), 'utf8')
  return [...page.matchAll(/```sh\n([^`]+)```/g)].flatMap(([, block = '']) => block.trim().split('\n'))
}

const SCOPES = ['everything', 'tool:sendEmail', 'agent:support@2.4.1', 'agent:support', 'user:alice']

test('every command of the runbook does what it says, on a store that an agent shares', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatewright-runbook-'))
  const path = join(folder, 'gatewright.db')
  const store = sqliteStore({ path })
  const halts = storeHalts(store, { leaseMs: 10_000, beatMs: 500 })
  try {
    await halts.opened()
    const agents = storeAgents({ store })
    const support = {
      id: 'support',
      type: 'support',
      version: '2.4.1',
      environment: 'test',
      owner: 'team:desk',
    }
    await agents.register(
      { ...support, expires: new Date('2999-01-01') },
      { by: 'user:robin', reason: 'CHG-311', signal: AbortSignal.timeout(30_000) },
    )
    const env = { ...process.env }
    const run = (command: string): Promise<string> =>
      new Promise((resolve, reject) => {
        // As a shell takes it, with the command that npx would find.
        const own = command.replace('npx gatewright', '"$NODE" --conditions=@gatewright/source "$BIN"')
        const options = { cwd: folder, env: { ...env, NODE: process.execPath, BIN: bin } }
        execFile('sh', ['-c', own], options, (error, out) => (error ? reject(error) : resolve(out)))
      })
    const names = (): string[] =>
      halts.list().map(({ scope }) => {
        const [[kind, name] = ['', '']] = Object.entries(scope)
        return name === true ? kind : `${kind}:${String(name)}`
      })

    const all = commands()
    expect(all.length).toBeGreaterThan(10)
    const done = new Set<string>()
    for (const command of all) {
      const [, variable, value] = /^export (\w+)=(.*)$/.exec(command) ?? []
      if (variable !== undefined && value !== undefined) {
        env[variable] = value
        continue
      }
      const [, verb = '', scope = ''] = /^npx gatewright (\w+) ?([^ -]\S*)?/.exec(command) ?? []
      const out = await run(command)
      done.add(verb)
      if (verb === 'halt') {
        expect(out).toContain(`Halted ${scope} at `)
        expect(out).toContain('1 process confirmed')
        expect(names()).toContain(scope)
      } else if (verb === 'halts') for (const one of SCOPES) expect(out).toContain(one.split(':').at(-1))
      else if (verb === 'resume') {
        expect(out).toContain(`Resumed ${scope}.`)
        await expect.poll(names).not.toContain(scope)
      } else if (verb === 'credentials') expect(out).toMatch(/^(?:No agent holds a|\S+ holds no) token\.$/m)
      else if (verb === 'agents') {
        expect(out).toMatch(/^registry: retired, confirmed/m)
        expect(out).not.toContain('NOT')
      }
    }
    expect([...done].toSorted()).toEqual(['agents', 'credentials', 'halt', 'halts', 'resume'])
  } finally {
    await halts[Symbol.asyncDispose]()
    await store.close()
    rmSync(folder, { recursive: true })
  }
}, 300_000)
