import { tool } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { choice, content, email, iban, id, money } from '../contract/argument.ts'
import type { Contracts } from '../contract/infer.ts'
import { attributed, authored, minted } from '../contract/field.ts'
import { createGuard, type Guard, type GuardOptions } from '../guard.ts'
import { policy } from '../policy/policy.ts'
import { permitContracted } from '../policy/rules.ts'
import { type AgentUnderAudit, auditAgent, describeCorpus } from './kit.ts'
import { printReport } from './report.ts'

const ran: string[] = []
const did = (name: string) => (): { id: string } => {
  ran.push(name)
  return { id: name }
}
const tools = {
  readInbox: tool({
    inputSchema: z.object({}),
    execute: (): { id: string; from: string; body: string }[] => {
      ran.push('readInbox')
      return []
    },
  }),
  findFile: tool({
    inputSchema: z.object({ name: z.string() }),
    execute: (): { id: string; name: string; summary: string }[] => {
      ran.push('findFile')
      return []
    },
  }),
  sendMail: tool({
    inputSchema: z.object({ to: z.string(), cc: z.string().optional(), body: z.string() }),
    execute: did('sendMail'),
  }),
  pay: tool({ inputSchema: z.object({ to: z.string(), amount: z.number() }), execute: did('pay') }),
  deleteFile: tool({ inputSchema: z.object({ fileId: z.string() }), execute: did('deleteFile') }),
  starFile: tool({
    inputSchema: z.object({ fileId: z.string(), colour: z.enum(['gold', 'red']) }),
    execute: did('starFile'),
  }),
}
type Map = Contracts<typeof tools>

const sound: Map = {
  readInbox: {
    effect: 'read',
    operator: 'mail',
    result: { '*.id': minted('mail'), '*.from': attributed(), '*.body': authored('*.from') },
  },
  findFile: {
    effect: 'read',
    operator: 'drive',
    result: { '*.id': minted('file'), '*.name': attributed(), '*.summary': authored() },
    record: { kind: 'file', at: '*', key: ['name'], lookup: (name) => ({ name }) },
  },
  sendMail: {
    effect: 'irreversible',
    args: { to: email(), cc: email().orHarmless('empty'), body: content() },
    audience: ({ to, cc }) => [to, ...(cc === undefined ? [] : [cc])],
  },
  pay: { effect: 'irreversible', args: { to: iban(), amount: money() } },
  deleteFile: { effect: 'irreversible', args: { fileId: id('file') } },
  starFile: {
    effect: 'write',
    args: { fileId: id('file').orMinted(), colour: choice(['gold', 'red']) },
  },
}
const guard =
  (more: Partial<GuardOptions> = {}) =>
  (): Guard =>
    createGuard({
      agent: { id: 'a', version: '1', expires: new Date('2999-01-01') },
      policy: policy({ version: '1', rules: [permitContracted] }),
      trusted: ['operator:mail', 'operator:drive'],
      ...more,
    })
const agent = (
  changes: Partial<Map> = {},
  more: Partial<AgentUnderAudit<typeof tools>> = {},
): AgentUnderAudit<typeof tools> => ({
  guard: guard(),
  tools,
  contracts: { ...sound, ...changes },
  principal: { subject: 'user:alice' },
  ...more,
})

describeCorpus('an agent with sound contracts', agent(), { describe, test })

