import { spawn } from 'node:child_process'
import { chmod, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { describeAgents } from '../testing/agents-conformance.ts'
import type { AgentSpec } from './agent-record.ts'
import { fileAgents } from './file-agents.ts'

let folder = ''
let path = ''
let count = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-agents-'))
})
beforeEach(() => {
  count += 1
  path = join(folder, `agents-${count}.json`)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describeAgents('agents in a file', { open: (now) => fileAgents({ path, now }) }, { describe, test })

const signal = new AbortController().signal
const by = { by: 'user:ops', reason: 'CHG-1', signal }
const spec = (id: string): AgentSpec => ({
  id,
  type: 'support',
  version: '1',
  environment: 'test',
  owner: 'team:desk',
  expires: new Date(Date.now() + 3_600_000),
  deniedTools: ['pay'],
})

test('no file is a registry with nobody in it', async () => {
  expect(await fileAgents({ path }).get('support', { signal })).toBeUndefined()
  expect(await fileAgents({ path }).list({ signal })).toEqual([])
})

test('the file is its owner’s alone, and no draft or lock of a change stays in the way', async () => {
  await fileAgents({ path }).register(spec('a'), by)
  await fileAgents({ path }).register(spec('b'), by)
  expect((await readdir(folder)).filter((name) => name.startsWith(`agents-${count}.`))).toEqual([
    `agents-${count}.json`,
    `agents-${count}.json.lock`,
  ])
})

describe('a file is refused, and with it every agent in it,', () => {
  const unusable = { code: 'ERR_AGENTS_UNAVAILABLE' }

  test('that was cut off anywhere', async () => {
    await fileAgents({ path }).register(spec('a'), by)
    const text = await readFile(path, 'utf8')
    for (const size of [0, 1, Math.floor(text.length / 3), text.length - 10, text.length - 3]) {
      await writeFile(path, text.slice(0, size))
      await expect(fileAgents({ path }).get('a', { signal }), `${size} bytes`).rejects.toMatchObject(unusable)
      await expect(fileAgents({ path }).register(spec('b'), by)).rejects.toMatchObject(unusable)
    }
    await writeFile(path, text)
    expect(await fileAgents({ path }).get('a', { signal })).toMatchObject({ id: 'a' })
  })

  test('that others than its owner may write', async () => {
    await fileAgents({ path }).register(spec('a'), by)
    for (const mode of [0o620, 0o602, 0o666]) {
      await chmod(path, mode)
      await expect(fileAgents({ path }).get('a', { signal })).rejects.toMatchObject(unusable)
    }
    await chmod(path, 0o644)
    expect(await fileAgents({ path }).get('a', { signal })).toMatchObject({ id: 'a' })
  })

  test.each<[string, (text: string) => string]>([
    ['a bound taken out by a typo in its name', (text) => text.replace('deniedTools', 'deniedTool')],
    ['an end that is no time', (text) => text.replace(/"expires": "[^"]*"/, '"expires": "never"')],
    ['no end', (text) => text.replace(/"expires": "[^"]*",/, '')],
    ['a status of its own', (text) => text.replace('"active"', '"trusted"')],
    ['a history that was cut', (text) => text.replace('"revision": 1', '"revision": 2')],
    ['another schema', (text) => text.replace('"schema": 1', '"schema": 2')],
  ])('that holds %s', async (_, edit) => {
    await fileAgents({ path }).register(spec('a'), by)
    const text = await readFile(path, 'utf8')
    const edited = edit(text)
    expect(edited).not.toBe(text)
    await writeFile(path, edited)
    await expect(fileAgents({ path }).get('a', { signal })).rejects.toMatchObject(unusable)
  })

  test('that holds two agents of one id', async () => {
    await fileAgents({ path }).register(spec('a'), by)
    const body = JSON.parse(await readFile(path, 'utf8')) as { agents: unknown[] }
    await writeFile(path, JSON.stringify({ ...body, agents: [...body.agents, ...body.agents] }))
    await expect(fileAgents({ path }).get('a', { signal })).rejects.toMatchObject(unusable)
  })
})

describe('several processes', () => {
  const WRITER = `
    const { fileAgents } = await import('@gatewright/runtime/identity')
    const [path, owner, tries] = process.argv.slice(1)
    const agents = fileAgents({ path, lockTimeoutMs: 20_000 })
    const signal = new AbortController().signal
    console.log('ready')
    let made = 0
    for (let i = 0; i < Number(tries); i += 1) {
      await agents.update('a', { owner: owner + i + 'x'.repeat(900) }, { by: owner, reason: 'race', signal })
      made += 1
      if (made === 5) console.log('going')
    }
    console.log('made ' + made)
  `
  const start = (owner: string, tries: number) => {
    const child = spawn(
      process.execPath,
      [
        '--conditions=@gatewright/source',
        '--no-warnings',
        '--input-type=module',
        '-e',
        WRITER,
        path,
        owner,
        `${tries}`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'], cwd: import.meta.dirname },
    )
    let said = ''
    child.stdout.on('data', (data: Buffer) => (said += data.toString()))
    const exited = new Promise<void>((resolve) => void child.once('exit', () => resolve()))
    return { child, exited, said: () => said }
  }

  test('change one file, and no change is lost', async () => {
    await fileAgents({ path }).register(spec('a'), by)
    const writers = ['p', 'q'].map((owner) => start(owner, 20))
    await Promise.all(writers.map(({ exited }) => exited))
    expect(writers.map(({ said }) => said().includes('made 20'))).toEqual([true, true])
    const record = await fileAgents({ path }).get('a', { signal })
    expect(record?.revision).toBe(41)
    expect(record?.changes.filter(({ by: who }) => who === 'p')).toHaveLength(20)
  })

  test('one that is killed while it writes leaves a whole file and no lock', async () => {
    await fileAgents({ path }).register(spec('a'), by)
    for (let round = 0; round < 3; round += 1) {
      const { child, exited, said } = start('k', 100_000)
      await expect.poll(said).toContain('going')
      child.kill('SIGKILL')
      await exited
      const record = await fileAgents({ path }).get('a', { signal })
      expect(record?.deniedTools).toEqual(['pay'])
      const next = await fileAgents({ path, lockTimeoutMs: 1000 }).update('a', { owner: 'me' }, by)
      expect(next.revision).toBe((record?.revision ?? 0) + 1)
    }
  })
})
