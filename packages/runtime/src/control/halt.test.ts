import { describe, expect, test, vi } from 'vitest'
import { createHalts, type HaltEvent, type HaltScope, type HaltSubject } from './halt.ts'

const AT = new Date('2026-01-01T00:00:00Z')
const WHY = { by: 'user:oncall', reason: 'INC-42' }
const SUBJECT: HaltSubject = {
  run: 'run-1',
  session: 'session-1',
  user: 'user:alice',
  agent: 'agent:support@2.4.1',
  tool: 'sendEmail',
  tenant: 'acme',
}
const halts = (): ReturnType<typeof createHalts> => createHalts({ now: () => AT })

describe('the kill switch', () => {
  test.each<HaltScope>([
    { run: 'run-1' },
    { session: 'session-1' },
    { user: 'alice' },
    { user: 'user:alice' },
    { agent: 'support' },
    { agent: 'support@2.4.1' },
    { agent: 'agent:support' },
    { agent: 'agent:support@2.4.1' },
    { tool: 'sendEmail' },
    { tenant: 'acme' },
    { everything: true },
  ])('stops what is in its scope, until it is lifted: %o', async (scope) => {
    const all = halts()
    expect(all.haltOf(SUBJECT)).toBeUndefined()
    await all.halt(scope, WHY)
    expect(all.haltOf(SUBJECT)).toEqual({ scope, ...WHY, at: AT })
    expect(await all.resume(scope, WHY)).toBe(true)
    expect(all.haltOf(SUBJECT)).toBeUndefined()
    expect(await all.resume(scope, WHY)).toBe(false)
  })

  test.each<HaltScope>([
    { run: 'run-2' },
    { run: 'session-1' },
    { user: 'bob' },
    { agent: 'support@2.4.0' },
    { agent: 'sup' },
    { tool: 'everything' },
    { tenant: 'acm' },
  ])('leaves alone what is not: %o', async (scope) => {
    const all = halts()
    await all.halt(scope, WHY)
    expect(all.haltOf(SUBJECT)).toBeUndefined()
  })

  test('finds an agent by its id where the id or the version holds an @', async () => {
    const all = halts()
    await all.halt({ agent: 'bot@eu' }, WHY)
    expect(all.haltOf({ run: 'r', agent: 'bot@eu@1' })).toBeDefined()
    expect(all.haltOf({ run: 'r', agent: 'agent:bot@us@1' })).toBeUndefined()
  })

  test('is in force at once, before its promise is awaited', () => {
    const all = halts()
    void all.halt({ everything: true }, WHY)
    expect(all.haltOf({ run: 'r', agent: 'a@1' })).toBeDefined()
  })

  test.each([
    {},
    { run: 'a', tool: 'b' },
    { run: '' },
    { user: 'user:' },
    { agent: 'support@' },
    { everything: false },
    { everyhting: true },
    { runs: 'a' },
    { run: 7 },
  ])('refuses a scope that would stop nothing: %o', async (scope) => {
    const all = halts()
    await expect(all.halt(scope as unknown as HaltScope, WHY)).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
    expect(all.list()).toEqual([])
  })

  test('wants to know who and why, for both ways', async () => {
    const all = halts()
    await expect(all.halt({ run: 'a' }, { by: '', reason: 'x' })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
    await all.halt({ run: 'a' }, WHY)
    await expect(all.resume({ run: 'a' }, { by: 'x', reason: ' ' })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
    expect(all.list()).toHaveLength(1)
  })

  test('aborts the runs it covers and no others, and a run that starts later too', async () => {
    const all = halts()
    const mine = all.signalFor(SUBJECT)
    const other = all.signalFor({ run: 'run-2', agent: 'support@2.4.1', user: 'bob' })
    await all.halt({ user: 'alice' }, WHY)
    expect(mine.signal.aborted).toBe(true)
    expect(mine.signal.reason).toMatchObject({ code: 'ERR_HALTED' })
    expect(other.signal.aborted).toBe(false)
    expect(all.signalFor(SUBJECT).signal.aborted).toBe(true)
    await all.resume({ user: 'alice' }, WHY)
    expect(mine.signal.aborted).toBe(true)
    expect(all.signalFor(SUBJECT).signal.aborted).toBe(false)
  })

  test('forgets a run that has ended', async () => {
    const all = halts()
    const run = all.signalFor(SUBJECT)
    run[Symbol.dispose]()
    await all.halt({ run: 'run-1' }, WHY)
    expect(run.signal.aborted).toBe(false)
  })

  test('tells every listener, stands even if one throws, and says so', async () => {
    const all = halts()
    const events: HaltEvent[] = []
    all.subscribe(() => {
      throw new Error('audit down')
    })
    const stop = all.subscribe((event) => events.push(event))
    await expect(all.halt({ tool: 'sendEmail' }, WHY)).rejects.toThrow('the change stands')
    expect(all.haltOf(SUBJECT)).toBeDefined()
    expect(events).toEqual([{ action: 'halt', scope: { tool: 'sendEmail' }, ...WHY, at: AT }])
    stop()
    await expect(all.resume({ tool: 'sendEmail' }, WHY)).rejects.toThrow('the change stands')
    expect(events).toHaveLength(1)
  })

  test('keeps the first record of a scope that is halted twice, and tells nobody again', async () => {
    const all = halts()
    const listener = vi.fn<(event: HaltEvent) => void>()
    all.subscribe(listener)
    const first = await all.halt({ run: 'a' }, WHY)
    expect(await all.halt({ run: 'a' }, { by: 'user:other', reason: 'late' })).toBe(first)
    expect(listener).toHaveBeenCalledTimes(1)
  })
})
