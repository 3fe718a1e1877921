import { expect, test } from 'vitest'
import { type Taker, through } from './through.ts'

function source(parts: readonly (string | Error)[]): {
  stream: ReadableStream<string>
  read: string[]
  cancelled: unknown[]
} {
  const read: string[] = []
  const cancelled: unknown[] = []
  const left = [...parts]
  const stream = new ReadableStream<string>(
    {
      pull(controller) {
        const next = left.shift()
        if (next === undefined) controller.close()
        else if (next instanceof Error) controller.error(next)
        else {
          read.push(next)
          controller.enqueue(next)
        }
      },
      cancel: (reason) => void cancelled.push(reason),
    },
    { highWaterMark: 0 },
  )
  return { stream, read, cancelled }
}

/** Holds back every part until the next one has come; says nothing of an empty one. */
function late(): Taker<string> {
  let held: string | undefined
  return {
    take(part, give) {
      if (part === 'throw') throw new Error('taken ill')
      if (held !== undefined && held !== '') give(held)
      held = part
    },
    end(give) {
      if (held !== undefined) give(held)
    },
  }
}

async function all(stream: ReadableStream<string>): Promise<string[]> {
  const out: string[] = []
  for await (const part of stream) out.push(part)
  return out
}

test('what is held back comes at the end, and what is dropped leaves no gap', async () => {
  const { stream } = source(['a', '', '', 'b', 'c'])
  expect(await all(through(stream, late()))).toEqual(['a', 'b', 'c'])
})

test('nothing is read before it is asked for', async () => {
  const { stream, read } = source(['a', 'b', 'c', 'd'])
  const reader = through(stream, late()).getReader()
  await new Promise((resolve) => setImmediate(resolve))
  expect(read).toEqual([])
  expect(await reader.read()).toEqual({ done: false, value: 'a' })
  expect(read).toEqual(['a', 'b'])
})

test('an error of the source arrives, after what came before it', async () => {
  const { stream } = source(['a', 'b', new Error('gone')])
  const reader = through(stream, late()).getReader()
  expect(await reader.read()).toEqual({ done: false, value: 'a' })
  await expect(reader.read()).rejects.toThrow('gone')
})

test('an error of the taker arrives, and cancels the source', async () => {
  const { stream, cancelled } = source(['a', 'throw', 'b'])
  await expect(all(through(stream, late()))).rejects.toThrow('taken ill')
  expect(cancelled).toEqual([new Error('taken ill')])
})

test('whoever cancels it cancels the source', async () => {
  const { stream, cancelled } = source(['a', 'b', 'c'])
  const reader = through(stream, late()).getReader()
  await reader.read()
  await reader.cancel('enough')
  expect(cancelled).toEqual(['enough'])
})
