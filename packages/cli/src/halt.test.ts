import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGuard, guardAgent, storeHalts } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { sqliteStore } from '@gatewright/runtime/store'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { said } from '../fixtures/said.ts'

let folder = ''
let file = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-halt-'))
  file = join(folder, 'state.db')
  await sqliteStore({ path: file }).close()
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describe('halt, halts and resume', () => {
  test('stop a tool in a process that runs, show who did it, and let it go on', async () => {
    const store = sqliteStore({ path: file })
    await using agent = storeHalts(store, { leaseMs: 4000 })
    await agent.opened()
    const subject = { run: 'r', agent: 'support@1', tool: 'sendEmail' }
    const at = ['--store', `sqlite:${file}`]
    const why = ['--reason', 'INC-42', '--by', 'robin']

    const halted = await said('halt', 'tool:sendEmail', ...why, ...at)
    expect(halted).toMatchObject({ code: 0, error: '' })
    expect(halted.out).toMatch(/^Halted tool:sendEmail at \S+Z\. 1 process confirmed\.\n$/)
    // No waiting: it was in force before the command came back.
    expect(agent.haltOf(subject)).toMatchObject({ by: 'robin', reason: 'INC-42' })

    expect((await said('halts', ...at)).out).toMatch(/^tool:sendEmail {2}since \S+Z, by robin: INC-42\n$/)
    expect(JSON.parse((await said('halts', '--json', ...at)).out)).toMatchObject([
      { scope: { tool: 'sendEmail' }, by: 'robin', reason: 'INC-42' },
    ])

    expect(await said('resume', 'tool:sendEmail', ...why, ...at)).toMatchObject({ code: 0, error: '' })
    await expect.poll(() => agent.haltOf(subject)).toBeUndefined()
    expect(await said('resume', 'tool:sendEmail', ...why, ...at)).toEqual({
      code: 1,
      out: '',
      error: 'gatewright: tool:sendEmail is not halted.\n',
    })
    expect((await said('halts', ...at)).out).toBe('Nothing is halted.\n')
    await agent[Symbol.asyncDispose]()
    await store.close()
  })

  test('say what followed in the processes of the store, and what goes on running there', async () => {
    const store = sqliteStore({ path: file })
    const asked = Promise.withResolvers<void>()
    const free = Promise.withResolvers<string>()
    const guard = createGuard({
      agent: { id: 'support', version: '1', expires: new Date('2100-01-01') },
      policy: policy({ version: '1', rules: [permitContracted] }),
      store,
      onHalt: [
        { name: 'tell the channel', run: () => {} },
        { name: 'revoke keys', run: () => Promise.reject(new Error('no route')) },
      ],
    })
    const agent = guardAgent(guard, {
      model: scriptedModel([callTool('search', {}), say('done')]),
      // It hears no signal.
      tools: { search: tool({ inputSchema: z.object({}), execute: () => (asked.resolve(), free.promise) }) },
      contracts: { search: 'read' },
    })
    const options = { principal: { subject: 'user:alice' as const }, conversation: 'c-1' }
    const played = Promise.resolve(agent.generate({ prompt: 'Go.', options })).catch(
      (error: unknown) => error,
    )
    await asked.promise
    const at = ['--store', `sqlite:${file}`]
    const halted = await said('halt', 'user:alice', '--reason', 'INC-42', ...at)
    expect(halted).toMatchObject({ code: 0, error: '' })
    const lines = halted.out.trimEnd().split('\n')
    expect(lines[0]).toMatch(/1 process confirmed\.$/)
    expect(lines.slice(1)).toEqual([
      'agent:support@1:',
      '  tell the channel: confirmed',
      '  revoke keys: NOT confirmed',
      expect.stringMatching(/^ {2}still running: search of run c-1, since \S+Z$/),
    ])
    expect(await played).toMatchObject({ code: 'ERR_HALTED' })
    free.resolve('late')
    await said('resume', 'user:alice', '--reason', 'INC-42', ...at)
    await guard[Symbol.asyncDispose]()
    await store.close()
  })

  test.for<[code: number, sentence: string, args: string[]]>([
    [2, 'which store?', ['halt', 'everything', '--reason', 'x']],
    [2, "there is no store at 'no-such.db'", ['halts', '--store', 'sqlite:no-such.db']],
    [2, "'mongodb:…' is not a store", ['halts', '--store', 'mongodb://user:secret@host']],
    [2, "required option '--reason <reason>'", ['halt', 'everything']],
    [2, "'sendEmail' is not a scope", ['halt', 'sendEmail', '--reason', 'x', '--store', 'FILE']],
    [2, 'halt.scope: expected one of', ['halt', 'tool:', '--reason', 'x', '--store', 'FILE']],
    [2, 'halt.reason: expected a reason', ['halt', 'tool:a', '--reason', ' ', '--store', 'FILE']],
    [1, 'The store could not be reached', ['halts', '--store', 'redis://user:secret@127.0.0.1:1']],
    [1, 'could not be reached (ECONNREFUSED)', ['halts', '--store', 'postgres://u:secret@127.0.0.1:1/x']],
  ])('exit code %i and one sentence: %s', async ([code, sentence, args]) => {
    const ended = await said(...args.map((one) => (one === 'FILE' ? `sqlite:${file}` : one)))
    expect(ended).toMatchObject({ code, out: '' })
    expect(ended.error).toContain(sentence)
    expect(ended.error).not.toContain('secret')
    expect(ended.error.trim().split('\n')).toHaveLength(1)
  })
})
