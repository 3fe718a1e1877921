import { PassThrough } from 'node:stream'
import { generateKeyPair } from 'jose'
import { describe, expect, test } from 'vitest'
import { approvalSigner } from './approval-signature.ts'
import { createApprovals } from './ask.ts'
import type { Approvals } from './approval.ts'
import { terminalChannel } from './terminal.ts'

const keys = await generateKeyPair('Ed25519')
const now = (): Date => new Date()
const signer = approvalSigner({ approver: 'alice', privateKey: keys.privateKey, now })
const CALL = {
  tool: 'issueRefund',
  destination: undefined,
  input: { orderId: 'A-1007', note: 'hi\u001B[2J' },
  labels: {},
  run: 'run-1',
  tenant: undefined,
  subject: 'user:bob',
  agent: 'agent:support@1',
  approvers: undefined,
  contractDigest: 'c',
  policyVersion: 'p',
  facts: {
    what: 'Refund order A-1007',
    toWhom: ['bob@shop.example'],
    sources: [{ path: 'orderId', value: 'A-1007', from: 'result of searchDocs', authors: ['anyone'] }],
    reasons: ['orderId came from a web page'],
  },
}

function terminal(isTTY = true): {
  input: PassThrough
  output: PassThrough
  shown: () => string
  approvals: Approvals
} {
  const input = Object.assign(new PassThrough(), { isTTY, setRawMode: () => input })
  const output = Object.assign(new PassThrough(), { isTTY, columns: 100, rows: 60 })
  let text = ''
  output.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const approvals = createApprovals({
    channel: terminalChannel({ signer, input, output }),
    approvers: [{ id: 'alice', key: keys.publicKey }],
    now,
    newId: () => crypto.randomUUID(),
  })
  return { input, output, shown: () => text, approvals }
}

const { signal } = new AbortController()
async function until(shown: () => string, words: string): Promise<void> {
  await expect.poll(shown).toContain(words)
}

describe('asking at the terminal', () => {
  test('shows what, to whom and from where, and takes a deliberate yes', async () => {
    const { input, shown, approvals } = terminal()
    const asking = approvals.ask(CALL, { signal })
    await until(shown, 'Let this call go through')
    for (const words of [
      'Refund order A-1007',
      'bob@shop.example',
      'result of searchDocs',
      'written by anyone',
    ])
      expect(shown()).toContain(words)
    expect(shown()).toContain(String.raw`note = hi\u{1b}[2J`)
    input.write('\u001B[B')
    input.write('\r')
    expect(await asking).toMatchObject({ outcome: 'approved', by: 'alice' })
  })

  test('takes Enter alone, and Ctrl-C, as a no', async () => {
    for (const key of ['\r', '\u0003']) {
      const { input, shown, approvals } = terminal()
      const asking = approvals.ask(CALL, { signal })
      await until(shown, 'Let this call go through')
      input.write(key)
      expect(await asking).toMatchObject({ outcome: 'rejected' })
    }
  })

  test('refuses the call when there is no person at a terminal', async () => {
    const { approvals } = terminal(false)
    await expect(approvals.ask(CALL, { signal })).rejects.toMatchObject({
      code: 'ERR_APPROVALS_UNAVAILABLE',
      cause: { message: expect.stringContaining('interactive terminal') as string },
    })
  })

  test('shows one request at a time, and drops those whose run has ended', async () => {
    const { input, shown, approvals } = terminal()
    const run = new AbortController()
    const first = approvals.ask(CALL, { signal })
    await until(shown, 'Let this call go through')
    const second = approvals.ask({ ...CALL, tool: 'deleteAccount' }, { signal: run.signal })
    run.abort(new Error('ended'))
    await expect(second).rejects.toThrow('ended')
    input.write('\r')
    expect(await first).toMatchObject({ outcome: 'rejected' })
    expect(shown()).not.toContain('deleteAccount')
  })
})
