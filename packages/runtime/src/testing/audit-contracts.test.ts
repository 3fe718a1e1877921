import { jsonSchema, tool, type ToolSet } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { choice, content, date, email, id, money, name, text } from '../contract/argument.ts'
import type { Contract, ToolContract } from '../contract/contract.ts'
import { attributed, authored, minted } from '../contract/field.ts'
import { type ArgumentAudit, auditContracts, type ContractsAudit, type ToolAudit } from './audit-contracts.ts'

const tools: ToolSet = {
  searchDocs: tool({ inputSchema: z.object({ query: z.string() }), execute: () => '' }),
  lookupOrder: tool({
    inputSchema: z.object({ orderId: z.string() }),
    outputSchema: z.object({ id: z.string(), customer: z.email(), total: z.number(), notes: z.string() }),
    execute: () => ({ id: '', customer: '', total: 0, notes: '' }),
  }),
  issueRefund: tool({
    inputSchema: z.object({ orderId: z.string(), amount: z.number(), note: z.string().optional() }),
    execute: () => '',
  }),
  sendEmail: tool({
    inputSchema: z.object({
      to: z.string(),
      cc: z.string().optional(),
      subject: z.string(),
      body: z.string(),
    }),
    execute: () => '',
  }),
}

const sound: Record<string, Contract> = {
  searchDocs: 'read',
  lookupOrder: {
    effect: 'read',
    operator: 'shop',
    result: {
      id: minted('order'),
      customer: minted('user'),
      total: attributed('customer'),
      notes: authored('customer'),
    },
    record: { kind: 'order', key: ['id'], binds: ['id', 'total'], lookup: (orderId) => ({ orderId }) },
  },
  issueRefund: {
    effect: 'irreversible',
    risk: 'high',
    args: { orderId: id('order'), amount: money().orDerived(), note: content() },
  },
  sendEmail: {
    effect: 'irreversible',
    args: { to: email(), cc: email().orHarmless('empty'), subject: content(), body: content() },
    audience: ({ to, cc }) => [String(to), ...(cc === undefined ? [] : [String(cc)])],
  },
}

const audited = async (
  changes: Record<string, Contract | undefined> = {},
  more: Partial<Parameters<typeof auditContracts>[0]> = {},
): Promise<ContractsAudit> => {
  const contracts = Object.fromEntries(
    Object.entries({ ...sound, ...changes }).filter(([, contract]) => contract !== undefined),
  )
  return await auditContracts({ tools, contracts, ...more })
}
const toolOf = ({ tools: all }: ContractsAudit, named: string): ToolAudit => {
  const found = all.find((one) => one.tool === named)
  if (found === undefined) throw new Error(`${named} is not in the audit`)
  return found
}
const argumentOf = (audit: ContractsAudit, named: string, path: string): ArgumentAudit => {
  const found = toolOf(audit, named).arguments.find((one) => one.path === path)
  if (found === undefined) throw new Error(`${named}.${path} is not in the audit`)
  return found
}
const doubts = (audit: ContractsAudit): string[] =>
  audit.tools
    .flatMap((one) => [...one.narrowings, ...one.arguments.flatMap(({ narrowings }) => narrowings)])
    .filter(({ level }) => level === 'doubt')
    .map(({ key, line }) => `${key} → ${line}`)

test('a sound contract map is in order, and raises no doubt', async () => {
  const audit = await audited()
  expect(audit).toMatchObject({ ok: true, findings: [] })
  expect(doubts(audit)).toEqual([])
  expect(JSON.parse(JSON.stringify(audit)).tools).toHaveLength(4)
})

