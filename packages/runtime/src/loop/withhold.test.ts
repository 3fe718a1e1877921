import { type JSONValue, type ModelMessage, tool } from 'ai'
import { expect, test, vi } from 'vitest'
import { z } from 'zod'
import { memoryAudit } from '../audit/memory.ts'
import type { ToolContract } from '../contract/contract.ts'
import { createGuard } from '../guard.ts'
import type { Json } from '../json/plain.ts'
import { policy } from '../policy/policy.ts'
import { permitContracted } from '../policy/rules.ts'
import type { Acting } from '../principal.ts'
import { callTool, say, scriptedModel } from '../testing/scripted-model.ts'
import { guardAgent } from './guard-agent.ts'

const principal = { subject: 'user:alice', tenant: 'acme' } as const
const SECRET = 'The merger closes on Friday.'
const QUESTIONS = ['What is new?', 'And now?', 'Still?']

type Revalidate = NonNullable<ToolContract['revalidate']>

interface Given {
  readonly tampered?: (messages: ModelMessage[]) => ModelMessage[]
  readonly result?: object
  readonly toModelOutput?: () => { type: 'json'; value: JSONValue }
}

/** A conversation of three turns, of which the first looks something up. What the model was shown at each request. */
async function conversation(
  revalidate: Revalidate | undefined,
  { tampered = (messages) => messages, result = { passages: [SECRET] }, toModelOutput }: Given = {},
) {
  const sink = memoryAudit()
  const guard = createGuard({
    agent: { id: 'a', version: '1', expires: new Date('2999-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink },
  })
  await using run = await guard.startRun({ principal })
  const acted: (Acting | undefined)[] = []
  const tools = {
    search: tool({
      inputSchema: z.object({}),
      execute: (_, options) => {
        acted.push((options as { acting?: Acting }).acting)
        return result
      },
      ...(toModelOutput === undefined ? {} : { toModelOutput }),
    }),
  }
  const model = scriptedModel([callTool('search', {}), say('Something.'), say('Two.'), say('Three.')])
  const agent = guardAgent(guard, {
    model,
    tools,
    contracts: { search: { effect: 'read', ...(revalidate === undefined ? {} : { revalidate }) } },
  })
  let messages: ModelMessage[] = []
  for (const content of QUESTIONS) {
    messages = tampered([...messages, { role: 'user', content }])
    const { responseMessages } = await agent.generate({ messages, options: { principal, run } })
    messages = [...messages, ...responseMessages]
  }
  return {
    acted,
    shown: model.prompts.map((prompt) => JSON.stringify(prompt).includes('merger')),
    prompts: model.prompts.map((prompt) => JSON.stringify(prompt)),
    withheld: sink.events().filter(({ type }) => type === 'withheld'),
    causes: run.chunks.flatMap(({ origin, label }) =>
      origin.kind === 'model-output' ? [label.authors] : [],
    ),
  }
}

test('without revalidation a result stays in the prompt for all turns', async () => {
  const { shown } = await conversation(undefined)
  expect(shown).toEqual([false, true, true, true])
})

test('a result that may no longer be shown drops out of the prompt at the next turn', async () => {
  const revalidate = vi.fn<Revalidate>(async () => [false])
  const { shown, prompts, withheld } = await conversation(revalidate)
  expect(shown).toEqual([false, true, false, false])
  expect(prompts[2]).toContain('may no longer be shown')
  expect(withheld).toMatchObject([
    { tool: 'search', turn: 2 },
    { tool: 'search', turn: 3 },
  ])
})

test('one that may be shown stays, and is asked about once a turn, for the user that the run acts for', async () => {
  const revalidate = vi.fn<Revalidate>(async () => [true])
  const { shown, withheld, acted } = await conversation(revalidate)
  expect(shown).toEqual([false, true, true, true])
  expect(withheld).toEqual([])
  expect(revalidate).toHaveBeenCalledTimes(2)
  const [results, { acting }] = revalidate.mock.calls[0] as Parameters<Revalidate>
  expect(results).toEqual([{ passages: [SECRET] }])
  expect(acting).toMatchObject({ principal, agent: 'agent:a@1' })
  expect(acted).toEqual([acting])
})

test('what comes back into a result comes back with a yes alone', async () => {
  const answers = [false, true]
  const { shown } = await conversation(async () => [answers.shift() ?? false])
  expect(shown).toEqual([false, true, false, true])
})

test.for<[string, Revalidate]>([
  ['throws', () => Promise.reject(new Error('down'))],
  ['gives no answer', async () => []],
  ['gives one answer too many', async () => [true, true]],
  ['answers with something truthy', async () => ['yes' as unknown as boolean]],
])('a result is withheld where revalidation %s', async ([, revalidate]) => {
  const { shown } = await conversation(revalidate)
  expect(shown).toEqual([false, true, false, false])
})

test('an edited copy of a result, or one under another call, is no way round', async () => {
  const editions: ((text: string) => string)[] = [
    (text) => text.replaceAll(SECRET, `${SECRET} `),
    (text) => text.replaceAll(/"toolCallId":"[^"]*"/g, '"toolCallId":"made-up"'),
  ]
  for (const edit of editions) {
    const edited = (messages: ModelMessage[]): ModelMessage[] =>
      JSON.parse(edit(JSON.stringify(messages))) as ModelMessage[]
    expect((await conversation(undefined, { tampered: edited })).shown).toEqual([false, true, true, true])
    const { shown } = await conversation(async (results) => results.map(() => false), {
      tampered: edited,
    })
    expect(shown).toEqual([false, true, false, false])
  }
})

test('taking a result out of the prompt restores no trust', async () => {
  const { causes } = await conversation(async () => [false])
  expect(causes.at(-1)).toContain('anyone')
})

const OTHER = 'The canteen opens at nine.'
const TWO = { passages: [SECRET, OTHER], total: 2 }

test('where a part may still be shown, the rest alone drops out of the prompt', async () => {
  const part = { passages: [OTHER] }
  const { shown, prompts, withheld, causes } = await conversation(async () => [{ only: part }], {
    result: TWO,
  })
  expect(shown).toEqual([false, true, false, false])
  expect(prompts[2]).toContain(JSON.stringify({ type: 'json', value: part }))
  expect(withheld).toMatchObject([{ chunks: [], inPart: [expect.any(Number)] }, { turn: 3 }])
  expect(causes.at(-1)).toContain('anyone')
})

test.for<[string, Json]>([
  ['says something else', { passages: [OTHER], total: 1 }],
  ['is in another order', { passages: [OTHER, SECRET] }],
  ['repeats a part', { passages: [OTHER, OTHER] }],
  ['has something more', { passages: [OTHER], note: 'One was taken out.' }],
  ['has another form', [OTHER]],
  ['goes deeper than the result', { passages: [[OTHER]] }],
])('a part that %s is no part, and nothing of the result is shown', async ([, only]) => {
  const { shown, prompts } = await conversation(async () => [{ only }], { result: TWO })
  expect(shown).toEqual([false, true, false, false])
  expect(prompts[2]).not.toContain('canteen')
  expect(prompts[2]).toContain('may no longer be shown')
})

test('of an edited copy, or a result that was shown in a form of its own, no part is shown', async () => {
  const edited = (messages: ModelMessage[]): ModelMessage[] =>
    JSON.parse(JSON.stringify(messages).replaceAll('"total":2', '"total":3')) as ModelMessage[]
  const shown = { type: 'json', value: { passages: ['One of two.'] } } as const
  for (const given of [{ tampered: edited }, { toModelOutput: () => shown }]) {
    const part = vi.fn<Revalidate>(async () => [{ only: { passages: [OTHER] } }])
    const { prompts } = await conversation(part, { result: TWO, ...given })
    expect(part).toHaveBeenCalled()
    expect(prompts[2]).not.toMatch(/canteen|One of two/)
    expect(prompts[2]).toContain('may no longer be shown')
  }
})
