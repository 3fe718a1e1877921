import { describe, expect, test } from 'vitest'
import { type Bulkheads, createBulkheads, type Slot } from './bulkhead.ts'

const { signal } = new AbortController()
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function entered(of: Bulkheads, tool: string, tenant?: string): Promise<Slot> {
  const slot = of.enter({ tool, tenant }, { signal })
  if (slot === undefined) throw new Error('refused')
  return slot
}

async function isFree(of: Bulkheads, tool: string, tenant?: string): Promise<boolean> {
  const stop = new AbortController()
  const waiting = of.enter({ tool, tenant }, { signal: stop.signal })
  if (waiting === undefined) return false
  // With no room, the wait is given up after a turn of the event loop.
  setImmediate(() => setImmediate(() => stop.abort()))
  try {
    const slot = await waiting
    slot[Symbol.dispose]()
    return true
  } catch {
    return false
  }
}

describe('a bulkhead', () => {
  test('lets so many calls of a tool run at once, and the next when one is over', async () => {
    const of = createBulkheads({ tool: 2 })
    const first = await entered(of, 'pay')
    await entered(of, 'pay')
    expect(await isFree(of, 'pay')).toBe(false)
    expect(await isFree(of, 'send')).toBe(true)
    const waiting = entered(of, 'pay')
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    await waiting
    expect(await isFree(of, 'pay')).toBe(false)
  })

  test('keeps the tools that it names to their own numbers, and covers no others', () => {
    const of = createBulkheads({ tools: { pay: 1 } })
    expect(of.covers('pay')).toBe(true)
    expect(of.covers('send')).toBe(false)
    expect(of.covers('toString')).toBe(false)
    expect(createBulkheads({ tenant: 1 }).covers('send')).toBe(true)
  })

  test('does not let one tenant that waits keep another one out of a tool', async () => {
    const of = createBulkheads({ tenant: 1, tool: 2 })
    const busy = await entered(of, 'pay', 'a')
    const waiting = [entered(of, 'pay', 'a'), entered(of, 'pay', 'a')]
    expect(await isFree(of, 'pay', 'b')).toBe(true)
    busy[Symbol.dispose]()
    for (const one of waiting) (await one)[Symbol.dispose]()
  })

  test('does not take room for someone who stopped waiting', async () => {
    const of = createBulkheads({ tool: 1 })
    const busy = await entered(of, 'pay')
    const stop = new AbortController()
    const gone = of.enter({ tool: 'pay', tenant: undefined }, { signal: stop.signal })
    const next = entered(of, 'pay')
    stop.abort(new Error('the user left'))
    await expect(gone).rejects.toThrow('the user left')
    busy[Symbol.dispose]()
    ;(await next)[Symbol.dispose]()
    expect(await isFree(of, 'pay')).toBe(true)
  })

  test('gives back the tenant’s room when the wait for the tool is given up', async () => {
    const of = createBulkheads({ tenant: 2, tool: 1 })
    const busy = await entered(of, 'pay', 'a')
    const stop = new AbortController()
    const gone = of.enter({ tool: 'pay', tenant: 'a' }, { signal: stop.signal })
    await turn()
    expect(await isFree(of, 'send', 'a')).toBe(false)
    stop.abort(new Error('left'))
    await expect(gone).rejects.toThrow('left')
    expect(await isFree(of, 'send', 'a')).toBe(true)
    busy[Symbol.dispose]()
  })

  test('lets nobody wait whose call is over already', async () => {
    const of = createBulkheads({ tool: 1 })
    await entered(of, 'pay')
    const stopped = AbortSignal.abort(new Error('over'))
    await expect(of.enter({ tool: 'pay', tenant: undefined }, { signal: stopped })).rejects.toThrow('over')
  })

  test('refuses those who would have to queue too long', async () => {
    const of = createBulkheads({ tool: 1, waiting: 1 })
    const busy = await entered(of, 'pay')
    const waiting = entered(of, 'pay')
    await turn()
    expect(of.enter({ tool: 'pay', tenant: undefined }, { signal })).toBeUndefined()
    busy[Symbol.dispose]()
    ;(await waiting)[Symbol.dispose]()
  })

  test('remembers nothing of tenants that are gone', async () => {
    const of = createBulkheads({ tenant: 1 })
    for (let i = 0; i < 200; i += 1) (await entered(of, 'pay', `tenant-${i}`))[Symbol.dispose]()
    await turn()
    await turn()
    expect(of.size).toBe(0)
  })
})
