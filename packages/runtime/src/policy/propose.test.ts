import { expect, test } from 'vitest'
import { grantAllows } from './grant.ts'
import { type GrantQuestion, grantFrom } from './propose.ts'

const question: GrantQuestion = {
  trusted: ['Refund order ORD-1, please.'],
  tools: [{ name: 'lookupOrder', description: 'Finds an order.' }, { name: 'issueRefund' }],
}
const signal = new AbortController().signal
const proposed = (answer: () => unknown): ReturnType<ReturnType<typeof grantFrom>> =>
  grantFrom(answer, { by: 'model:mock' })(question, { signal })

test('the grant holds the tools that the model named, and none that there is not', async () => {
  const { grant, dropped, failure } = await proposed(() => ['issueRefund', 'wipe', 'constructor'])
  expect([grant.from, grant.by, Object.keys(grant.tools)]).toEqual(['model', 'model:mock', ['issueRefund']])
  expect([dropped, failure]).toEqual([['wipe', 'constructor'], undefined])
  expect(grantAllows(grant, 'issueRefund', { amount: 1 })).toBe(true)
  expect(grantAllows(grant, 'lookupOrder', {})).toBe(false)
})

test.each([
  [
    'throws',
    () => {
      throw new Error('down')
    },
    'threw',
  ],
  ['rejects', () => Promise.reject(new Error('down')), 'threw'],
  ['answers with prose', () => 'all of them', 'not a list of names'],
  ['answers with an object', () => ({ tools: ['issueRefund'], args: {} }), 'not a list of names'],
  ['answers with something else among the names', () => ['issueRefund', 7], 'not a list of names'],
])('a model that %s leaves an empty grant, so that every call asks', async (_, answer, failure) => {
  const made = await proposed(answer)
  expect([made.grant.tools, made.failure]).toEqual([{}, failure])
  expect(grantAllows(made.grant, 'lookupOrder', {})).toBe(false)
})

test('the model is shown trusted input, names and descriptions, and nothing else that a tool carries', async () => {
  let shown: unknown
  const tools = question.tools.map((tool) => ({ ...tool, execute: () => 'secret', seen: ['a web page'] }))
  await grantFrom(
    (asked) => {
      shown = asked
      return []
    },
    { by: 'm' },
  )({ ...question, tools }, { signal })
  expect(shown).toEqual(question)
})
