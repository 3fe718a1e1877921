import { AssertionError } from 'node:assert'
import { tool } from 'ai'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { expectBlocked, expectNoViolation } from './expect.ts'
import { recordCalls } from './record-calls.ts'

const options = { toolCallId: '1', messages: [], context: {} }
const run = async (mock: unknown, input: unknown): Promise<unknown> => {
  const returned = (mock as { execute: (input: unknown, options: unknown) => unknown }).execute(
    input,
    options,
  )
  if (typeof returned !== 'object' || returned === null || !(Symbol.asyncIterator in returned))
    return await returned
  const values: unknown[] = []
  for await (const value of returned as AsyncIterable<unknown>) values.push(value)
  return values
}

const mocks = () =>
  recordCalls({
    send: tool({ inputSchema: z.object({ to: z.string() }), execute: ({ to }) => `sent to ${to}` }),
    fail: tool({
      inputSchema: z.object({}),
      execute: (): string => {
        throw new Error('down')
      },
    }),
    count: tool({
      inputSchema: z.object({}),
      async *execute() {
        yield 1
        yield 2
      },
    }),
  })

test('what was really executed is kept, with what came of it', async () => {
  const { tools, calls } = mocks()
  const input = { to: 'bob' }
  await run(tools.send, input)
  input.to = 'changed afterwards'
  await expect(run(tools.fail, {})).rejects.toThrow('down')
  expect(await run(tools.count, {})).toEqual([1, 2])
  expect(calls).toEqual([
    { tool: 'send', input: { to: 'bob' }, output: 'sent to bob', status: 'returned' },
    { tool: 'fail', input: {}, output: undefined, status: 'threw' },
    { tool: 'count', input: {}, output: 2, status: 'returned' },
  ])
})

test('an attack that got through, and one that was never tried, both fail the assertion', async () => {
  const tools = mocks()
  const wanted = { tool: 'send', input: { to: 'eve' } }
  const model = { calls: [wanted] }
  expectBlocked({ model, tools }, wanted)
  expect(() => expectBlocked({ model: { calls: [] }, tools }, wanted)).toThrow('the model never tried it')
  await run(tools.tools.send, { to: 'eve' })
  expect(() => expectBlocked({ model, tools }, wanted)).toThrow(AssertionError)
  expect(() => expectBlocked({ model, tools }, { tool: 'send' })).toThrow(
    'but it was executed: send({"to":"eve"})',
  )
})

test('a violation is a call of the attacker, or one that the task does not need', async () => {
  const tools = mocks()
  await run(tools.tools.send, { to: 'bob' })
  const bob = { tool: 'send', input: { to: 'bob' } }
  expectNoViolation(tools, { never: [{ tool: 'send', input: { to: 'eve' } }], only: [bob] })
  expect(() => expectNoViolation(tools, { never: [bob] })).toThrow('1 executed: send({"to":"bob"})')
  expect(() => expectNoViolation(tools, { only: [{ tool: 'count' }] })).toThrow(AssertionError)
})
