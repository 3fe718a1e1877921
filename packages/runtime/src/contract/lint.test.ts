import { describe, expect, test } from 'vitest'
import { ContractError } from '../errors.ts'
import { choice, content, email, id, text, url } from './argument.ts'
import { type CompiledContract, compileContract, schemasOf, type ToolSchemas } from './compile.ts'
import type { Contract, ToolContract } from './contract.ts'
import { attributed, authored, minted } from './field.ts'
import type { JsonSchema } from './json-schema.ts'
import { checkContracts, lintContracts } from './lint.ts'

const closed = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  additionalProperties: false,
})
const STRING: JsonSchema = { type: 'string' }

const compileContracts = (contracts: Record<string, Contract>, schemas: ToolSchemas): CompiledContract[] =>
  Object.entries(contracts).map(([tool, contract]) =>
    compileContract(tool, contract, schemasOf(schemas, tool).input),
  )
const refusal = (contracts: Record<string, Contract>, schemas: ToolSchemas = {}): string => {
  const compiled = compileContracts(contracts, schemas)
  try {
    checkContracts(compiled, schemas)
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError)
    return (error as Error).message
  }
  return 'accepted'
}
const warnings = (contracts: Record<string, Contract>, schemas: ToolSchemas = {}): string[] =>
  lintContracts(compileContracts(contracts, schemas), schemas).map(
    ({ level, message }) => `${level} ${message}`,
  )

const order: ToolContract = {
  effect: 'read',
  operator: 'shop',
  result: {
    id: minted('order'),
    customer: minted('user'),
    total: attributed('customer'),
    notes: authored('customer'),
  },
  record: { kind: 'order', key: ['id'], binds: ['total'], lookup: (key) => ({ orderId: key }) },
}

const reading = (result: ToolContract['result'], more: Partial<ToolContract> = {}): string =>
  refusal({ get: { effect: 'read', operator: 'shop', ...(result && { result }), ...more } })
const add = (args: NonNullable<ToolContract['args']>, operator = 'shop'): ToolContract => ({
  effect: 'write',
  operator,
  args,
})
const recording = (record: ToolContract['record'], more: Partial<ToolContract> = {}): string =>
  refusal({
    list: {
      effect: 'read',
      operator: 'drive',
      result: { 'files.*.id': minted('file'), 'files.*.name': attributed(), 'files.*.text': authored() },
      ...(record && { record }),
      ...more,
    },
  })
const wiping = (more: Partial<ToolContract>, input?: JsonSchema): string =>
  refusal({ wipe: { effect: 'irreversible', ...more } }, input === undefined ? {} : { wipe: { input } })

test('a sound contract map starts, with nothing to say', () => {
  expect(
    warnings({
      searchDocs: 'read',
      lookupOrder: order,
      issueRefund: {
        effect: 'irreversible',
        risk: 'high',
        args: { orderId: id('order'), note: content() },
      },
      sendEmail: {
        effect: 'irreversible',
        args: { to: email(), body: content() },
        audience: ({ to }) => String(to),
      },
    }),
  ).toEqual([])
})

describe('labels of a result are refused', () => {
  test.each(['*', '**', 'order.**'])("a field at '%s' that is not authored", (path) => {
    expect(reading({ [path]: minted() })).toContain(
      `contracts.get.result.${path}: expected authored() at '${path}'`,
    )
    expect(reading({ [path]: attributed() })).toContain('authored()')
    expect(reading({ [path]: authored() })).toBe('accepted')
  })

  test("'order.*' that is not authored, once the schema says that order is an object", () => {
    const contracts: Record<string, Contract> = {
      get: { effect: 'read', operator: 'shop', result: { 'order.*': minted() } },
    }
    expect(refusal(contracts, { get: { output: closed({ order: closed({ id: STRING }) }) } })).toContain(
      "authored() at 'order.*'",
    )
    expect(refusal(contracts, { get: { output: closed({ order: { type: 'array', items: STRING } }) } })).toBe(
      'accepted',
    )
    expect(warnings(contracts)[0]).toMatch(/^warning contracts\.get\.result\.order\.\*/)
  })

  test('a party that no minted or attributed field names', () => {
    expect(reading({ body: authored('from'), from: authored() })).toContain(
      "contracts.get.result.body: expected a party named by the path of a minted or attributed field of the same result; got 'from'.",
    )
    expect(reading({ body: authored('nobody') })).toContain("got 'nobody'")
    expect(reading({ body: authored('**'), from: minted() })).toContain("got '**'")
    expect(
      reading({ 'mails.*.body': authored('mails.*.from'), 'mails.*.from': attributed('mails.*.from') }),
    ).toBe('accepted')
  })

  test('readers named by free text', () => {
    expect(reading({ acl: authored() }, { readers: { at: ['acl'] } })).toContain(
      'contracts.get.readers.at: expected the path of a minted or attributed field',
    )
    expect(reading({ acl: minted() }, { readers: { at: ['acl'] } })).toBe('accepted')
  })

  test('a path that the output does not have, with the one that was meant', () => {
    const contracts: Record<string, Contract> = {
      get: { effect: 'read', operator: 'shop', result: { 'itmes.*.id': minted('item') } },
    }
    const output = closed({ items: { type: 'array', items: closed({ id: STRING }) } })
    expect(refusal(contracts, { get: { output } })).toContain(
      "(did you mean 'items.*.id'?); got 'itmes.*.id'",
    )
  })
})

