import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGuard, storeHalts } from '@gatewright/runtime'
import { type AgentRecord, type RetireStep, storeAgents } from '@gatewright/runtime/identity'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { sqliteStore } from '@gatewright/runtime/store'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Said, saidTo } from '../fixtures/said.ts'

let folder = ''
let db = ''
let file = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-agents-cli-'))
  db = join(folder, 'state.db')
  file = join(folder, 'agents.json')
  await sqliteStore({ path: db }).close()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const said = (args: readonly string[], isColoured = false): Promise<Said> =>
  saidTo({ isColoured }, ['agents', ...args])

const WHY = ['--reason', 'CHG-1', '--by', 'robin']
const SPEC = ['--type', 'support', '--version', '1', '--environment', 'prod', '--owner', 'team:desk']
const BOTH: readonly [string, () => string[]][] = [
  ['a store', () => ['--store', `sqlite:${db}`]],
  ['a file', () => ['--file', file]],
]

describe('agents', () => {
  test.each(BOTH)('are registered, shown, changed and rotated in %s', async (_, where) => {
    const at = where()
    const credentials = ['--client', 'c-1', '--issuer', 'https://id.example', '--key', 'k-1', 'k-2']
    const bounds = ['--expires', '90d', '--allow', 'lookup,pay', '--max-sessions', '3']
    const made = await said(['register', 'desk', ...SPEC, ...bounds, ...credentials, ...WHY, ...at])
    expect(made).toMatchObject({ code: 0, error: '' })
    expect(made.out).toMatch(/^Registered desk@1, revision 1; expires \S+Z\.\n$/)

    expect((await said(['list', ...at])).out).toBe('desk@1  active  support, prod, of team:desk\n')
    await said(['update', 'desk', '--deny', 'pay', '--allow', 'none', ...WHY, ...at])
    await said(['rotate', 'desk', '--version', '2', '--overlap', '1h', ...WHY, ...at])
    const record = JSON.parse((await said(['show', 'desk', '--json', ...at])).out) as AgentRecord
    expect(record).toMatchObject({
      version: '2',
      deniedTools: ['pay'],
      maxSessions: 3,
      overlaps: [{ version: '1', credentials: [{ client: 'c-1', keys: ['k-1', 'k-2'] }] }],
      changes: [
        { action: 'registered', by: 'robin', reason: 'CHG-1' },
        { action: 'updated' },
        { action: 'rotated' },
      ],
    })
    expect(record.allowedTools).toBeUndefined()
    const shown = (await said(['show', 'desk', ...at])).out
    expect(shown).toMatch(/may not call\s+pay\n/)
    expect(shown).toMatch(/revision 2\s+updated at \S+Z by robin: CHG-1 \(allowedTools, deniedTools\)\n/)
  })

  test('an operator who looked at another revision changes nothing', async () => {
    const at = ['--file', file]
    const late = await said(['update', 'desk', '--deny', 'none', '--revision', '1', ...WHY, ...at])
    expect(late).toMatchObject({ code: 1, out: '' })
    expect(late.error).toContain('look at it again')
    expect((await said(['show', 'desk', '--json', ...at])).out).toContain('"deniedTools":["pay"]')
  })

  test('retire one, and say what became of what it held: a run of it stops', async () => {
    const store = sqliteStore({ path: db })
    // On a machine that is busy two seconds pass without word from the store, and then everything is halted here.
    const halts = storeHalts(store, { leaseMs: 60_000, beatMs: 50 })
    const guard = createGuard({
      agent: { id: 'desk', version: '2' },
      agents: storeAgents({ store }),
      store,
      halts,
      policy: policy({ version: '1', rules: [permitContracted] }),
    })
    const going = await guard.startRun({ principal: { subject: 'user:alice' } })
    expect((await said(['show', 'desk', '--store', `sqlite:${db}`])).out).toMatch(
      /sessions\s+1 now; at most 3/,
    )

    const retired = await said(['retire', 'desk', '--json', ...WHY, '--store', `sqlite:${db}`])
    expect(going.signal.aborted).toBe(true)
    const steps = JSON.parse(retired.out) as RetireStep[]
    expect(steps.map(({ system, confirmed }) => [system, confirmed])).toEqual([
      ['registry', true],
      ['halts', true],
      ['credentials', true],
      ['https://id.example', false],
      ['https://id.example', false],
      ['sessions', true],
    ])
    // The client at the authorization server is for its operator to remove, and the code says that it is left.
    expect(retired.code).toBe(1)
    await expect(guard.startRun({ principal: { subject: 'user:alice' } })).rejects.toThrow('halted')
    await guard.resume(
      { agent: 'desk' },
      { by: 'robin', reason: 'a halt that was lifted lets it act no more' },
    )
    await expect(guard.startRun({ principal: { subject: 'user:alice' } })).rejects.toThrow('retired')
    await guard[Symbol.asyncDispose]()
    await halts[Symbol.asyncDispose]()
    await store.close()
  })

  test('retire one in a file alone, and say that no process was told', async () => {
    const retired = await said(['retire', 'desk', ...WHY, '--file', file])
    expect(retired.code).toBe(1)
    expect(retired.out).toMatch(/^registry: retired, confirmed: /m)
    expect(retired.out).toMatch(/^halts: none, NOT confirmed: no store was named/m)
    const again = await said(['update', 'desk', '--owner', 'me', ...WHY, '--file', file])
    expect(again).toMatchObject({ code: 1, error: 'gatewright: This agent has been retired.\n' })
    expect((await said(['list', '--file', file])).out).toContain('retired')
  })

  test('colours are for terminals alone, and what a record holds does not act on one', async () => {
    const at = ['--file', join(folder, 'odd.json')]
    const owner = ['--owner', 'team\u001b[2J']
    await said(['register', 'odd', ...SPEC, ...owner, '--expires', '1d', ...WHY, ...at])
    const plain = await said(['list', ...at])
    expect(plain.out).not.toContain('\u001b')
    expect(plain.out).toContain('\\u{1b}[2J')
    const coloured = await said(['list', ...at], true)
    expect(coloured.out).toContain('\u001b[32mactive\u001b[39m')
    expect(coloured.out).not.toContain('\u001b[2J')
  })

  test('a registry that is half written is refused in one sentence', async () => {
    const path = join(folder, 'half.json')
    await said(['register', 'a', ...SPEC, '--expires', '1d', ...WHY, '--file', path])
    const text = await readFile(path, 'utf8')
    await writeFile(path, text.replace('"active"', '"trusted"'))
    const ended = await said(['list', '--file', path])
    expect(ended).toMatchObject({ code: 1, out: '' })
    expect(ended.error).toContain("agents.0.status: expected 'active' or 'retired'; got 'trusted'")
  })

  test.each<[code: number, sentence: string, args: readonly string[]]>([
    [2, 'which registry?', ['list']],
    [2, "there is no registry at 'none.json'", ['list', '--file', 'none.json']],
    [2, "required option '--reason <reason>'", ['retire', 'a', '--file', 'FILE']],
    [2, "required option '--expires <when>'", ['register', 'a', ...SPEC, ...WHY, '--file', 'FILE']],
    [
      2,
      "'2030-01-31' is not a time",
      ['register', 'a', ...SPEC, ...WHY, '--expires', '2030-01-31', '--file', 'FILE'],
    ],
    [2, "'soon' is not a span", ['rotate', 'a', '--overlap', 'soon', ...WHY, '--file', 'FILE']],
    [
      2,
      'agent.expires: expected a time that is still to come',
      ['register', 'a', ...SPEC, ...WHY, '--expires', '2020-01-31T00:00:00Z', '--file', 'FILE'],
    ],
    [
      2,
      'agent.id: expected a name without @',
      ['register', 'a@b', ...SPEC, ...WHY, '--expires', '1d', '--file', 'FILE'],
    ],
    [2, '--issuer and --key need --client', ['rotate', 'a', '--key', 'k', ...WHY, '--file', 'FILE']],
    [2, 'rotation: expected something to rotate', ['rotate', 'desk', ...WHY, '--file', 'FILE']],
    [2, "'x' is not a whole number", ['update', 'a', '--max-sessions', 'x', ...WHY, '--file', 'FILE']],
    [1, "There is no agent 'nobody'", ['show', 'nobody', '--file', 'FILE']],
    [1, 'There is no such agent', ['retire', 'nobody', ...WHY, '--file', 'FILE']],
    [1, 'look at it again', ['register', 'desk', ...SPEC, ...WHY, '--expires', '1d', '--file', 'FILE']],
    [1, 'could not be read (ECONNREFUSED)', ['list', '--store', 'postgres://u:secret@127.0.0.1:1/x']],
  ])('exit code %i and one sentence: %s', async (code, sentence, args) => {
    const ended = await said(args.map((one) => (one === 'FILE' ? file : one)))
    expect(ended).toMatchObject({ code, out: '' })
    expect(ended.error).toContain(sentence)
    expect(ended.error).not.toContain('secret')
    expect(ended.error.trim().split('\n')).toHaveLength(1)
  })
})
