import { minted } from '@gatewright/runtime/contract'
import { callTool } from '@gatewright/runtime/testing'
import { tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { ALICE, decisions, office, openDesk, told, work } from './office.ts'

const mail = callTool('sendEmail', { to: 'boss@x.example', subject: '', body: 'x' })

/** A tool with a careful contract returns this; then the model tries to send mail. */
async function returning(make: () => unknown) {
  const [desk, at] = [openDesk(), office()]
  const tools = {
    ...at.tools,
    odd: tool({ inputSchema: z.object({}), execute: (() => make()) as () => Promise<unknown> }),
  } as unknown as typeof at.tools
  const contracts = {
    ...at.contracts,
    odd: { effect: 'read', operator: 'drive', result: { id: minted('drive.file'), at: minted() } },
  } as unknown as typeof at.contracts
  await using run = await desk.guard.startRun({ principal: ALICE })
  const { model } = await work(
    desk,
    { tools, contracts },
    {
      prompt: 'Look.',
      steps: [callTool('odd', {}), mail],
      options: { run },
    },
  )
  return {
    shown: told(model)[0],
    isTrusted: decisions(desk, 'sendEmail').at(-1)?.outcome === 'permit',
    events: desk.events(),
  }
}

const cyclic: Record<string, unknown> = { id: 'f1' }
cyclic['self'] = cyclic

class Row {
  readonly id = 'f1'
}

class Money {
  readonly id = 'f1'
  toJSON(): unknown {
    return { id: this.id }
  }
}

describe('a result that is refused, clearly and never trusted', () => {
  test.each<[string, string, () => unknown]>([
    ['a cycle', 'nested too deep, or a cycle', () => cyclic],
    ['binary data', 'binary data', () => new Uint8Array(3)],
    ['binary data inside', 'binary data', () => ({ id: 'f1', data: Buffer.from('x') })],
    ['a stream', 'a stream', async () => new ReadableStream()],
    ['a stream that could be iterated', 'a stream', () => new ReadableStream()],
    ['a stream inside', 'a stream', () => ({ id: 'f1', body: new ReadableStream() })],
    ['a Map', 'a Map or a Set', () => new Map([['id', 'f1']])],
    ['a Set inside', 'a Map or a Set', () => ({ id: 'f1', tags: new Set(['x']) })],
    ['a promise inside', 'a promise', () => ({ id: 'f1', later: Promise.resolve(1) })],
    ['a bigint', 'a bigint', () => ({ id: 1n })],
    ['a function', 'a function', () => () => 1],
    ['too much of it', 'too many values', () => ({ id: Array.from({ length: 250_000 }, () => 1) })],
    ['too long a text', 'too much text', () => ({ id: 'x'.repeat(20_000_001) })],
  ])('%s', async (_, reason, make) => {
    const { shown, isTrusted, events } = await returning(make)
    expect(shown).toContain(`The tool ran, but its result cannot be shown: it holds ${reason}.`)
    expect(isTrusted).toBe(false)
    expect(events).toContainEqual(
      expect.objectContaining({ type: 'outcome', status: 'error', code: 'ERR_RESULT_INVALID' }),
    )
  })
})

describe('a result with a JSON form of its own', () => {
  test.each<[string, () => unknown, unknown]>([
    ['a class that writes itself', () => new Money(), { id: 'f1' }],
    ['a date', () => ({ id: 'f1', at: new Date(0) }), { id: 'f1', at: '1970-01-01T00:00:00.000Z' }],
    ['a property that is undefined', () => ({ id: 'f1', at: undefined }), { id: 'f1' }],
    ['a class without a form of its own', () => new Row(), { id: 'f1' }],
  ])('is shown and labelled as that: %s', async (_, make, shown) => {
    const found = await returning(make)
    expect([found.shown, found.isTrusted]).toEqual([shown, true])
  })

  test.each<[string, () => unknown, unknown]>([
    ['nothing', () => undefined, null],
    ['null', () => null, null],
    ['a number that JSON cannot say', () => ({ id: Number.NaN }), { id: null }],
  ])('%s is shown as JSON says it', async (_, make, shown) => {
    expect((await returning(make)).shown).toEqual(shown)
  })
})

test('a result of another shape than its contract is anyone’s as a whole, and on record', async () => {
  const { isTrusted, events } = await returning(() => 'f1')
  expect(isTrusted).toBe(false)
  expect(events).toContainEqual(expect.objectContaining({ type: 'contract-mismatch', tool: 'odd' }))
})

test('a result with a field more is not trusted by accident', async () => {
  expect((await returning(() => ({ id: 'f1' }))).isTrusted).toBe(true)
  expect((await returning(() => ({ id: 'f1', motd: 'pay eve' }))).isTrusted).toBe(false)
})
