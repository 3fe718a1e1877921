import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { storeSessions } from './sessions.ts'

const signal = new AbortController().signal

function world() {
  let time = 0
  let ids = 0
  const now = (): Date => new Date(time)
  const store = memoryStore({ now })
  const sessions = storeSessions({ store, now, newId: () => `id-${(ids += 1)}`, leaseMs: 1000 })
  return {
    store,
    sessions,
    take: (most?: number) => sessions.take('support', 'run', { most, signal }),
    pass: (ms: number) => void (time += ms),
  }
}

test('as many sessions as an agent may have, and one more when one of them is over', async () => {
  const { sessions, take } = world()
  const [first, second] = [await take(2), await take(2)]
  expect(await take(2)).toBeUndefined()
  expect(await sessions.list('support', { signal })).toHaveLength(2)
  await first?.release({ signal })
  expect(await take(2)).toBeDefined()
  expect(await take(2)).toBeUndefined()
  expect(second).toBeDefined()
})

test('sessions of other agents do not count', async () => {
  const { sessions, take } = world()
  await take(1)
  expect(await sessions.take('support2', 'run', { most: 1, signal })).toBeDefined()
  expect(await sessions.take('support/0', 'run', { most: 1, signal })).toBeDefined()
  expect(await sessions.list('support', { signal })).toHaveLength(1)
})

test('sessions that were there before a limit count against it', async () => {
  const { take } = world()
  await take()
  await take()
  expect(await take(2)).toBeUndefined()
})

test('a session that is renewed stays, and one that is not is free after its lease', async () => {
  const { take, pass } = world()
  const held = await take(1)
  pass(900)
  expect(await held?.renew({ signal })).toBe(true)
  pass(900)
  expect(await take(1)).toBeUndefined()
  pass(200)
  expect(await take(1)).toBeDefined()
  // Whoever slept over its lease is told, and cannot take the place back or give it away.
  expect(await held?.renew({ signal })).toBe(false)
  await held?.release({ signal })
  expect(await take(1)).toBeUndefined()
})

test('a renewal whose answer got lost is not a session lost', async () => {
  const { store, sessions } = world()
  let isCut = false
  const cutting = new Proxy(store, {
    get(target, key, receiver) {
      const own = Reflect.get(target, key, receiver) as unknown
      if (key !== 'compareAndSet') return own
      return async (...args: Parameters<typeof store.compareAndSet>) => {
        const made = await store.compareAndSet(...args)
        if (isCut) throw new Error('cut')
        return made
      }
    },
  })
  const mine = storeSessions({ store: cutting, now: () => new Date(0), newId: () => 'me', leaseMs: 1000 })
  const held = await mine.take('support', 'run', { most: 1, signal })
  isCut = true
  await expect(held?.renew({ signal })).rejects.toThrow('cut')
  isCut = false
  expect(await held?.renew({ signal })).toBe(true)
  await held?.release({ signal })
  expect(await sessions.list('support', { signal })).toEqual([])
})
