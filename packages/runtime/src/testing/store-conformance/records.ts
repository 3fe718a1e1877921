import assert from 'node:assert/strict'
import { type DefineTrial, LONG, type Trial } from './trial.ts'

/** Values with versions, what is used up once, and logs. */
export function describeRecords(trial: DefineTrial): void {
  trial(
    'a value is written only over the version that its writer has seen',
    async ({ store, call, name }) => {
      const key = name('a')
      assert.equal(await store.get(key, call), undefined)
      const first = await store.compareAndSet(key, 0, 'one', call)
      assert.ok(first !== undefined && first > 0)
      assert.equal(await store.compareAndSet(key, 0, 'two', call), undefined)
      assert.deepEqual(await store.get(key, call), { key, value: 'one', version: first })
      const second = await store.compareAndSet(key, first, 'two', call)
      assert.ok(second !== undefined && second > first)
      assert.equal(await store.compareAndSet(key, first, 'three', call), undefined)
      assert.deepEqual(await store.get(key, call), { key, value: 'two', version: second })
    },
  )

  trial(
    'a version never comes back, so that a stale writer cannot mistake a new value for its own',
    async (on) => {
      const { store, call, name } = on
      const first = await store.compareAndSet(name('a'), 0, 'one', call)
      assert.ok(first !== undefined)
      assert.ok((await store.compareAndSet(name('a'), first, undefined, call)) !== undefined)
      assert.equal(await store.get(name('a'), call), undefined)
      const again = await store.compareAndSet(name('a'), 0, 'two', call)
      assert.ok(again !== undefined && again > first)
      assert.equal(await store.compareAndSet(name('a'), first, 'three', call), undefined)
    },
  )

  trial('a record goes at its time, and one with no time stays', async (on) => {
    const { store, call, name } = on
    await store.compareAndSet(name('short'), 0, 'x', { ...call, ttlMs: 30 })
    await store.compareAndSet(name('long'), 0, 'x', { ...call, ttlMs: LONG })
    await store.compareAndSet(name('stays'), 0, 'x', call)
    await on.advance(80)
    assert.equal(await store.get(name('short'), call), undefined)
    assert.equal(await store.consume(name('short'), call), undefined)
    assert.deepEqual(await keys(on, ''), [name('long'), name('stays')])
    assert.ok((await store.compareAndSet(name('short'), 0, 'y', call)) !== undefined)
    assert.equal((await store.get(name('short'), call))?.value, 'y')
  })

  trial('a write with no time lifts the one that was set', async (on) => {
    const { store, call, name } = on
    const version = await store.compareAndSet(name('a'), 0, 'x', { ...call, ttlMs: 150 })
    await store.compareAndSet(name('a'), version ?? 0, 'y', call)
    await on.advance(200)
    assert.equal((await store.get(name('a'), call))?.value, 'y')
  })

  trial('a record is used up once', async ({ store, call, name }) => {
    await store.compareAndSet(name('a'), 0, 'yes', call)
    assert.equal(await store.consume(name('a'), call), 'yes')
    assert.equal(await store.consume(name('a'), call), undefined)
    assert.equal(await store.get(name('a'), call), undefined)
  })

  trial('a list holds the records with a prefix, in order, and no others', async (on) => {
    const { store, call, name } = on
    const written = ['a/2', 'a/1', 'a/%_*[x', 'a', 'ab/1', 'A/1', 'a/ü', 'a/{t}']
    for (const key of written) await store.compareAndSet(name(key), 0, key, call)
    await store.consume(name('a/2'), call)
    assert.deepEqual(await keys(on, 'a/'), [name('a/%_*[x'), name('a/1'), name('a/{t}'), name('a/ü')])
    assert.deepEqual(await keys(on, 'a/%'), [name('a/%_*[x')])
    assert.deepEqual(await keys(on, 'b'), [])
  })

  trial('a log gives its entries back in order, each with its place', async ({ store, call, name }) => {
    assert.deepEqual(await store.read(name('log'), 0, call), [])
    assert.equal(await store.append(name('log'), 'one', call), 1)
    assert.equal(await store.append(name('log'), 'two', call), 2)
    assert.equal(await store.append(name('other'), 'x', call), 1)
    assert.deepEqual(await store.read(name('log'), 0, call), [
      { seq: 1, entry: 'one' },
      { seq: 2, entry: 'two' },
    ])
    assert.deepEqual(await store.read(name('log'), 1, call), [{ seq: 2, entry: 'two' }])
    assert.deepEqual(await store.read(name('log'), 2, call), [])
  })

  trial('a log that is trimmed keeps its newest entries, each in its place', async (on) => {
    const { store, other, call, name } = on
    await store.trim(name('log'), 5, call)
    for (const entry of ['one', 'two', 'three']) await store.append(name('log'), entry, call)
    await store.trim(name('log'), 3, call)
    await other.trim(name('log'), 2, call)
    assert.deepEqual(await other.read(name('log'), 0, call), [{ seq: 3, entry: 'three' }])
    assert.deepEqual(await store.read(name('log'), 2, call), [{ seq: 3, entry: 'three' }])
    assert.equal(await other.append(name('log'), 'four', call), 4)
    await store.trim(name('log'), 100, call)
    assert.deepEqual(await store.read(name('log'), 1, call), [{ seq: 4, entry: 'four' }])
    assert.deepEqual(await store.read(name('log'), 4, call), [])
    assert.equal(await store.append(name('log'), 'five', call), 5)
  })

  trial('a text comes back as it was', async ({ store, call, name }) => {
    const text = ' "\\\' \r\n\t\u0001 ü 漢字 🙂 ￾ {"a":[1]} '.repeat(50)
    await store.compareAndSet(name('a'), 0, text, call)
    assert.equal((await store.get(name('a'), call))?.value, text)
    assert.equal((await store.list(name('a'), call))[0]?.value, text)
    await store.append(name('log'), text, call)
    assert.equal((await store.read(name('log'), 0, call))[0]?.entry, text)
    assert.equal(await store.consume(name('a'), call), text)
    await store.compareAndSet(name('empty'), 0, '', call)
    assert.equal((await store.get(name('empty'), call))?.value, '')
    assert.equal(await store.consume(name('empty'), call), '')
  })

  trial(
    'names and texts that some driver could not keep are refused by all',
    async ({ store, call, name }) => {
      for (const key of ['', 'a\u0000', 'a\n', `${name('a')}\uD800`, 'x'.repeat(1001), 'ü'.repeat(501)]) {
        await assert.rejects(async () => store.get(key, call), RangeError)
        await assert.rejects(async () => store.compareAndSet(key, 0, 'x', call), RangeError)
        await assert.rejects(async () => store.consume(key, call), RangeError)
        await assert.rejects(async () => store.append(key, 'x', call), RangeError)
      }
      const longest = `${name('')}${'x'.repeat(1000 - name('').length)}`
      await store.compareAndSet(longest, 0, 'x', call)
      assert.equal((await store.get(longest, call))?.value, 'x')
      for (const text of ['a\u0000', 'a\uD800'])
        await assert.rejects(async () => store.compareAndSet(name('a'), 0, text, call), RangeError)
    },
  )
}

async function keys({ store, call, name }: Trial, prefix: string): Promise<string[]> {
  const found = await store.list(name(prefix), call)
  return found.map(({ key }) => key)
}
