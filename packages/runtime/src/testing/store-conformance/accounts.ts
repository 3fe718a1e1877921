import assert from 'node:assert/strict'
import { memoryStore } from '../../store/memory.ts'
import type { Store, StoreCall, StoreLimit } from '../../store/store.ts'
import { type DefineTrial, LONG, type Trial } from './trial.ts'

const WINDOW = 320

/** Reservations: all or none, once, and never more than the limit. */
export function describeAccounts(trial: DefineTrial): void {
  trial('as many are let through as a limit says, and the limit that has no room is named', async (on) => {
    for (const id of ['1', '2']) assert.deepEqual(await reserve(on, id, [on.total('a', 2)]), { ok: true })
    assert.deepEqual(await reserve(on, '3', [on.total('b', 1), on.total('a', 2)]), {
      ok: false,
      key: on.name('a'),
    })
  })

  trial('limits are taken all or none', async (on) => {
    await reserve(on, '1', [on.total('b', 1)])
    assert.equal(await fits(on, '2', [on.total('a', 1), on.total('b', 1)]), false)
    assert.equal(await fits(on, '3', [on.total('a', 1)]), true)
  })

  trial('two of the same account in one reservation count as two', async (on) => {
    assert.equal(await fits(on, '1', [on.total('a', 1), on.total('a', 1)]), false)
    assert.equal(await fits(on, '2', [on.total('a', 2), on.total('a', 2)]), true)
    assert.equal(await fits(on, '3', [on.total('a', 2)]), false)
  })

  trial('one id is charged once, however often it reserves, also once it is settled', async (on) => {
    for (let i = 0; i < 3; i += 1) assert.equal(await fits(on, '1', [on.total('a', 1)]), true)
    await settle(on, '1', {})
    assert.equal(await fits(on, '1', [on.total('a', 1)]), true)
    assert.equal(await fits(on, '2', [on.total('a', 1)]), false)
  })

  trial('what was really used is charged, once, even beyond the limit', async (on) => {
    await reserve(on, '1', [on.total('tokens', 100, 50)])
    await settle(on, '1', { tokens: 10.5 })
    await settle(on, '1', { tokens: 0 })
    assert.equal(await fits(on, '2', [on.total('tokens', 100, 90)]), false)
    assert.equal(await fits(on, '2', [on.total('tokens', 100, 89.5)]), true)
    await settle(on, '2', { tokens: 500 })
    assert.equal(await fits(on, '3', [on.total('tokens', 1000, 500)]), false)
    assert.equal(await fits(on, '3', [on.total('tokens', 1000, 489.5)]), true)
  })

  trial('a key that is not reported, and a use that is no number, are charged as reserved', async (on) => {
    await reserve(on, '1', [on.total('a', 1), on.total('b', 1), on.total('c', 1)])
    await settle(on, '1', { b: Number.NaN, c: -50 })
    for (const key of ['a', 'b', 'c']) assert.equal(await fits(on, '2', [on.total(key, 1)]), false)
  })

  trial('what is released is given back once, and its id may reserve again', async (on) => {
    await reserve(on, '1', [on.total('a', 1)])
    await release(on, '1')
    await release(on, '1')
    assert.equal(await fits(on, '1', [on.total('a', 1)]), true)
    await settle(on, '1', {})
    await release(on, '1')
    assert.equal(await fits(on, '2', [on.total('a', 1)]), false)
  })

  trial('a hold that nobody settles stays charged in full, and late news can only raise it', async (on) => {
    const { store, call, name } = on
    const taken = [on.total('a', 10, 4), on.total('b', 10, 4), on.total('c', 10, 4)]
    for (const [i, limit] of taken.entries()) await store.reserve(name(`${i}`), [limit], 40, call)
    await on.advance(90)
    await release(on, '0')
    await settle(on, '1', { b: 0 })
    await settle(on, '2', { c: 9 })
    assert.equal(await fits(on, '3', [on.total('a', 10, 7)]), false)
    assert.equal(await fits(on, '4', [on.total('b', 10, 7)]), false)
    assert.equal(await fits(on, '5', [on.total('c', 10, 2)]), false)
    assert.equal(await fits(on, '6', [on.total('c', 10, 1)]), true)
  })

  trial('a total that is forgotten starts afresh', async (on) => {
    await reserve(on, '1', [on.total('a', 1), on.total('b', 1)])
    await on.store.forget([on.name('a')], on.call)
    assert.equal(await fits(on, '2', [on.total('a', 1)]), true)
    assert.equal(await fits(on, '3', [on.total('b', 1)]), false)
  })

  trial('a fixed window opens again when it says it will', async (on) => {
    const limit = { ...on.total('a', 1), windowMs: WINDOW }
    const refused = await fill(on, limit)
    assert.ok(refused > 0 && refused <= WINDOW)
    await on.advance(refused + 5)
    assert.equal(await fits(on, 'again', [limit]), true)
  })

  trial('no interval of a sliding window holds more than its limit', async (on) => {
    const limit = { ...on.total('a', 3), windowMs: WINDOW, sliding: true }
    assert.equal(await fits(on, '1', [limit]), true)
    await on.advance(WINDOW * 0.6)
    assert.equal(await fits(on, '2', [limit]), true)
    assert.equal(await fits(on, '3', [limit]), true)
    const refused = await fill(on, limit)
    assert.ok(refused > 0 && refused <= (WINDOW * 17) / 16, `${refused}`)
    await on.advance(refused + 5)
    assert.equal(await fits(on, '5', [limit]), true)
  })

  trial(
    'what was taken a while ago in a sliding window can still be settled, and counts where it was taken',
    async (on) => {
      const limit = (amount: number): StoreLimit => ({
        ...on.total('a', 10, amount),
        windowMs: 4 * WINDOW,
        sliding: true,
      })
      assert.equal(await fits(on, '1', [limit(6)]), true)
      // Past a sixteenth of the window, into another slice of it.
      await on.advance(WINDOW / 2)
      assert.equal(await fits(on, '2', [limit(2)]), true)
      await settle(on, '1', { a: 3 })
      await release(on, '2')
      assert.equal(await fits(on, '3', [limit(8)]), false)
      assert.equal(await fits(on, '4', [limit(7)]), true)
    },
  )

  trial('the same key with another window is another account', async (on) => {
    const total = on.total('a', 1)
    for (const [i, window] of [{}, { windowMs: LONG }, { windowMs: LONG, sliding: true }].entries())
      assert.equal(await fits(on, `${i}`, [{ ...total, ...window }]), true)
  })

  trial('no window is waited for that cannot hold the amount', async (on) => {
    assert.deepEqual(await reserve(on, '1', [{ ...on.total('a', 1, 2), windowMs: LONG }]), {
      ok: false,
      key: on.name('a'),
    })
  })

  trial('numbers that make no sense are refused', async (on) => {
    const { store, call } = on
    for (const wrong of [{ amount: -1 }, { amount: Number.NaN }, { limit: Number.NaN }, { windowMs: 0 }])
      await assert.rejects(
        async () => store.reserve(on.name('1'), [{ ...on.total('a', 1), ...wrong }], LONG, call),
        RangeError,
      )
    await assert.rejects(async () => store.reserve(on.name('1'), [on.total('a', 1)], 0, call), RangeError)
    await assert.rejects(async () => store.reserve('', [on.total('a', 1)], LONG, call), RangeError)
  })

  trial('any history of reservations leaves the accounts as the memory store has them', async (on) => {
    const model = memoryStore({ now: () => new Date(0) })
    for (let seed = 1; seed <= 3; seed += 1) {
      const random = seeded(seed)
      for (let i = 0; i < 60; i += 1) {
        const step = stepOf(on, random, seed)
        assert.deepEqual(await step(on.store, on.call), await step(model, on.call), `seed ${seed}, step ${i}`)
      }
    }
  })
}

