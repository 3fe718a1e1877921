import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { millionths } from './quota.ts'
import { sharedRunTally } from './shared-tally.ts'
import { createRunTally, createViolations, type RunTally } from './violation.ts'

let time = 0
const now = (): Date => new Date(time)
const here = (of: Parameters<typeof createRunTally>[0]): ReturnType<typeof createRunTally> =>
  createRunTally(of, { now })
const WHO = { run: 'r', agent: 'agent:a@1' }

describe('violations', () => {
  test('stop a run that is refused too often, each counting by its weight', async () => {
    time = 0
    const of = createViolations({ run: { limit: 6, windowMs: 1000 } }, here)
    expect(await of.add(WHO, 'refusal')).toBeUndefined()
    expect(await of.add(WHO, 'credential')).toBeUndefined()
    expect(await of.add(WHO, 'destination')).toEqual({ of: 'run', limit: 6, windowMs: 1000 })
  })

  test('of other runs do not count, and those of the agent only where that is asked for', async () => {
    time = 0
    const apart = createViolations({ run: { limit: 3, windowMs: 1000 } }, here)
    for (let i = 0; i < 50; i += 1)
      expect(await apart.add({ ...WHO, run: `r${i}` }, 'refusal')).toBeUndefined()
    const together = createViolations(
      { run: { limit: 3, windowMs: 1000 }, agent: { limit: 3, windowMs: 1000 } },
      here,
    )
    const trips = await Promise.all(
      [0, 1, 2, 3].map(async (i) => (await together.add({ ...WHO, run: `r${i}` }, 'refusal'))?.of),
    )
    expect(trips).toEqual([undefined, undefined, 'agent', 'agent'])
  })

  test('long ago do not count any more, and a clock that goes back forgets none', () => {
    const of = createRunTally({ run: { limit: 2, windowMs: 1000 } }, { now })
    time = 0
    of.add(WHO, 1)
    time = 1100
    expect(of.add(WHO, 1)).toBeUndefined()
    time = 100
    expect(of.add(WHO, 1)).toMatchObject({ of: 'run' })
  })

  test('start from nothing for a run that a person let go on', () => {
    time = 0
    const of = createRunTally({ run: { limit: 2, windowMs: 1000 } }, { now })
    of.add(WHO, 1)
    expect(of.add(WHO, 1)).toBeDefined()
    expect(of.add(WHO, 1)).toBeUndefined()
  })

  test.each([0, -5, Number.NaN])('of weight %s count nothing', (weight) => {
    time = 0
    const of = createRunTally({ run: { limit: 1, windowMs: 1000 } }, { now })
    for (let i = 0; i < 10; i += 1) expect(of.add(WHO, weight)).toBeUndefined()
  })
})

describe('violations that processes count together', () => {
  const store = (): ReturnType<typeof memoryStore> => memoryStore({ now })
  const process = (
    on: ReturnType<typeof memoryStore>,
    of: Parameters<typeof createRunTally>[0],
  ): RunTally => {
    const { run, agent } = of
    return sharedRunTally(here(of), {
      store: on,
      kind: 'test',
      run,
      agent,
      whole: millionths,
      newId: randomUUID,
    })
  }

  test('stop a run and an agent that go on in another process, where each alone would have let them', async () => {
    time = 0
    const on = store()
    const run = { limit: 4, windowMs: 1000 }
    const agent = { limit: 6, windowMs: 1000 }
    const [a, b] = [process(on, { run, agent }), process(on, { run, agent })]
    const alone = here({ run, agent })
    for (let i = 0; i < 2; i += 1) expect(alone.add(WHO, 1.5)).toBeUndefined()
    expect(await a.add(WHO, 1.5)).toBeUndefined()
    expect(await b.add(WHO, 1.5)).toBeUndefined()
    expect(await a.add(WHO, 1.5)).toMatchObject({ of: 'run' })
    // Reached to the last fraction, by a run that did nothing before.
    expect(await b.add({ ...WHO, run: 's' }, 1.5)).toMatchObject({ of: 'agent' })
    expect(await b.add({ ...WHO, run: 't' }, 0.1)).toMatchObject({ of: 'agent' })
    expect(await b.add({ run: 't', agent: 'agent:b@1' }, 1)).toBeUndefined()
    time = 2000
    expect(await b.add({ ...WHO, run: 't' }, 1)).toBeUndefined()
  })

  test('start from nothing in all of them for a run that a person let go on', async () => {
    time = 0
    const on = store()
    const [a, b] = [
      process(on, { run: { limit: 3, windowMs: 1000 } }),
      process(on, { run: { limit: 3, windowMs: 1000 } }),
    ]
    await a.add(WHO, 2)
    expect(await b.add(WHO, 2)).toBeDefined()
    expect(await b.add({ ...WHO }, 0.5)).toBeUndefined()
    const fresh = process(on, { run: { limit: 3, windowMs: 1000 } })
    expect(await fresh.add(WHO, 2)).toBeUndefined()
    expect(await fresh.add(WHO, 2)).toBeDefined()
  })

  test('count in this process alone while the store is out of reach, and never less than there', async () => {
    time = 0
    const down = {
      ...store(),
      get: () => Promise.reject(new Error('down')),
      reserve: () => Promise.reject(new Error('down')),
    }
    const of = process(down, { run: { limit: 2, windowMs: 1000 }, agent: { limit: 9, windowMs: 1000 } })
    expect(await of.add(WHO, 1)).toBeUndefined()
    expect(await of.add(WHO, 1)).toMatchObject({ of: 'run' })
  })
})
