import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import type { Store } from '../store/store.ts'
import type { HaltEvent, HaltScope } from './halt.ts'
import { type HaltHook, withHooks } from './halt-hooks.ts'
import { storeHalts, type StoreHalts, type StoreHaltsOptions } from './store-halts.ts'

const WHY = { by: 'user:oncall', reason: 'INC-42' }
const SUBJECT = { run: 'run-1', user: 'user:alice', agent: 'support@2', tool: 'sendEmail' }
const TOOL: HaltScope = { tool: 'sendEmail' }
const now = (): Date => new Date()

const toClose: StoreHalts[] = []
afterEach(async () => {
  for (const one of toClose.splice(0)) await one[Symbol.asyncDispose]()
})

async function opened(store: Store, options: StoreHaltsOptions = {}): Promise<StoreHalts> {
  const halts = storeHalts(store, { leaseMs: 30_000, beatMs: 50, ...options })
  toClose.push(halts)
  await halts.opened()
  return halts
}

/** A store whose operations fail, or wait for ever, while it is told so. */
function breakable(inner: Store): { store: Store; become(state: 'well' | 'refusing' | 'frozen'): void } {
  let is = 'well'
  const store = new Proxy(inner, {
    get(of, key) {
      const own = of[key as keyof Store]
      if (typeof own !== 'function') return own
      return async (...args: unknown[]) => {
        if (is === 'refusing') throw new Error('refused')
        if (is === 'frozen') {
          const { signal } = args.at(-1) as { signal: AbortSignal }
          await sleep(60_000, undefined, { signal, ref: false })
        }
        return (own as (...given: unknown[]) => unknown).apply(of, args)
      }
    },
  })
  return { store, become: (state) => void (is = state) }
}