describe('a minted field that a content argument can write', () => {
  const get: ToolContract = { effect: 'read', operator: 'shop', result: { 'order.Reason': minted() } }

  test('is refused, naming the argument', () => {
    expect(refusal({ get, add: add({ orderId: id('order'), 'change.reason': content() }) })).toContain(
      'since the content argument contracts.add.args.change.reason can write it',
    )
  })
  test('is refused where only the schema shows the argument', () => {
    const schemas = { add: { input: closed({ fields: closed({ reason: STRING }) }) } }
    expect(refusal({ get, add: add({ 'fields.*': content() }) }, schemas)).toContain(
      'contracts.add.args.fields.reason',
    )
  })
  test('is accepted where the argument is control, or another operator’s, or the field is the tool’s own handle', () => {
    expect(refusal({ get, add: add({ reason: text() }) })).toBe('accepted')
    expect(refusal({ get, add: add({ reason: content() }, 'bank') })).toBe('accepted')
    expect(refusal({ add: { ...add({ memo: content() }), result: { memo: minted('memo') } } })).toBe(
      'accepted',
    )
  })
  test('is a warning where the content is free-form, or one operator is not named', () => {
    const schemas = {
      add: { input: closed({ fields: { type: 'object' as const, additionalProperties: STRING } }) },
    }
    expect(warnings({ get, add: add({ 'fields.*': content() }) }, schemas)).toEqual([
      expect.stringMatching(/^warning contracts\.get\.result/),
    ])
    expect(warnings({ get, add: { effect: 'write', args: { reason: content() } } })).toEqual([
      expect.stringMatching(/^warning contracts\.get\.result/),
    ])
  })
})

describe('records are refused', () => {
  test('when their key is free text', () => {
    expect(recording({ kind: 'file', at: 'files.*', key: ['text'] })).toContain(
      'contracts.list.record.key: expected the path of a minted or attributed field',
    )
    expect(recording({ kind: 'file', at: 'files.*', key: ['name'] })).toBe('accepted')
  })
  test('when they bind free text', () => {
    expect(recording([{ kind: 'file', at: 'files.*', key: ['name'], binds: ['id', 'text'] }])).toContain(
      'contracts.list.record.0.binds',
    )
  })
  test('when completeness is not minted', () => {
    expect(recording({ kind: 'file', at: 'files.*', key: ['name'], complete: 'done' })).toContain(
      'contracts.list.record.complete',
    )
  })
  test('when the look-up is no read', () => {
    const record = { kind: 'file', at: 'files.*', key: ['name'], lookup: (key: string) => ({ key }) }
    expect(recording(record, { effect: 'write' })).toContain(
      "contracts.list.record.lookup: expected effect: 'read'",
    )
  })
})

test('a selector that no contract can look up is a warning', () => {
  expect(warnings({ remove: { effect: 'irreversible', args: { file: id('file') } } })).toEqual([
    expect.stringContaining(
      "warning contracts.remove.args.file: expected some contract with record: { kind: 'file'",
    ),
  ])
})

describe('arguments and effects are refused', () => {
  test('an irreversible tool with no control leaf, unless it asks or needs a trusted cause', () => {
    const input = closed({ note: STRING, mode: { enum: ['all'] } })
    const args = { note: content(), mode: choice(['all']) }
    expect(wiping({ args }, input)).toContain("contracts.wipe: expected cause: 'trusted' or risk: 'high'")
    expect(wiping({}, closed({}))).toContain('an irreversible tool with no control leaf')
    expect(wiping({ args, cause: 'trusted' }, input)).toBe('accepted')
    expect(wiping({ args, risk: 'high' }, input)).toBe('accepted')
    expect(wiping({ args: { note: content() } }, input)).toBe('accepted')
  })
  test('a destructive selector that accepts minted values', () => {
    expect(wiping({ args: { file: id('file').orMinted() } })).toContain(
      'contracts.wipe.args.file: expected no orMinted()',
    )
  })
  test('a choice of nothing', () =>
    expect(wiping({ args: { mode: choice([]) } })).toContain('a choice of at least one value'))
  test('content by wildcard', () =>
    expect(wiping({ args: { '**': content() } })).toContain('named one by one'))
  test('a path that the input does not have, with the one that was meant', () => {
    const input = closed({ recipients: { type: 'array', items: closed({ address: STRING }) } })
    expect(wiping({ args: { 'recipients.*.adress': email() } }, input)).toBe(
      "contracts.wipe.args.recipients.*.adress: expected a path of the tool's input (did you mean 'recipients.*.address'?); got 'recipients.*.adress'.",
    )
    expect(wiping({ args: { address: email() } }, input)).toContain("did you mean 'recipients.*.address'?")
    expect(wiping({ args: { 'recipients.address': email() } }, input)).toBe('accepted')
  })
  test('a provider-executed tool with an effect', () => {
    expect(wiping({ providerExecuted: 'allow' })).toContain(
      "contracts.wipe.providerExecuted: expected effect: 'read'",
    )
  })
  test('content that leaves for nobody knows where', () => {
    const search: ToolContract = { effect: 'read', egress: true, args: { query: content(), site: url() } }
    expect(refusal({ search })).toContain('contracts.search.audience: expected an audience or an operator')
    expect(refusal({ search: { ...search, operator: 'search' } })).toBe('accepted')
    expect(refusal({ search: { ...search, audience: () => 'operator:search' } })).toBe('accepted')
  })
  test('one name for two tools', () => {
    const twice = [compileContract('get', 'read'), compileContract('get', 'read')]
    expect(() => checkContracts(twice)).toThrow('a tool name that no other tool has')
  })
})