describe('who can reach an argument', () => {
  test('a plain read is reached by anyone, with any value', async () => {
    expect(argumentOf(await audited(), 'searchDocs', 'query').reaches).toEqual([
      { by: 'anyone', why: 'plain-read' },
    ])
  })

  test('an id is reached by what the user said and by the record that they singled out', async () => {
    const audit = await audited({}, { trusted: ['operator:shop'] })
    expect(argumentOf(audit, 'issueRefund', 'orderId')).toMatchObject({
      role: 'control',
      type: 'id',
      kind: 'order',
      reaches: [
        { by: 'quoted', words: 'whole' },
        {
          by: 'bound',
          kind: 'order',
          tool: 'lookupOrder',
          key: ['id'],
          fields: [{ path: 'id', field: 'minted' }],
          trusted: true,
        },
      ],
    })
  })

  test('an amount is bound to a field that its party chose, which is said, with the line that leaves it out', async () => {
    const { reaches, narrowings } = argumentOf(await audited(), 'issueRefund', 'amount')
    expect(reaches).toContainEqual(
      expect.objectContaining({
        by: 'bound',
        fields: expect.arrayContaining([{ path: 'total', field: 'attributed', party: 'customer' }]),
      }),
    )
    expect(reaches).toContainEqual({ by: 'derived', from: ['quoted', 'bound'] })
    expect(narrowings).toContainEqual(
      expect.objectContaining({
        level: 'option',
        key: 'contracts.lookupOrder.record.binds',
        line: "binds: ['id']",
      }),
    )
    expect(narrowings).toContainEqual(
      expect.objectContaining({ key: 'contracts.issueRefund.args.amount', line: 'amount: money()' }),
    )
  })

  test('an address is not bound to fields that hold numbers', async () => {
    expect(argumentOf(await audited(), 'sendEmail', 'to').reaches.map(({ by }) => by)).toEqual([
      'quoted',
      'bound',
    ])
    const { reaches } = argumentOf(await audited(), 'sendEmail', 'to')
    expect(reaches[1]).toMatchObject({ fields: [{ path: 'id' }] })
  })

  test('an operator that is not trusted binds nothing, and the audit says so', async () => {
    const bound = (audit: ContractsAudit): unknown =>
      argumentOf(audit, 'issueRefund', 'orderId').reaches.find(({ by }) => by === 'bound')
    expect(bound(await audited({}, { trusted: [] }))).toMatchObject({ trusted: false })
    expect(bound(await audited())).toMatchObject({ trusted: undefined })
  })

  test('a record that no tool can look up binds nothing', async () => {
    const { lookup: _, ...record } = { kind: 'order', key: ['id'], lookup: 0 }
    const audit = await audited({ lookupOrder: { ...(sound['lookupOrder'] as ToolContract), record } })
    expect(argumentOf(audit, 'issueRefund', 'orderId').reaches).toEqual([{ by: 'quoted', words: 'whole' }])
  })

  test('orMinted() lists every tool that mints the kind, and the line without it', async () => {
    const refund: Contract = {
      effect: 'write',
      args: { orderId: id('order').orMinted(), amount: money(), note: content() },
    }
    const { reaches, narrowings } = argumentOf(
      await audited({ issueRefund: refund }),
      'issueRefund',
      'orderId',
    )
    expect(reaches).toContainEqual({
      by: 'minted',
      kind: 'order',
      from: [{ tool: 'lookupOrder', path: 'id', trusted: undefined }],
    })
    expect(narrowings).toContainEqual(expect.objectContaining({ line: "orderId: id('order')" }))
  })

  test('harmless values, constants and defaults are reached by anyone', async () => {
    const book: ToolSet = {
      book: tool({
        inputSchema: z.object({
          day: z.string(),
          room: z.enum(['a', 'b']),
          seats: z.number().default(2),
          who: z.string(),
        }),
        execute: () => '',
      }),
    }
    const audit = await auditContracts({
      tools: book,
      contracts: {
        book: {
          effect: 'write',
          args: { day: date(), room: choice(['a', 'b']), who: name().orBareWords() },
          constants: ['me'],
        },
      },
    })
    expect(argumentOf(audit, 'book', 'room').reaches).toEqual([{ by: 'harmless', values: ['a', 'b'] }])
    expect(argumentOf(audit, 'book', 'room').narrowings).toContainEqual(
      expect.objectContaining({ line: "room: choice(['a'])" }),
    )
    expect(toolOf(audit, 'book').narrowings).toEqual([expect.objectContaining({ line: 'constants: []' })])
    expect(argumentOf(audit, 'book', 'seats')).toMatchObject({
      isNamed: false,
      type: 'text',
      whenAbsent: 'permitted',
    })
    expect(argumentOf(audit, 'book', 'seats').reaches).toContainEqual({ by: 'constant', values: ['me', 2] })
    expect(argumentOf(audit, 'book', 'who').reaches[0]).toEqual({ by: 'quoted', words: 'bare' })
  })

  test('content says whom it reaches: the arguments that the audience reads', async () => {
    expect(toolOf(await audited(), 'sendEmail').audience).toEqual({
      by: 'declared',
      arguments: ['to', 'cc'],
      names: [],
    })
    expect(argumentOf(await audited(), 'sendEmail', 'cc').whenAbsent).toBe('permitted')
    expect(argumentOf(await audited(), 'sendEmail', 'body').reaches).toEqual([
      { by: 'anyone', why: 'content' },
    ])
  })

  test('an audience that throws on a made-up input names nobody, and ends no audit', async () => {
    const audience = (): string => {
      throw new Error('no such user')
    }
    const audit = await audited({ sendEmail: { ...(sound['sendEmail'] as ToolContract), audience } })
    expect(toolOf(audit, 'sendEmail').audience).toEqual({ by: 'declared', arguments: [], names: [] })
  })
})