describe('halts in a store', () => {
  test('are in force here at once, and in every other process before halt resolves', async () => {
    const store = memoryStore({ now })
    const [a, b] = [await opened(store), await opened(store)]
    const running = b.signalFor({ run: 'run-1', agent: 'support@2' })
    const pending = a.halt({ agent: 'support' }, WHY)
    expect(a.haltOf(SUBJECT)).toMatchObject(WHY)
    expect(await pending).toMatchObject({ ...WHY, processes: { confirmed: 1, ranOut: 0 } })
    expect(b.haltOf(SUBJECT)).toMatchObject({ scope: { agent: 'support' }, ...WHY })
    expect(running.signal.aborted).toBe(true)
    expect(b.list()).toEqual(a.list())
  })

  test('outlive the process that called them, and are lifted by another', async () => {
    const store = memoryStore({ now })
    const first = await opened(store)
    await first.halt(TOOL, WHY)
    await first[Symbol.asyncDispose]()
    const [b, c] = [await opened(store), await opened(store)]
    expect(b.haltOf(SUBJECT)).toMatchObject(WHY)
    expect(await c.resume(TOOL, WHY)).toBe(true)
    await expect.poll(() => b.haltOf(SUBJECT)).toBeUndefined()
    expect(await b.resume(TOOL, WHY)).toBe(false)
  })

  test('everything is halted until the store was read', async () => {
    const halts = storeHalts(memoryStore({ now }))
    toClose.push(halts)
    expect(halts.haltOf(SUBJECT)).toMatchObject({ scope: { everything: true } })
    await halts.opened()
    expect(halts.haltOf(SUBJECT)).toBeUndefined()
    expect(halts.list()).toEqual([])
  })

  test('a process that was paused is halted when it wakes up, by whichever clock noticed', async () => {
    for (const clock of ['elapsed', 'now'] as const) {
      let paused = 0
      const halts = await opened(memoryStore({ now }), {
        leaseMs: 2000,
        beatMs: 100,
        elapsed: () => performance.now() + (clock === 'elapsed' ? paused : 0),
        now: () => new Date(Date.now() + (clock === 'now' ? paused : 0)),
      })
      paused = 60_000
      // No timer has had a chance to fire.
      expect(halts.haltOf(SUBJECT)).toMatchObject({ by: 'gatewright', scope: { everything: true } })
      await expect.poll(() => halts.haltOf(SUBJECT)).toBeUndefined()
    }
  })

  for (const state of ['refusing', 'frozen'] as const)
    test(`a store that is ${state} halts everything within the lease, and no longer than it lasts`, async () => {
      const { store, become } = breakable(memoryStore({ now }))
      const halts = await opened(store, { leaseMs: 200 })
      const running = halts.signalFor(SUBJECT)
      become(state)
      await sleep(201)
      expect(halts.haltOf(SUBJECT)).toMatchObject({ scope: { everything: true } })
      expect(running.signal.aborted).toBe(true)
      become('well')
      await expect.poll(() => halts.haltOf(SUBJECT)).toBeUndefined()
      expect(running.signal.aborted).toBe(true)
    })

  test('a lease counts from when the question was sent, not from its answer', async () => {
    const inner = memoryStore({ now })
    let delay = 0
    const store: Store = {
      ...inner,
      read: async (...args) => {
        const answer = await inner.read(...args)
        await sleep(delay)
        return answer
      },
    }
    const halts = await opened(store, { leaseMs: 300, beatMs: 20 })
    delay = 280
    // An answer that took nearly as long as the lease leaves next to nothing of it.
    let denied = 0
    for (let i = 0; i < 100; i += 1) {
      await sleep(10)
      if (halts.haltOf(SUBJECT) !== undefined) denied += 1
    }
    expect(denied).toBeGreaterThan(50)
  })

  test('halt waits for a process that has gone silent until its lease has run out', async () => {
    const inner = memoryStore({ now })
    const { store: theirs, become } = breakable(inner)
    const [silent, mine] = [await opened(theirs, { leaseMs: 200 }), await opened(inner)]
    become('frozen')
    const pending = mine.halt(TOOL, WHY)
    const { processes } = await pending
    expect(processes).toEqual({ confirmed: 0, ranOut: 1 })
    expect(silent.haltOf(SUBJECT)).toBeDefined()
    become('well')
    await expect.poll(() => silent.haltOf(SUBJECT)).toMatchObject(WHY)
  })

  test('a halt that could not be written stands here, says so, and is written later', async () => {
    const inner = memoryStore({ now })
    const { store, become } = breakable(inner)
    const [cut, other] = [await opened(store), await opened(inner)]
    become('refusing')
    await expect(cut.halt(TOOL, WHY)).rejects.toThrow('refused')
    expect(cut.haltOf(SUBJECT)).toMatchObject(WHY)
    expect(other.haltOf(SUBJECT)).toBeUndefined()
    become('well')
    await expect.poll(() => other.haltOf(SUBJECT)).toMatchObject(WHY)
  })

  test('a store that went back to older data halts, and is told again what it forgot', async () => {
    const [before, after] = [memoryStore({ now }), memoryStore({ now })]
    let current = before
    const store = new Proxy(before, { get: (_, key) => current[key as keyof Store] })
    const halts = await opened(store)
    await halts.halt(TOOL, WHY)
    const running = halts.signalFor({ run: 'run-2', agent: 'other@1' })
    current = after
    await expect.poll(() => running.signal.aborted).toBe(true)
    await expect.poll(() => halts.list()).toHaveLength(1)
    expect(halts.haltOf(SUBJECT)).toMatchObject(WHY)
    expect((await opened(after)).haltOf(SUBJECT)).toMatchObject(WHY)
  })

  test('however often something is halted and resumed, the log stays short and nothing that stands is lost', async () => {
    const store = memoryStore({ now })
    const [a, b] = [await opened(store), await opened(store, { beatMs: 10 })]
    await a.halt({ user: 'user:mallory' }, WHY)
    for (let i = 0; i < 260; i += 1) {
      await a.halt(TOOL, WHY)
      await a.resume(TOOL, WHY)
    }
    const { signal } = new AbortController()
    const length = async (): Promise<number> => (await store.read('halts', 0, { signal })).length
    await expect.poll(length).toBeLessThan(220)
    // Whoever was there, and whoever comes, knows the same.
    await a.halt(TOOL, WHY)
    const c = await opened(store)
    for (const one of [a, b, c])
      expect(one.list()).toMatchObject([{ scope: { user: 'user:mallory' } }, { scope: TOOL }])
    expect(await c.resume({ user: 'user:mallory' }, WHY)).toBe(true)
    await expect.poll(() => b.list()).toMatchObject([{ scope: TOOL }])
    expect((await opened(store)).list()).toMatchObject([{ scope: TOOL }])
  })

  test('a process that was asleep while the log was summed up wakes up with what stands now', async () => {
    const store = memoryStore({ now })
    const { store: asleep, become } = breakable(store)
    const [a, sleeper] = [
      await opened(store, { beatMs: 10 }),
      await opened(asleep, { leaseMs: 200, beatMs: 20 }),
    ]
    await a.halt(TOOL, WHY)
    await expect.poll(() => sleeper.list()).toHaveLength(1)
    become('frozen')
    await expect.poll(() => sleeper.haltOf({ run: 'r', agent: 'a@1' })).toBeDefined()
    await a.resume(TOOL, WHY)
    for (let i = 0; i < 120; i += 1) {
      await a.halt({ user: 'user:alice' }, WHY)
      await a.resume({ user: 'user:alice' }, WHY)
    }
    await a.halt({ user: 'user:mallory' }, WHY)
    const { signal } = new AbortController()
    await expect.poll(async () => (await store.read('halts', 0, { signal }))[0]?.seq).toBeGreaterThan(200)
    become('well')
    await expect.poll(() => sleeper.list()).toMatchObject([{ scope: { user: 'user:mallory' } }])
    expect(a.list()).toHaveLength(1)
  })

  test('a log whose beginning is gone, with nothing that sums it up, halts everything', async () => {
    const store = memoryStore({ now })
    const first = await opened(store)
    for (const tool of ['a', 'b', 'c']) await first.halt({ tool }, WHY)
    await first[Symbol.asyncDispose]()
    await store.trim('halts', 3, { signal: new AbortController().signal })
    const halts = storeHalts(store, { leaseMs: 200 })
    toClose.push(halts)
    await expect(halts.opened()).rejects.toMatchObject({ code: 'ERR_STORE_FORGOT' })
    expect(halts.haltOf(SUBJECT)).toMatchObject({ scope: { everything: true } })
  })

  test('a resume lifts what could be seen, and not a halt that came meanwhile', async () => {
    const store = memoryStore({ now })
    const [a, b] = [await opened(store), await opened(store)]
    await a.halt(TOOL, WHY)
    const late = b.halt(TOOL, { by: 'user:other', reason: 'INC-43' })
    await Promise.all([late, a.resume(TOOL, WHY)])
    await expect.poll(() => a.list()).toEqual(b.list())
    // Either order is right, as long as the later halt was lifted only if it could be seen.
    const entries = (await store.read('halts', 0, { signal: new AbortController().signal })).map(
      ({ entry }) => JSON.parse(entry) as { id: string; action: string; lifts: string[] },
    )
    const lifted = new Set(entries.flatMap(({ lifts }) => lifts))
    const left = entries.filter(({ id, action }) => action === 'halt' && !lifted.has(id))
    expect(a.list()).toHaveLength(left.length > 0 ? 1 : 0)
  })

  test('an entry that cannot be read halts everything', async () => {
    const store = memoryStore({ now })
    const halts = await opened(store, { leaseMs: 200 })
    await store.append('halts', '{"v":2}', { signal: new AbortController().signal })
    await expect.poll(() => halts.haltOf(SUBJECT)).toMatchObject({ by: 'gatewright' })
    await expect(storeHalts(store).opened()).rejects.toMatchObject({ code: 'ERR_CONFIG_INVALID' })
  })

  test('tells its listeners of what others do, once', async () => {
    const store = memoryStore({ now })
    const [a, b] = [await opened(store), await opened(store)]
    const events: HaltEvent[] = []
    b.subscribe((event) => events.push(event))
    await a.halt(TOOL, WHY)
    await a.halt(TOOL, WHY)
    await a.resume(TOOL, { by: 'user:lead', reason: 'fixed' })
    await expect.poll(() => events).toHaveLength(2)
    expect(events).toMatchObject([
      { action: 'halt', scope: TOOL, ...WHY },
      { action: 'resume', scope: TOOL, by: 'user:lead', reason: 'fixed' },
    ])
  })

  test('closed, it refuses everything and leaves no lease behind', async () => {
    const store = memoryStore({ now })
    const halts = await opened(store)
    const running = halts.signalFor(SUBJECT)
    await halts[Symbol.asyncDispose]()
    expect(running.signal.aborted).toBe(true)
    expect(halts.haltOf(SUBJECT)).toBeDefined()
    expect(await store.list('halts/', { signal: new AbortController().signal })).toEqual([])
    await expect(halts.halt(TOOL, WHY)).rejects.toThrow('closed')
  })

  test('10,000 runs leave nothing behind', async () => {
    const halts = await opened(memoryStore({ now }), { leaseMs: 60_000 })
    const timers = (): number => process.getActiveResourcesInfo().filter((one) => one === 'Timeout').length
    const before = timers()
    for (let i = 0; i < 10_000; i += 1) {
      using run = halts.signalFor({ run: `run-${i}`, agent: 'support@2' })
      expect(run.signal.aborted).toBe(false)
    }
    expect(timers()).toBeLessThanOrEqual(before + 1)
  })
})

