import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { GuardError } from '@gatewright/runtime'
import { fileAgents, memoryAgents, storeAgents } from '@gatewright/runtime/identity'
import { memoryStore, sqliteStore } from '@gatewright/runtime/store'
import { callTool } from '@gatewright/runtime/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ALICE, by, desk, HOUR, play, registered, shop, signal, specOf } from './world.ts'

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatewright-identity-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const lookup = callTool('lookup', {})
const pay = callTool('pay', {})
const codeOf = async (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => 'none',
    (error: GuardError) => error.code,
  )

describe('an agent cannot start a run', () => {
  test('that nobody registered', async () => {
    expect(await codeOf(desk(memoryAgents()).guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_UNKNOWN')
  })

  test('in a version that nobody registered', async () => {
    const { guard } = desk(await registered({ version: '2' }))
    expect(await codeOf(guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_UNKNOWN')
  })

  test('that has expired', async () => {
    const agents = await registered()
    const { guard } = desk(agents, { now: () => new Date(Date.now() + 2 * HOUR) })
    expect(await codeOf(guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_EXPIRED')
  })

  test('that was retired', async () => {
    const agents = await registered()
    await agents.retire('clerk', by)
    expect(await codeOf(desk(agents).guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_RETIRED')
  })

  test('while its registry is out of reach, though it was known a moment ago', async () => {
    const agents = await registered()
    let isThere = true
    const { guard } = desk({
      ...agents,
      get: async (...args) => {
        if (!isThere) throw new Error('connection refused')
        return await agents.get(...args)
      },
    })
    await using _ = await guard.startRun({ principal: ALICE })
    isThere = false
    expect(await codeOf(guard.startRun({ principal: ALICE }))).toBe('ERR_AGENTS_UNAVAILABLE')
  })

  test('from a guard that says its expiry for itself, beside a registry', async () => {
    const agents = memoryAgents()
    const agent = { id: 'clerk', version: '1', expires: new Date('2100-01-01') }
    expect(() => desk(agents, { agent })).toThrow('agent: expected no other keys')
  })
})

describe('while a run goes on', () => {
  test('an agent that is retired by another process makes no next call, and asks its model no more', async () => {
    const path = join(folder, 'state.db')
    const [here, there] = [sqliteStore({ path }), sqliteStore({ path })]
    const operators = storeAgents({ store: there })
    await operators.register(specOf(), by)
    // The file tells nobody of a change: it is looked at again before what is known of it is this old.
    const { guard, refusals } = desk(storeAgents({ store: here }), { registration: { maxAgeMs: 20 } })
    const at = shop(async () => {
      await operators.retire('clerk', by)
      await setTimeout(25)
      return 'ok'
    })
    expect(await codeOf(play(guard, at, [lookup, pay, pay]))).toBe('ERR_AGENT_RETIRED')
    expect(at.ran).toEqual(['lookup'])
    expect(refusals().filter((code) => code !== 'ERR_AGENT_RETIRED')).toEqual([])
    await guard[Symbol.asyncDispose]()
    await Promise.all([here.close(), there.close()])
  })

  test('what waits is aborted, by a registry that tells and by one that is looked at', async () => {
    const file = join(folder, 'agents.json')
    const registries = [await registered(), fileAgents({ path: file })]
    await registries[1]?.register(specOf(), by)
    for (const agents of registries) {
      const { guard } = desk(agents, { registration: { maxAgeMs: 100 } })
      await using run = await guard.startRun({ principal: ALICE })
      const stopped = new Promise((resolve) => {
        run.signal.addEventListener('abort', () => resolve(run.signal.reason))
      })
      const operators = agents === registries[0] ? agents : fileAgents({ path: file })
      await operators.retire('clerk', by)
      expect(await stopped).toMatchObject({ code: 'ERR_AGENT_RETIRED' })
    }
  })

  test('one that expires makes no next call', async () => {
    let ahead = 0
    const { guard, refusals } = desk(await registered(), { now: () => new Date(Date.now() + ahead) })
    const at = shop(() => {
      ahead = 2 * HOUR
      return 'ok'
    })
    expect(await codeOf(play(guard, at, [lookup, pay]))).toBe('ERR_AGENT_EXPIRED')
    expect(at.ran).toEqual(['lookup'])
    expect(refusals().filter((code) => code !== 'ERR_AGENT_EXPIRED')).toEqual([])
  })

  test('a tool that is denied to it meanwhile is not called again', async () => {
    const agents = await registered()
    const { guard, refusals } = desk(agents)
    const at = shop(async () => {
      await agents.update('clerk', { deniedTools: ['pay'] }, by)
      return 'ok'
    })
    await play(guard, at, [pay, lookup, pay])
    expect(at.ran).toEqual(['pay', 'lookup'])
    expect(refusals()).toEqual(['ERR_DENIED'])
  })

  test('nothing is called once the registry was out of reach for longer than its word counts', async () => {
    const agents = await registered()
    let isThere = true
    const away = {
      name: agents.name,
      get: async (...args: Parameters<typeof agents.get>) => {
        if (!isThere) throw new Error('connection refused')
        return await agents.get(...args)
      },
    } as typeof agents
    const { guard, refusals } = desk(away, { registration: { maxAgeMs: 50 } })
    const at = shop(async () => {
      isThere = false
      await setTimeout(80)
      return 'ok'
    })
    expect(await codeOf(play(guard, at, [lookup, pay]))).toBe('ERR_AGENTS_UNAVAILABLE')
    expect(at.ran).toEqual(['lookup'])
    expect(refusals().filter((code) => code !== 'ERR_AGENTS_UNAVAILABLE')).toEqual([])
  })

  test('a version that was rotated out goes on until its overlap ends', async () => {
    let ahead = 0
    const now = (): Date => new Date(Date.now() + ahead)
    const agents = memoryAgents({ now })
    await agents.register(specOf(), by)
    const { guard } = desk(agents, { now })
    await agents.rotate('clerk', { version: '2', overlapMs: 60_000 }, by)
    const at = shop()
    await play(guard, at, [lookup])
    ahead = 61_000
    expect(await codeOf(play(guard, at, [lookup]))).toBe('ERR_AGENT_EXPIRED')
    expect(at.ran).toEqual(['lookup'])
    await play(desk(agents, { now, agent: { id: 'clerk', version: '2' } }).guard, at, [lookup])
    expect(at.ran).toEqual(['lookup', 'lookup'])
  })
})

describe('an agent cannot raise what it may do', () => {
  test('by a tool result that says it may, nor through what the guard hands out', async () => {
    const agents = await registered({ allowedTools: ['lookup'], deniedTools: ['pay'] })
    const made = desk(agents)
    const at = shop(async () => {
      const record = await agents.get('clerk', { signal })
      expect(() => Object.assign(record as object, { deniedTools: [] })).toThrow(TypeError)
      expect(() => Object.assign(made.guard.agent, { id: 'root' })).toThrow(TypeError)
      return { agents: [{ ...record, deniedTools: [], allowedTools: ['pay'] }] }
    })
    await play(made.guard, at, [lookup, pay])
    expect(at.ran).toEqual(['lookup'])
    expect(made.refusals()).toEqual(['ERR_DENIED'])
    // What the registry says is all that it takes: with its word, the same call runs.
    await agents.update('clerk', { deniedTools: null, allowedTools: null }, by)
    await play(made.guard, at, [pay])
    expect(at.ran).toEqual(['lookup', 'pay'])
  })
})

describe('sessions', () => {
  test('as many runs as the agent may have, over all guards of a store', async () => {
    const store = memoryStore({ now: () => new Date() })
    const agents = await registered({ maxSessions: 2 })
    const [here, there] = [desk(agents, { store }), desk(agents, { store })]
    const first = await here.guard.startRun({ principal: ALICE })
    await using _ = await there.guard.startRun({ principal: ALICE })
    expect(await codeOf(here.guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_SESSIONS')
    await first.end()
    const again = await there.guard.startRun({ principal: ALICE })
    expect(await codeOf(here.guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_SESSIONS')
    await again.end()
    await here.guard[Symbol.asyncDispose]()
    await there.guard[Symbol.asyncDispose]()
  })

  test('a run that was stopped, or never got to start, holds none', async () => {
    let isBroken = false
    const agents = await registered({ maxSessions: 1 })
    const { guard } = desk(agents, {
      audit: {
        sink: {
          write() {
            if (isBroken) throw new Error('disk full')
          },
        },
      },
    })
    isBroken = true
    expect(await codeOf(guard.startRun({ principal: ALICE }))).toBe('ERR_AUDIT_UNAVAILABLE')
    isBroken = false
    const stop = new AbortController()
    const stopped = await guard.startRun({ principal: ALICE, signal: stop.signal })
    expect(await codeOf(guard.startRun({ principal: ALICE }))).toBe('ERR_AGENT_SESSIONS')
    stop.abort()
    await expect
      .poll(async () => codeOf(guard.startRun({ principal: ALICE }).then((run) => run.end())))
      .toBe('none')
    await stopped.end()
  })

  test('a run whose session was lost is stopped: another may have its place', async () => {
    const store = memoryStore({ now: () => new Date() })
    const { guard } = desk(await registered({ maxSessions: 1 }), {
      store,
      registration: { maxAgeMs: 1000, sessionLeaseMs: 100 },
    })
    await using run = await guard.startRun({ principal: ALICE })
    const [held] = await store.list('agent-session/', { signal })
    await store.consume(held?.key ?? '', { signal })
    await expect.poll(() => run.signal.reason as unknown).toMatchObject({ code: 'ERR_AGENT_SESSIONS' })
  })
})