describe('a careless contract raises a doubt, with the line that would narrow it', () => {
  test.for<[what: string, contracts: Record<string, Contract>, line: string]>([
    [
      'a recipient that is content',
      {
        sendEmail: {
          effect: 'irreversible',
          args: { to: content(), cc: email(), subject: content(), body: content() },
        },
      },
      'contracts.sendEmail.args.to → to: email()',
    ],
    [
      'an audience read from content',
      {
        sendEmail: {
          effect: 'irreversible',
          args: { to: email(), cc: email(), subject: content(), body: content() },
          audience: ({ subject }) => String(subject),
        },
      },
      'contracts.sendEmail.args.subject → subject: text()',
    ],
    [
      'a mail whose audience nobody declared',
      {
        sendEmail: {
          effect: 'irreversible',
          args: { to: email(), cc: email(), subject: content(), body: content() },
        },
      },
      'contracts.sendEmail.audience → audience: ({ to }) => to',
    ],
    [
      'an amount that is content',
      {
        issueRefund: {
          effect: 'irreversible',
          args: { orderId: id('order'), amount: content(), note: content() },
        },
      },
      'contracts.issueRefund.args.amount → amount: money()',
    ],
    [
      'a send that is called a read',
      { sendEmail: 'read' },
      "contracts.sendEmail.effect → effect: 'irreversible'",
    ],
    [
      'free text that is called minted',
      { lookupOrder: { effect: 'read', operator: 'shop', result: { id: minted('order'), notes: minted() } } },
      'contracts.lookupOrder.result.notes → notes: authored()',
    ],
    [
      'links let through',
      {
        issueRefund: {
          effect: 'irreversible',
          args: { orderId: id('order'), amount: money(), note: content({ links: 'allow' }) },
        },
      },
      "contracts.issueRefund.args.note → note: content({ links: 'strip' })",
    ],
  ])('%s', async ([, contracts, line]) => {
    expect(doubts(await audited(contracts))).toContain(line)
  })

  test('a URL that a plain read fetches', async () => {
    const audit = await auditContracts({
      tools: { fetchPage: tool({ inputSchema: z.object({ url: z.string() }), execute: () => '' }) },
      contracts: { fetchPage: 'read' },
    })
    expect(doubts(audit)).toEqual([
      'contracts.fetchPage.egress → egress: true',
      "contracts.fetchPage → effect: 'read', egress: true, args: { url: url() }",
    ])
  })
})

describe('what would not start', () => {
  test('every contract that is missing, wrong or too many is found, not only the first', async () => {
    const audit = await audited({
      searchDocs: undefined,
      sendEmail: { effect: 'irreversible', aproval: {} } as Contract,
      sendFax: 'read',
      issueRefund: {
        effect: 'irreversible',
        args: { orderId: id('order').orMinted(), amount: money(), note: content() },
      },
    })
    expect(audit.ok).toBe(false)
    expect(audit.findings.filter(({ level }) => level === 'error').map(({ key }) => key)).toEqual([
      'contracts.sendFax',
      'contracts.searchDocs',
      'contracts.sendEmail.aproval',
      'contracts.issueRefund.args.orderId',
    ])
    expect(audit.tools.map(({ tool: of }) => of)).toEqual(['lookupOrder', 'issueRefund'])
  })

  test('a tool that the agent is not registered for is marked', async () => {
    const audit = await audited({}, { agent: { allowedTools: ['lookupOrder'] } })
    expect(audit.tools.filter(({ notOfAgent }) => !notOfAgent).map(({ tool: of }) => of)).toEqual([
      'lookupOrder',
    ])
  })

  test('names from a schema that someone else wrote stay inside their quotes', async () => {
    const hostile = "x'), boom() //\u001b[2J\u202e"
    const audit = await auditContracts({
      tools: {
        get: tool({
          inputSchema: jsonSchema({ type: 'object', properties: { [hostile]: { enum: [hostile, 'b'] } } }),
          execute: () => '',
        }),
      },
      contracts: { get: { effect: 'write', args: { [hostile]: choice([hostile, 'b']) } } },
    })
    const [narrowing] = argumentOf(audit, 'get', hostile).narrowings
    expect(narrowing?.line).toMatch(/^'x\\'\), boom\(\) \/\/\\u\{1b\}\[2J\\u\{202e\}': choice/)
  })

  test('text() with no declared words needs quotation marks', async () => {
    const refund: Contract = { effect: 'write', args: { orderId: text(), amount: money(), note: content() } }
    expect(argumentOf(await audited({ issueRefund: refund }), 'issueRefund', 'orderId').reaches[0]).toEqual({
      by: 'quoted',
      words: 'marked',
    })
  })
})
