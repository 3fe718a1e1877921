import assert from 'node:assert/strict'
import type { StoreChange } from '../../store/store.ts'
import { type DefineTrial, LONG } from './trial.ts'

const PATIENCE = 10_000

/** What two clients of one state make of each other, and of a caller who gives up. */
export function describeShared(trial: DefineTrial): void {
  trial(
    'of many reservations at once, as many as fit get through',
    async ({ store, other, call, name, total }) => {
      const limits = [total('a', 13), total('b', 1000), { ...total('c', 1000), windowMs: LONG }]
      const tries = Array.from({ length: 60 }, async (_, i) =>
        // Each in an order of its own, which must not end in a deadlock.
        (i % 2 ? store : other).reserve(name(`${i}`), i % 3 ? limits : limits.toReversed(), LONG, call),
      )
      const answers = await Promise.all(tries)
      assert.equal(answers.filter(({ ok }) => ok).length, 13)
    },
  )

  trial('reserving, settling and releasing at once leaves nothing taken by mistake', async (on) => {
    const { store, other, call, name, total } = on
    const limits = [total('a', 1000), total('b', 1000)]
    const work = Array.from({ length: 40 }, async (_, i) => {
      const [one, two] = i % 2 ? [store, other] : [other, store]
      await one.reserve(name(`${i}`), i % 3 ? limits : limits.toReversed(), LONG, call)
      if (i % 4) await two.settle(name(`${i}`), { [name('a')]: 2 }, call)
      else await two.release(name(`${i}`), call)
    })
    await Promise.all(work)
    assert.equal((await store.reserve(name('x'), [total('a', 60)], LONG, call)).ok, false)
    assert.equal((await store.reserve(name('x'), [total('a', 61)], LONG, call)).ok, true)
    assert.equal((await other.reserve(name('y'), [total('b', 30)], LONG, call)).ok, false)
    assert.equal((await other.reserve(name('y'), [total('b', 31)], LONG, call)).ok, true)
  })

  trial('one id is charged once, also when it reserves twice at once', async (on) => {
    const { store, other, call, name, total } = on
    const both = [store, other, store, other].map(async (one) =>
      one.reserve(name('1'), [total('a', 2)], LONG, call),
    )
    for (const answer of await Promise.all(both)) assert.equal(answer.ok, true)
    assert.equal((await store.reserve(name('2'), [total('a', 2)], LONG, call)).ok, true)
  })

  trial('a record is used up by one of many who want it', async ({ store, other, call, name }) => {
    for (let round = 0; round < 5; round += 1) {
      await store.compareAndSet(name('a'), 0, 'yes', call)
      const tries = Array.from({ length: 10 }, async (_, i) =>
        (i % 2 ? store : other).consume(name('a'), call),
      )
      const got = await Promise.all(tries)
      assert.deepEqual(
        got.filter((value) => value !== undefined),
        ['yes'],
      )
    }
  })

  trial('of many writers at once, one wins', async ({ store, other, call, name }) => {
    let seen = 0
    for (let round = 0; round < 5; round += 1) {
      const tries = Array.from({ length: 10 }, async (_, i) =>
        (i % 2 ? store : other).compareAndSet(name('a'), seen, `${i}`, call),
      )
      const versions = await Promise.all(tries)
      const won = versions.filter((version) => version !== undefined)
      assert.equal(won.length, 1)
      seen = won[0] ?? 0
    }
  })

  trial('entries that are added at once all get a place, and none is read out of order', async (on) => {
    const { store, other, call, name } = on
    const places = Array.from({ length: 30 }, async (_, i) =>
      (i % 2 ? store : other).append(name('log'), `${i}`, call),
    )
    const seqs = (await Promise.all(places)).toSorted((a, b) => a - b)
    assert.deepEqual(
      seqs,
      Array.from({ length: 30 }, (_, i) => i + 1),
    )
    const read = await other.read(name('log'), 0, call)
    assert.deepEqual(
      read.map(({ seq }) => seq),
      seqs,
    )
    assert.equal(new Set(read.map(({ entry }) => entry)).size, 30)
  })

  trial('a watcher hears of writes under its prefix, its own and of others, until it stops', async (on) => {
    const { store, other, call, name } = on
    const heard = new Set<string>()
    const listener = (change: StoreChange): void => {
      if (change.kind === 'changed') heard.add(change.key)
      // Whoever listens may fail; others must not notice.
      throw new Error('A listener of its own.')
    }
    const watch = await store.watch(name('w/'), listener, call)
    await store.compareAndSet(name('w/own'), 0, 'x', call)
    await other.compareAndSet(name('w/other'), 0, 'x', call)
    await other.compareAndSet(name('elsewhere'), 0, 'x', call)
    await until(() => heard.has(name('w/own')) && heard.has(name('w/other')))
    heard.clear()
    await other.consume(name('w/own'), call)
    await until(() => heard.has(name('w/own')))
    watch[Symbol.dispose]()
    heard.clear()
    const after = await store.watch(name('w/'), listener, call)
    watch[Symbol.dispose]()
    await other.compareAndSet(name('w/last'), 0, 'x', call)
    await until(() => heard.has(name('w/last')))
    after[Symbol.dispose]()
    assert.equal(heard.has(name('elsewhere')), false)
  })

  trial('the epoch only grows, for every client', async ({ store, other, call }) => {
    let last = 0
    for (const one of [store, other, store, store, other]) {
      const epoch = await one.epoch(call)
      assert.ok(epoch > last)
      last = epoch
    }
    assert.ok((await store.epoch({ ...call, afresh: true })) > last)
  })

  trial('a caller who has given up gets their own reason', async ({ store, name, total }) => {
    const reason = new Error('given up')
    const call = { signal: AbortSignal.abort(reason) }
    const given: readonly (() => unknown)[] = [
      () => store.reserve(name('1'), [total('a', 1)], LONG, call),
      () => store.settle(name('1'), {}, call),
      () => store.release(name('1'), call),
      () => store.forget([name('a')], call),
      () => store.get(name('a'), call),
      () => store.list(name('a'), call),
      () => store.compareAndSet(name('a'), 0, 'x', call),
      () => store.consume(name('a'), call),
      () => store.append(name('a'), 'x', call),
      () => store.read(name('a'), 0, call),
      () => store.trim(name('a'), 1, call),
      () => store.watch(name('a'), () => {}, call),
      () => store.epoch(call),
    ]
    for (const one of given) await assert.rejects(async () => one(), reason)
  })
}

async function until(holds: () => boolean): Promise<void> {
  const started = performance.now()
  while (!holds()) {
    assert.ok(performance.now() - started < PATIENCE, 'Nothing was heard in time.')
    await new Promise((resolve) => {
      setTimeout(resolve, 2)
    })
  }
}
