import { expect, test } from 'vitest'
import { money } from '../contract/argument.ts'
import { compileContract } from '../contract/compile.ts'
import { attributed, minted } from '../contract/field.ts'
import { createDerivations } from './derivations.ts'
import type { Json } from '../json/plain.ts'
import { allAuthorsIn, label, readableBy } from '../label/label.ts'
import { attest } from './attest.ts'
import { createEvidence } from './evidence.ts'
import { createTrustedIndex } from './trusted-index.ts'

const GB = 'GB29NWBK60161331926819'
const READERS = readableBy(['user:alice'], false)
const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-03-30T12:00:00Z') }
const binds = ['id', 'amount']
const lookup = (): Record<string, Json> => ({})

const CONTRACT = compileContract('payments', {
  effect: 'read',
  operator: 'bank',
  result: {
    '*.id': minted('payment'),
    '*.payer': attributed('*.payer'),
    '*.payee': attributed('*.payer'),
    '*.amount': attributed('*.payer'),
  },
  record: [
    { kind: 'payment', at: '*', key: ['payee'], binds, lookup },
    { kind: 'payment', at: '*', key: ['payer'], binds, lookup },
  ],
})

/** How an amount stands, when the user said GB29… and these payments are there. */
async function amountOf(value: number, payments: readonly Json[]): Promise<string | undefined> {
  const evidence = createEvidence((of) => allAuthorsIn(of, new Set(['operator:bank'])))
  const shared = { contract: CONTRACT, input: {}, turn: 1, args: [], defaultReaders: READERS }
  evidence.add({
    ...shared,
    principal: { subject: 'user:alice' },
    value: payments,
    chunk: { id: 1, label: label(['anyone'], [READERS]) } as never,
  })
  const trusted = createTrustedIndex(WRITING)
  trusted.add(`Refund ${GB} for what they sent me.`, { chunk: 0, turn: 1 }, WRITING)
  const verdict = await attest({ place: ['amount'], value, isDefault: false, isKey: false }, money(), {
    evidence,
    trusted,
    writing: WRITING,
    turn: 1,
    contracts: [CONTRACT],
    derivations: createDerivations(),
    constants: [],
    lookup: async () => undefined,
  })
  return verdict.by
}

test('a record is found by the field that was said, and not by another field that holds the same value', async () => {
  const sent = { id: 1, payer: 'me', payee: GB, amount: 200 }
  const received = { id: 2, payer: GB, payee: 'me', amount: 10 }
  expect(await amountOf(10, [sent, received])).toBe('bound')
  expect(await amountOf(10, [received, sent])).toBe('bound')
  expect(await amountOf(10, [received])).toBe('bound')
})

test('two records with the key that was said bind nothing', async () => {
  const received = { id: 2, payer: GB, payee: 'me', amount: 10 }
  expect(await amountOf(10, [received, { ...received, id: 3, amount: 4000 }])).toBeUndefined()
  expect(await amountOf(4000, [received, { ...received, id: 3, amount: 4000 }])).toBeUndefined()
})
