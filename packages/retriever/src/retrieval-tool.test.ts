import { createGuard, guardAgent, memoryAudit, type Principal } from '@gatewright/runtime'
import { permitContracted, policy } from '@gatewright/runtime/policy'
import { callTool, say, scriptedModel } from '@gatewright/runtime/testing'
import type { ModelMessage } from 'ai'
import { describe, expect, test } from 'vitest'
import { retrievalTool } from './retrieval-tool.ts'
import type { RetrieverOptions } from './retrieval.ts'
import { world } from './testing/small-retriever.ts'

const PRINCIPAL: Principal = { subject: 'user:alice', tenant: 'acme' }

async function guarded(given: Partial<RetrieverOptions> = {}) {
  const small = await world(given)
  const { tool, contract } = retrievalTool(small.retriever, { k: 3 })
  const guard = createGuard({
    agent: { id: 'a', version: '1', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: memoryAudit() },
    onHalt: [small.retriever.haltHook],
  })
  return {
    ...small,
    guard,
    tool,
    async converse(
      turns: number,
      between: (turn: number) => void = () => {},
      principal = PRINCIPAL,
      kept: (messages: ModelMessage[]) => ModelMessage[] = (messages) => messages,
    ) {
      await using run = await guard.startRun({ principal })
      const model = scriptedModel([
        callTool('search', { query: 'the plan' }),
        ...Array.from({ length: turns }, () => say('Noted.')),
      ])
      const agent = guardAgent(guard, { model, tools: { search: tool }, contracts: { search: contract } })
      let messages: ModelMessage[] = []
      for (let turn = 0; turn < turns; turn += 1) {
        between(turn)
        messages = [...messages, { role: 'user', content: `Question ${turn}` }]
        const { responseMessages } = await agent.generate({ messages, options: { principal, run } })
        messages = kept([...messages, ...responseMessages])
      }
      return {
        prompts: model.prompts.map((prompt) => JSON.stringify(prompt)),
        chunks: run.chunks.filter(({ origin }) => origin.kind === 'tool-result'),
      }
    },
  }
}

test('the model of a guarded agent is shown what its user may read, whatever it asks for', async () => {
  const { put, converse } = await guarded()
  await put('of alice', ['user:alice'], 'the plan of Alice')
  await put('of bob', ['user:bob'], 'the plan of Bob')
  const { prompts } = await converse(1)
  expect(prompts[1]).toContain('the plan of Alice')
  expect(prompts[1]).not.toContain('Bob')
  const bob = await converse(1, undefined, { subject: 'user:bob', tenant: 'acme' })
  expect(bob.prompts[1]).toContain('the plan of Bob')
  expect(bob.prompts[1]).not.toContain('Alice')
})

test('a passage enters the ledger with its document’s authors and readers', async () => {
  const { put, converse } = await guarded()
  await put('a', ['group:eng', 'user:alice'], 'Written elsewhere.', {
    authors: ['user:carol', 'party:mallory'],
  })
  const { chunks } = await converse(1)
  expect(chunks[0]?.label.authors).toEqual(['party:mallory', 'user:carol'])
  expect(chunks[0]?.label.readers).toEqual([
    { members: ['agent:a@1', 'group:eng', 'user:alice'], assigned: true },
  ])
})

test('nothing found is in the developer’s words, and taints nothing', async () => {
  const { converse } = await guarded()
  const { chunks } = await converse(1)
  expect(chunks[0]).toMatchObject({ content: { passages: [] }, label: { authors: ['developer'] } })
})

describe('a passage of an earlier turn', () => {
  test('stays in the prompt as long as it may be read', async () => {
    const { put, converse } = await guarded()
    await put('a', ['user:alice'], 'the plan of Alice')
    const { prompts } = await converse(3)
    expect(prompts.map((prompt) => prompt.includes('the plan of Alice'))).toEqual([false, true, true, true])
  })

  test.for<[string, (access: { readers: string[]; version: string; aclVersion: string }) => void]>([
    ['is revoked', (access) => access.readers.splice(0)],
    ['is rewritten', (access) => (access.version = 'v2')],
    ['gets other readers', (access) => (access.aclVersion = '2')],
  ])('drops out of the prompt once its document %s', async ([, change]) => {
    const { put, converse, permissions } = await guarded()
    await put('a', ['user:alice'], 'the plan of Alice')
    const { prompts } = await converse(3, (turn) => {
      const access = permissions.documents.get('a')
      if (turn === 2 && access !== undefined) change(access)
    })
    expect(prompts.map((prompt) => prompt.includes('the plan of Alice'))).toEqual([false, true, true, false])
  })

  test('drops out when it cannot be checked', async () => {
    const { put, converse, permissions } = await guarded()
    await put('a', ['user:alice'], 'the plan of Alice')
    const { prompts } = await converse(2, (turn) => {
      if (turn === 1) permissions.check = () => Promise.reject(new Error('down'))
    })
    expect(prompts.map((prompt) => prompt.includes('the plan of Alice'))).toEqual([false, true, false])
  })
})