describe('what must follow a halt', () => {
  const done: HaltHook = { name: 'notify', run: () => {} }
  const fails: HaltHook = {
    name: 'revoke',
    run: () => {
      throw new Error('no route')
    },
  }
  const hangs: HaltHook = { name: 'page', timeoutMs: 20, run: () => new Promise(() => {}) }

  test('is reported as confirmed or not, and the halt stands', async () => {
    const halts = withHooks(await opened(memoryStore({ now })), [done, fails, hangs])
    const { hooks } = await halts.halt(TOOL, WHY)
    expect(hooks).toMatchObject([
      { name: 'notify', confirmed: true },
      { name: 'revoke', confirmed: false, error: new Error('no route') },
      { name: 'page', confirmed: false },
    ])
    expect(halts.haltOf(SUBJECT)).toMatchObject(WHY)
  })

  test('is done where the halt came from elsewhere, and again when it is halted again', async () => {
    const store = memoryStore({ now })
    const run = vi.fn<HaltHook['run']>()
    const here = withHooks(await opened(store), [{ name: 'revoke', run }])
    const elsewhere = await opened(store)
    await elsewhere.halt(TOOL, WHY)
    await expect.poll(() => run).toHaveBeenCalledTimes(1)
    expect(run.mock.calls[0]?.[0]).toMatchObject({ scope: TOOL, ...WHY })
    await here.halt(TOOL, WHY)
    expect(run).toHaveBeenCalledTimes(2)
    await here.resume(TOOL, WHY)
    expect(run).toHaveBeenCalledTimes(2)
  })

  test('is not done for what was halted before the process began', async () => {
    const store = memoryStore({ now })
    await (await opened(store)).halt(TOOL, WHY)
    const run = vi.fn<HaltHook['run']>()
    const halts = storeHalts(store, { leaseMs: 200 })
    toClose.push(halts)
    withHooks(halts, [{ name: 'revoke', run }])
    await halts.opened()
    expect(halts.haltOf(SUBJECT)).toMatchObject(WHY)
    expect(run).not.toHaveBeenCalled()
  })
})
