import { expect, test } from 'vitest'
import type { ApprovalRequest } from './approval.ts'
import { type ApprovalAnswered, memoryApprovalStore } from './approval-store.ts'

const { signal } = new AbortController()
const options = { signal }
let time = 0
const now = (): Date => new Date(time)

const request = (id: string, run = 'run-1', expires = 1000): ApprovalRequest => ({
  id,
  asked: new Date(0),
  expires: new Date(expires),
  digest: `digest-${id}`,
  tool: 't',
  destination: undefined,
  input: {},
  labels: {},
  run,
  tenant: undefined,
  subject: 'user:bob',
  agent: 'agent:a@1',
  approvers: undefined,
  contractDigest: 'c',
  policyVersion: 'p',
  facts: { what: '', toWhom: [], sources: [], reasons: [] },
})
const record = (id: string, run?: string): Parameters<ReturnType<typeof memoryApprovalStore>['add']>[0] => ({
  request: request(id, run),
  key: 'key',
  turn: undefined,
  answer: undefined,
})
const answer = (decision: 'approve' | 'reject'): ApprovalAnswered => ({
  said: { digest: 'd', decision, approver: 'alice', decidedAt: now(), authenticatedAt: undefined },
  statement: '',
  at: now(),
})

test('the first answer to a request stands, and a request is taken out once', async () => {
  const store = memoryApprovalStore({ now })
  await store.add(record('1'), options)
  expect(await store.answer('1', answer('reject'), options)).toBe(true)
  expect(await store.answer('1', answer('approve'), options)).toBe(false)
  expect((await store.byId('1', options))?.answer?.said.decision).toBe('reject')
  expect(await store.open(options)).toEqual([])
  expect(await store.consume('1', options)).toBe(true)
  expect(await store.consume('1', options)).toBe(false)
  expect(await store.byDigest('digest-1', options)).toBeUndefined()
  expect(await store.answer('1', answer('approve'), options)).toBe(false)
})

test('an id is used once, and a full table makes room only for what has expired', async () => {
  time = 0
  const store = memoryApprovalStore({ now, capacity: 2 })
  await store.add(record('1'), options)
  expect(() => store.add(record('1'), options)).toThrow(/No more approvals/)
  await store.add(record('2', 'run-2'), options)
  expect(() => store.add(record('3'), options)).toThrow(/No more approvals/)
  time = 1000
  await store.add(record('3'), options)
  expect(await store.byId('1', options)).toBeUndefined()
})