describe('a passage that may no longer be read, among others that may', () => {
  const ids = ['zebra', 'yak', 'xenon']

  async function after(change: (world: Awaited<ReturnType<typeof guarded>>) => void) {
    const small = await guarded()
    for (const id of ids) await small.put(id, ['user:alice'], `the plan, as the ${id} has it`)
    const { prompts } = await small.converse(3, (turn) => void (turn === 2 && change(small)))
    return {
      ...small,
      prompts: prompts.map((prompt) => ids.filter((id) => prompt.includes(id))),
      raw: prompts,
    }
  }

  test('drops out of the prompt alone, with nothing that tells of it', async () => {
    const { prompts, raw } = await after(({ permissions }) =>
      permissions.documents.get('yak')?.readers.splice(0),
    )
    expect(prompts).toEqual([[], ids, ids, ['zebra', 'xenon']])
    expect(raw[2]).toContain('"score"')
    expect(raw[3]).not.toMatch(/"score"|withheld|no longer/)
  })

  test('takes the whole result with it where none of the others may either', async () => {
    const { prompts, raw } = await after(({ permissions }) => permissions.documents.clear())
    expect(prompts[3]).toEqual([])
    expect(raw[3]).toContain('may no longer be shown')
  })

  test('takes the whole result with it where the client has edited it', async () => {
    const small = await guarded()
    for (const id of ids) await small.put(id, ['user:alice'], `the plan, as the ${id} has it`)
    const edited = (text: string): string => text.replaceAll('"position":0', '"position":7')
    const { prompts } = await small.converse(
      3,
      (turn) => void (turn === 2 && small.permissions.documents.get('yak')?.readers.splice(0)),
      PRINCIPAL,
      (messages) => JSON.parse(edited(JSON.stringify(messages))) as ModelMessage[],
    )
    expect(prompts[2]).toContain('yak')
    expect(prompts[3]).not.toMatch(/yak|zebra|xenon/)
  })
})

test('what the model is given has the same shape whether something was hidden or nothing was there', async () => {
  const hidden = await guarded()
  await hidden.put('a', ['user:alice'], 'the plan')
  for (let at = 0; at < 9; at += 1) await hidden.put(`b${at}`, ['user:bob'], 'the plan')
  const dropped = await guarded()
  await dropped.put('a', ['user:alice'], 'the plan')
  await dropped.put('c', ['user:alice'], 'the plan')
  dropped.permissions.documents.get('c')?.readers.splice(0)
  // Better than what is left, so that the places of those move up.
  await dropped.put('0', ['user:alice'], 'the plan')
  dropped.permissions.documents.get('0')?.readers.splice(0)
  const alone = await guarded()
  await alone.put('a', ['user:alice'], 'the plan')
  const results = await Promise.all(
    [hidden, dropped, alone].map(async ({ converse }) => (await converse(1)).chunks[0]?.content),
  )
  expect(results[2]).toMatchObject({ passages: [{ document: 'a' }] })
  expect(results[0]).toEqual(results[2])
  expect(results[1]).toEqual(results[2])
})

test('outside of a guarded run there is nobody to search for', async () => {
  const { tool } = await guarded()
  await expect(
    (async () =>
      tool.execute?.({ query: 'the plan' }, { toolCallId: 'x', messages: [], context: {} } as never))(),
  ).rejects.toThrow('a guarded run')
})

test('a failure is told to the model without a word on why', async () => {
  const { put, converse, permissions } = await guarded()
  await put('a', ['user:alice'], 'the plan')
  permissions.plan = () => Promise.reject(new Error('password=hunter2 of user:bob'))
  const { prompts } = await converse(1)
  expect(prompts[1]).toContain('could not be established')
  expect(prompts[1]).not.toMatch(/hunter2|bob/)
})

test('a tool that could never find anything is refused when it is made', async () => {
  const { retriever } = await world()
  for (const wrong of [{ k: 0 }, { k: 101 }, { longestQuery: 0 }, { longestQuery: Number.NaN }])
    expect(() => retrievalTool(retriever, wrong)).toThrow(/^(?:k|longestQuery): expected/)
})
