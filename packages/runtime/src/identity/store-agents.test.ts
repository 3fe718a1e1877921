import { describe, expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import { describeAgents } from '../testing/agents-conformance.ts'
import { memoryAgents, storeAgents } from './store-agents.ts'

const shared = memoryStore({ now: () => new Date() })
let inMemory: ReturnType<typeof memoryAgents> | undefined
let time = (): Date => new Date()

describeAgents(
  'agents in memory',
  {
    open(now) {
      time = now
      return (inMemory ??= memoryAgents({ now: () => time() }))
    },
  },
  { describe, test },
)
describeAgents(
  'agents in a store',
  { open: (now) => storeAgents({ store: shared, now }) },
  { describe, test },
)

const signal = new AbortController().signal

test.each([
  ['that is no JSON', '{'],
  ['of another shape', '{"id":"a"}'],
  ['of an agent with another id', undefined],
])('a record %s is no agent, and says nothing about one', async (_, value) => {
  const store = memoryStore({ now: () => new Date() })
  const agents = storeAgents({ store })
  await agents.register(
    {
      id: 'b',
      type: 't',
      version: '1',
      environment: 'e',
      owner: 'o',
      expires: new Date(Date.now() + 60_000),
    },
    { by: 'x', reason: 'y', signal },
  )
  const kept = value ?? (await store.get('agent/"b"', { signal }))!.value
  await store.compareAndSet('agent/"a"', 0, kept, { signal })
  await expect(agents.get('a', { signal })).rejects.toMatchObject({ code: 'ERR_AGENTS_UNAVAILABLE' })
})
