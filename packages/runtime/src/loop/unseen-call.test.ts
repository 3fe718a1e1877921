import { tool } from 'ai'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { content, email } from '../contract/index.ts'
import { createGuard } from '../guard.ts'
import { memoryAudit } from '../audit/memory.ts'
import { permitContracted, policy } from '../policy/index.ts'
import { guardTools } from './guard-tools.ts'
import { stateOf } from '../run.ts'
import { join } from '../label/join.ts'
import { allAuthorsIn, label, readableBy } from '../label/label.ts'
import { callUnseen } from './unseen-call.ts'

const sent: string[] = []
const tools = {
  read: tool({ inputSchema: z.object({}), execute: () => 'from the mailbox' }),
  send: tool({
    inputSchema: z.object({ to: z.string(), body: z.string() }),
    execute: ({ to }) => {
      sent.push(to)
      return 'sent'
    },
  }),
}
const contracts = {
  read: 'read',
  send: {
    effect: 'irreversible',
    args: { to: email(), body: content() },
    audience: ({ to }: { to: unknown }) => String(to),
  },
} as const

function open(): { guard: ReturnType<typeof createGuard>; audit: ReturnType<typeof memoryAudit> } {
  const audit = memoryAudit()
  const guard = createGuard({
    agent: { id: 'desk', version: '1', expires: new Date('2100-01-01') },
    policy: policy({ version: '1', rules: [permitContracted] }),
    audit: { sink: audit },
  })
  return { guard, audit }
}

const ROBIN = { to: 'robin@acme.example', body: 'Tea.' }

test('the first call of an agent elsewhere is anyone’s already, so nothing is sent that its user did not say', async () => {
  const { guard, audit } = open()
  await using run = await guard.startRun({ principal: { subject: 'user:alice' } })
  const guarded = guardTools(run, tools, contracts)
  sent.length = 0
  await expect(callUnseen(run, guarded, { tool: 'send', input: ROBIN })).rejects.toMatchObject({
    code: 'ERR_APPROVAL_REQUIRED',
  })
  expect(await callUnseen(run, guarded, { tool: 'read', input: {} })).toBe('from the mailbox')
  run.userSaid('Write to robin@acme.example.')
  expect(await callUnseen(run, guarded, { tool: 'send', input: ROBIN })).toBe('sent')
  const other = { ...ROBIN, to: 'thief@evil.example' }
  await expect(callUnseen(run, guarded, { tool: 'send', input: other })).rejects.toMatchObject({
    code: 'ERR_APPROVAL_REQUIRED',
  })
  expect(sent).toEqual([ROBIN.to])
  const decided = audit.events().filter(({ type }) => type === 'decision')
  expect(decided.filter((one) => 'outcome' in one && one.outcome === 'permit')).toHaveLength(2)
})

test('a tool that is not under the guard of the run is not called', async () => {
  const { guard } = open()
  await using run = await guard.startRun({ principal: { subject: 'user:alice' } })
  await using other = await guard.startRun({ principal: { subject: 'user:bob' } })
  sent.length = 0
  for (const given of [tools, guardTools(other, tools, contracts), {}])
    await expect(callUnseen(run, given, { tool: 'send', input: ROBIN })).rejects.toMatchObject({
      code: 'ERR_CONFIG_INVALID',
    })
  expect(sent).toEqual([])
})

test('a session of any length is remembered in full, at the same cost for each call', async () => {
  const { guard } = open()
  await using run = await guard.startRun({ principal: { subject: 'user:alice' } })
  const guarded = guardTools(run, tools, contracts)
  run.userSaid('Write to robin@acme.example.')
  const { ledger } = stateOf(run)
  const secret = ledger.append({
    origin: { kind: 'memory' },
    label: label(['party:mallory'], [readableBy(['user:alice'])]),
    content: 'For Alice alone.',
  })
  for (let i = 0; i < 700; i += 1) await callUnseen(run, guarded, { tool: 'read', input: {} })
  expect(Math.max(...ledger.snapshots.map(({ chunks }) => chunks.length))).toBeLessThan(110)
  const { cause } = ledger.snapshots.at(-1)!
  const all = ledger.chunks.map((chunk) => chunk.label).reduce(join)
  expect([...cause.authors].toSorted()).toEqual([...all.authors].toSorted())
  expect(cause.readers).toEqual(all.readers)
  expect(allAuthorsIn(cause, new Set(['user:alice', 'agent:desk@1', 'developer']))).toBe(false)
  // The way back from the last call still leads to what was seen first.
  const last = [...ledger.calls].at(-1)!
  expect(run.explain(last.id)?.sources.map(({ chunk }) => chunk.id)).toContain(secret.id)
  // What only Alice may see goes to nobody else, 700 calls later.
  await expect(callUnseen(run, guarded, { tool: 'send', input: ROBIN })).rejects.toMatchObject({
    code: 'ERR_APPROVAL_REQUIRED',
  })
  // What a person vouches for takes effect, though it was known as part of the whole.
  const { id } = await run.endorse(secret.id, ['party:mallory'], { by: 'user:ops', reason: 'Checked.' })
  await callUnseen(run, guarded, { tool: 'read', input: {} })
  const { chunks } = ledger.snapshots.at(-1)!
  expect(chunks).toContain(id)
  expect(chunks).not.toContain(secret.id)
})