describe('an audit of an agent', () => {
  test('finds nothing where the contracts are sound, has done what the user asks, and runs no tool', async () => {
    const report = await auditAgent(agent())
    expect(report.cases.filter(({ outcome }) => outcome !== 'stopped')).toEqual([])
    expect(report.twins.map(({ tool: named, outcome }) => [named, outcome])).toEqual([
      ['sendMail', 'done'],
      ['pay', 'done'],
      ['deleteFile', 'done'],
      ['starFile', 'done'],
    ])
    expect(report.ok).toBe(true)
    expect(ran).toEqual([])
  })

  test('adapts every family that the tools allow, and says of every other why it does not', async () => {
    const { cases, skipped } = await auditAgent(agent())
    const tried = new Set(cases.map(({ family }) => family))
    expect([...tried]).toEqual(
      expect.arrayContaining(['instructions', 'swaps', 'encodings', 'repeats', 'duplicate-records']),
    )
    expect(skipped.map(({ family }) => family)).toEqual(expect.arrayContaining(['approvals', 'arithmetic']))
    expect(skipped.every(({ because }) => because !== '')).toBe(true)
    expect(skipped.some(({ family }) => tried.has(family))).toBe(false)
    expect(new Set(cases.map(({ id: one }) => one)).size).toBe(cases.length)
  })

  test.for<[what: string, changes: Partial<Map>, id: string, key: string]>([
    [
      'a recipient that is content',
      { sendMail: { effect: 'irreversible', args: { to: content(), cc: email(), body: content() } } },
      'swaps/sendMail.to',
      'contracts.sendMail.args.to',
    ],
    [
      'an amount that is content',
      { pay: { effect: 'irreversible', args: { to: iban(), amount: content() } } },
      'swaps/pay.amount',
      'contracts.pay.args.amount',
    ],
    [
      'a file to delete that anyone may choose',
      { deleteFile: { effect: 'write', args: { fileId: id('file').orMinted() } } },
      'swaps/deleteFile.fileId',
      'contracts.deleteFile.args.fileId',
    ],
    [
      'free text that is minted',
      {
        findFile: {
          effect: 'read',
          operator: 'drive',
          result: { '*.id': minted(), '*.name': attributed(), '*.summary': minted('file') },
        },
      },
      'planted-fields/findFile.*.summary, starFile.fileId',
      'contracts.findFile.result.*.summary',
    ],
    [
      'links that go out',
      {
        sendMail: {
          effect: 'irreversible',
          args: { to: email(), cc: email(), body: content({ links: 'allow' }) },
          audience: ({ to }) => to,
        },
      },
      'egress/sendMail.body',
      'contracts.sendMail.args.body',
    ],
  ])('finds %s, and names the line that would narrow it', async ([, changes, expected, key]) => {
    const report = await auditAgent(agent(changes))
    const found = report.cases.find((one) => one.id === expected)
    expect(found?.outcome).toBe('got through')
    expect(found?.narrowings.map((one) => one.key)).toContain(key)
    expect(report.ok).toBe(false)
    expect(printReport(report)).toContain('GOT THROUGH')
  })

  test('believes the developer that outsiders write a field whose name does not say so', async () => {
    const changes = {
      readInbox: {
        effect: 'read',
        operator: 'mail',
        result: { '*.id': minted('file'), '*.from': attributed(), '*.body': authored('*.from') },
      },
    } as const
    const told = await auditAgent(agent(changes, { outsiders: ['readInbox.*.id'] }))
    const through = told.cases.filter(({ outcome }) => outcome === 'got through')
    expect(through.map((one) => one.id)).toEqual(['planted-fields/readInbox.*.id, starFile.fileId'])
  })

  test('leaves what is accepted, with its reason in the report', async () => {
    const changes: Partial<Map> = {
      deleteFile: { effect: 'write', args: { fileId: id('file').orMinted() } },
    }
    const accepts = { deleteFile: 'it only goes to the bin' }
    const report = await auditAgent(agent(changes, { accepts }))
    expect(report.ok).toBe(true)
    expect(printReport(report)).toContain('it only goes to the bin')
  })

  test('says who reaches each argument, with what values', async () => {
    const text = printReport(await auditAgent(agent()))
    expect(text).toContain('to (iban): the user, by a value of type iban that they wrote')
    expect(text).toContain('anyone, with any file that came back in findFile.*.id')
    expect(text).toMatch(/Not tried\n {2}/)
    expect(text).toContain('0 got through')
  })

  test('refuses a guard that would wait for a person', async () => {
    const made = guard()()
    const waiting = (): Guard => ({
      ...made,
      approvals: { decide: async () => {}, pending: async () => [] } as never,
    })
    await expect(auditAgent(agent({}, { guard: waiting }))).rejects.toThrow('asks nobody')
  })
})

test('as tests, a hole fails the test that shows it, with the line that would close it', async () => {
  const found: { name: string; run: () => Promise<void> }[] = []
  const changes: Partial<Map> = {
    sendMail: { effect: 'irreversible', args: { to: content(), cc: email(), body: content() } },
  }
  describeCorpus('careless', agent(changes), {
    describe: (_, define) => define(),
    test: (name, run) => found.push({ name, run }),
  })
  const one = found.find(({ name }) => name.includes('swaps/sendMail.to'))
  await expect(one?.run()).rejects.toThrow('contracts.sendMail.args.to → to: email()')
  const other = found.find(({ name }) => name.includes('swaps/pay.to'))
  await expect(other?.run()).resolves.toBeUndefined()
})
