import { generateKeyPair } from 'jose'
import { expect, test } from 'vitest'
import { memoryStore } from '../store/memory.ts'
import type { ApprovalCall, Approvals } from './approval.ts'
import { approvalSigner } from './approval-signature.ts'
import type { ApprovalStore } from './approval-store.ts'
import { createApprovals } from './ask.ts'
import { storeApprovals } from './store-approvals.ts'

const { publicKey, privateKey } = await generateKeyPair('Ed25519')
const { signal } = new AbortController()
const options = { signal }
const now = (): Date => new Date()
const sign = approvalSigner({ approver: 'alice', privateKey, now })
const facts = { what: 'Refund 25 EUR', toWhom: [], sources: [], reasons: [] }
const call: ApprovalCall = {
  tool: 'issueRefund',
  destination: undefined,
  input: { orderId: 'A/1007 ü', amount: 25 },
  labels: {},
  run: 'run/1',
  tenant: undefined,
  subject: 'user:bob',
  agent: 'agent:support@2',
  approvers: undefined,
  contractDigest: 'c',
  policyVersion: 'p',
}

interface Process {
  readonly store: ApprovalStore
  readonly approvals: Approvals
}

/** Two guards on one store, as two processes have them. */
function twoProcesses(perRun?: number): [Process, Process] {
  const store = memoryStore({ now })
  const ids = ['1', '2', '3', '4', '5']
  const made = (): Process => {
    const own = storeApprovals({ store, now, ...(perRun === undefined ? {} : { perRun }) })
    const approvals = createApprovals({
      channel: { present: () => undefined },
      approvers: [{ id: 'alice', key: publicKey }],
      now,
      newId: () => ids.shift() ?? '',
      store: own,
      waitMs: 5000,
    })
    return { store: own, approvals }
  }
  return [made(), made()]
}

async function onlyPending({ approvals }: Process): Promise<Parameters<typeof sign>[0]> {
  await expect.poll(async () => (await approvals.pending()).length).toBe(1)
  const [request] = await approvals.pending()
  if (request === undefined) throw new Error('Nothing is pending.')
  return request
}

test('a call that waits in one process goes on once the answer comes in at another', async () => {
  const [here, there] = twoProcesses()
  const asked = here.approvals.ask({ ...call, facts }, options)
  const request = await onlyPending(there)
  expect(request.asked).toBeInstanceOf(Date)
  expect(request).toMatchObject({ ...call, id: '1' })
  await there.approvals.decide(await sign(request, 'approve'))
  expect(await asked).toMatchObject({ outcome: 'approved', by: 'alice', requestId: '1' })
  expect(await there.store.byId('1', options)).toBeUndefined()
  expect(await there.approvals.pending()).toEqual([])
})

test('a yes is spent by one of two processes that make the same call', async () => {
  const [here, there] = twoProcesses()
  await here.approvals.request({ ...call, facts }, options)
  await there.approvals.decide(await sign(await onlyPending(here), 'approve'))
  const named = { ...options, requestId: '1' }
  const outcomes = await Promise.all([
    here.approvals.ask({ ...call, facts }, named),
    there.approvals.ask({ ...call, facts }, named),
  ])
  expect(outcomes.map(({ outcome }) => outcome).toSorted()).toEqual(['approved', 'stale'])
})

test('a request is answered once, in whichever process', async () => {
  const [here, there] = twoProcesses()
  await here.approvals.request({ ...call, facts }, options)
  const request = await onlyPending(there)
  await there.approvals.decide(await sign(request, 'reject'))
  await expect(here.approvals.decide(await sign(request, 'approve'))).rejects.toMatchObject({
    code: 'ERR_APPROVAL_STALE',
  })
  expect((await here.store.byDigest(request.digest, options))?.answer?.said).toMatchObject({
    decision: 'reject',
    approver: 'alice',
  })
  expect(await here.approvals.ask({ ...call, facts }, options)).toMatchObject({ outcome: 'rejected' })
})

test('a run has no more requests open than it may, and an id is used once', async () => {
  const [here, there] = twoProcesses(2)
  const at = (amount: number): ApprovalCall => ({ ...call, input: { amount } })
  await here.approvals.request({ ...at(1), facts }, options)
  await there.approvals.request({ ...at(2), facts }, options)
  await expect(here.approvals.request({ ...at(3), facts }, options)).rejects.toThrow(/No more approvals/)
  const [first] = await here.approvals.pending()
  expect(await here.store.consume(first?.id ?? '', options)).toBe(true)
  expect(await there.store.consume(first?.id ?? '', options)).toBe(false)
  await here.approvals.request({ ...at(3), facts }, options)
  const record = await here.store.byId('2', options)
  if (record === undefined) throw new Error('It was asked.')
  await expect(async () => here.store.add(record, options)).rejects.toThrow(/No more approvals/)
})
