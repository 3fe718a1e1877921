import { generateText, isStepCount, streamText, tool } from 'ai'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { callTool, say, scriptedModel } from './scripted-model.ts'

const tools = {
  add: tool({ inputSchema: z.object({ a: z.number(), b: z.number() }), execute: ({ a, b }) => a + b }),
}

test('a script is played step by step, for generate and stream alike', async () => {
  const steps = () => scriptedModel([[say('Adding. '), callTool('add', { a: 1, b: 2 })], say('It is three.')])
  const settings = { tools, prompt: 'add', stopWhen: isStepCount(5) }
  const model = steps()
  const generated = await generateText({ ...settings, model })
  const streamed = streamText({ ...settings, model: steps() })
  expect(await streamed.text).toBe(generated.text)
  expect((await streamed.steps).map(({ toolResults }) => toolResults.map(({ output }) => output))).toEqual(
    generated.steps.map(({ toolResults }) => toolResults.map(({ output }) => output)),
  )
  expect(generated.text).toBe('It is three.')
  expect(generated.steps[0]?.toolResults[0]?.output).toBe(3)
  expect(model.calls).toEqual([{ tool: 'add', input: { a: 1, b: 2 } }])
  expect(model.prompts.map((prompt) => prompt.at(-1)?.role)).toEqual(['user', 'tool'])
})

test('a step may be a function of the prompt that the model really got', async () => {
  const model = scriptedModel([({ prompt }) => say(`I was told ${prompt.length} messages.`)])
  expect((await generateText({ model, instructions: 'Be brief.', prompt: 'hello' })).text).toBe(
    'I was told 2 messages.',
  )
})

test('a script that is too short fails, and says so', async () => {
  const model = scriptedModel([callTool('add', { a: 1, b: 2 })])
  await expect(
    generateText({ model, tools, prompt: 'add', stopWhen: isStepCount(5), maxRetries: 0 }),
  ).rejects.toThrow('asked for step 2, but only 1 are listed')
})
