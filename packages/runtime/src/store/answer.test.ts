import { expect, test } from 'vitest'
import { answerOf } from './answer.ts'

test('a call that is given up in the moment it is sent is over at once', async () => {
  const giving = new AbortController()
  const reason = new Error('given up')
  const work = async (): Promise<never> => {
    giving.abort(reason)
    return new Promise(() => {})
  }
  await expect(answerOf(work, { signal: giving.signal, timeoutMs: 1000 })).rejects.toBe(reason)
})
