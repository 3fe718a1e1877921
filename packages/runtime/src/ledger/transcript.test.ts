import { describe, expect, test } from 'vitest'
import { join } from '../label/join.ts'
import { label } from '../label/label.ts'
import { createLedger } from './ledger.ts'
import { createTranscript } from './transcript.ts'

describe('a transcript', () => {
  test('finds every chunk with a content, so that two labels of one text join', () => {
    const ledger = createLedger()
    const transcript = createTranscript()
    const origin = { kind: 'user-message' } as const
    const mine = ledger.append({ origin, label: label(['user:alice']), content: 'yes' })
    const theirs = ledger.append({ origin, label: label(['anyone']), content: 'yes' })
    for (const { id } of [mine, theirs, mine]) transcript.remember('user', 'yes', id)
    expect(transcript.find('user', 'yes')).toEqual([mine.id, theirs.id])
    expect(ledger.snapshot(transcript.find('user', 'yes')).cause).toBe(join(mine.label, theirs.label))
  })

  test('knows a text in its own role only, and only whole', () => {
    const transcript = createTranscript()
    transcript.remember('user', 'yes', 0)
    expect(transcript.find('system', 'yes')).toEqual([])
    expect(transcript.find('user', 'yes ')).toEqual([])
    expect(transcript.find('user', '__proto__')).toEqual([])
  })

  test('knows a result by its call and content, whatever the order of keys', () => {
    const transcript = createTranscript()
    transcript.rememberResult('c-1', { a: 1, b: [2] }, 5)
    expect(transcript.findResult('c-1', { b: [2], a: 1 })).toBe(5)
    expect(transcript.findResult('c-1', { a: 1, b: [3] })).toBeUndefined()
    expect(transcript.findResult('c-2', { a: 1, b: [2] })).toBeUndefined()
    transcript.rememberResult('c-1', 'shown as text', 5)
    expect(transcript.findResult('c-1', 'shown as text')).toBe(5)
    expect(transcript.findResult('c-1', { a: 1, b: [2] })).toBe(5)
  })

  test('knows the inputs that a call had, and no other', () => {
    const transcript = createTranscript()
    transcript.rememberInput('c-1', '{"to":"bob","n":1}')
    expect(transcript.hadInput('c-1', { n: 1, to: 'bob' })).toBe(true)
    expect(transcript.hadInput('c-1', '{"to":"bob","n":1}')).toBe(true)
    expect(transcript.hadInput('c-1', { to: 'eve', n: 1 })).toBe(false)
    expect(transcript.hadInput('c-2', { to: 'bob', n: 1 })).toBe(false)
    transcript.rememberInput('c-3', 'not json')
    expect(transcript.hadInput('c-3', { to: 'bob' })).toBe(false)
  })
})

describe('a ledger', () => {
  const origin = { kind: 'constant' } as const

  test('joins what selected a chunk into the cause, so that pruning restores no trust', () => {
    const ledger = createLedger()
    const { id } = ledger.append({
      origin,
      label: label(['operator:shop']),
      content: 'x',
      selectedBy: label(['anyone']),
    })
    expect(ledger.snapshot([id]).cause.authors).toEqual(['anyone'])
  })

  test('takes a request that shows nothing it knows for anyone’s', () => {
    expect(createLedger().snapshot([]).cause.authors).toEqual(['anyone'])
  })

  test('refuses a snapshot of what it does not hold', () => {
    expect(() => createLedger().snapshot([0])).toThrow('A snapshot names a chunk that is not in this ledger.')
  })

  test('counts turns and numbers its chunks', () => {
    const ledger = createLedger()
    ledger.beginTurn()
    const first = ledger.append({ origin, label: label(['developer']), content: 1 })
    ledger.beginTurn()
    const second = ledger.append({ origin, label: label(['developer']), content: 2 })
    expect([first, second].map(({ id, turn }) => [id, turn])).toEqual([
      [0, 1],
      [1, 2],
    ])
  })
})