type Step = (store: Store, call: StoreCall) => Promise<unknown>

function stepOf({ name, total }: Trial, random: (below: number) => number, seed: number): Step {
  const id = name(`${seed}-${random(25)}`)
  const kind = random(10)
  const limits = Array.from({ length: 1 + random(3) }, () =>
    total(`${seed}-${random(4)}`, 6 + random(3), random(4)),
  )
  const used = Object.fromEntries(limits.map(({ key }) => [key, random(6)]))
  if (kind < 6) return async (store, call) => store.reserve(id, limits, LONG, call)
  if (kind < 8) return async (store, call) => store.settle(id, used, call)
  if (kind < 9) return async (store, call) => store.release(id, call)
  return async (store, call) => store.forget([limits[0]?.key ?? ''], call)
}

function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

async function reserve({ store, call, name }: Trial, id: string, limits: StoreLimit[]): Promise<unknown> {
  return store.reserve(name(id), limits, LONG, call)
}

async function fits({ store, call, name }: Trial, id: string, limits: StoreLimit[]): Promise<boolean> {
  const { ok } = await store.reserve(name(id), limits, LONG, call)
  return ok
}

async function settle({ store, call, name }: Trial, id: string, used: Record<string, number>): Promise<void> {
  const named = Object.fromEntries(Object.entries(used).map(([key, amount]) => [name(key), amount]))
  await store.settle(name(id), named, call)
}

async function release({ store, call, name }: Trial, id: string): Promise<void> {
  await store.release(name(id), call)
}

/** Reserve until there is no room; the wait that the refusal names. Time may move on between two tries. */
async function fill({ store, call, name }: Trial, limit: StoreLimit): Promise<number> {
  for (let i = 0; i < 50; i += 1) {
    const answer = await store.reserve(name(`fill-${i}`), [limit], LONG, call)
    if (!answer.ok) return answer.retryAfterMs ?? 0
  }
  return 0
}
