import { expect, test } from 'vitest'
import { type ControlArgument, id, money } from '../contract/argument.ts'
import { type CompiledContract, compileContract } from '../contract/compile.ts'
import type { ToolContract } from '../contract/contract.ts'
import { attributed, authored, minted } from '../contract/field.ts'
import type { Json } from '../json/plain.ts'
import { allAuthorsIn, label, readableBy } from '../label/label.ts'
import { attest } from './attest.ts'
import { createDerivations } from './derivations.ts'
import { createEvidence, type ExecutedCall } from './evidence.ts'
import { createTrustedIndex } from './trusted-index.ts'

const READERS = readableBy(['user:alice'], false)
const OUTSIDE = label(['anyone'], [READERS])
const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-03-30T12:00:00Z') }

const read = (tool: string, contract: Partial<ToolContract>): CompiledContract =>
  compileContract(tool, { effect: 'read', operator: 'bank', ...contract } as ToolContract)

const result = { '*.id': minted('bill'), '*.name': attributed(), '*.amount': attributed() } as const
const record = { kind: 'bill', at: '*', key: ['name'], binds: ['id', 'amount'] } as const
const LIST = read('list', { result, record })
const FIND = read('find', { result, record: { ...record, lookup: (name: string) => ({ name }) } })

interface Question {
  readonly value: string | number
  readonly argument?: ControlArgument
  readonly said?: string
  readonly contracts?: readonly CompiledContract[]
  /** What each tool has returned, or returns when the guard asks it. */
  readonly listed?: readonly [CompiledContract, Json][]
  readonly found?: Readonly<Record<string, Json>>
  readonly trusted?: readonly string[]
  /** An argument of the look-up that an outsider chose. */
  readonly outsiders?: string | number
}

/** How a value stands when the user said `said`, and which tools the guard asked to find out. */
async function ask(question: Question): Promise<{ by: string | undefined; asked: readonly string[] }> {
  const { value, argument = money(), said = 'Pay "Rent".', listed = [], found = {} } = question
  const { contracts = [LIST, FIND], trusted: operators = ['operator:bank'], outsiders } = question
  const evidence = createEvidence((of) => allAuthorsIn(of, new Set(operators)))
  const executed = (contract: CompiledContract, returned: Json, input: Json): ExecutedCall => {
    const call: ExecutedCall = {
      contract,
      input,
      turn: 1,
      args: outsiders === undefined ? [] : [{ place: ['note'], value: outsiders, label: OUTSIDE }],
      principal: { subject: 'user:alice' },
      defaultReaders: READERS,
      value: returned,
      chunk: { id: evidence.calls.length, label: OUTSIDE } as never,
    }
    evidence.add(call)
    return call
  }
  for (const [contract, returned] of listed) executed(contract, returned, {})
  const trusted = createTrustedIndex(WRITING)
  trusted.add(said, { chunk: 0, turn: 1 }, WRITING)
  const asked: string[] = []
  const { by } = await attest({ place: ['x'], value, isDefault: false, isKey: false }, argument, {
    evidence,
    trusted,
    writing: WRITING,
    turn: 1,
    contracts,
    derivations: createDerivations(),
    constants: [],
    async lookup(tool, input) {
      asked.push(tool)
      const contract = contracts.find((one) => one.tool === tool)
      const returned = found[tool]
      return contract === undefined || returned === undefined
        ? undefined
        : executed(contract, returned, input)
    },
  })
  return { by, asked }
}

const rent = { id: 'bill-1', name: 'Rent', amount: 900 }

test('a value that a list shows is bound once the look-up for its key has shown it too', async () => {
  const answer = await ask({ value: 900, listed: [[LIST, [rent]]], found: { find: [rent] } })
  expect(answer).toEqual({ by: 'bound', asked: ['find'] })
})

test('what a list shows is not what binds: the look-up has the last word', async () => {
  const now = { ...rent, amount: 950 }
  expect((await ask({ value: 900, listed: [[LIST, [rent]]], found: { find: [now] } })).by).toBeUndefined()
  expect((await ask({ value: 900, listed: [[LIST, [rent]]] })).by).toBeUndefined()
})

test('a value of another record in the look-up’s answer is not bound, though an old list says so', async () => {
  const answer = [
    { ...rent, amount: 950 },
    { id: 'bill-2', name: 'Yacht', amount: 900 },
  ]
  expect((await ask({ value: 900, listed: [[LIST, [rent]]], found: { find: answer } })).by).toBeUndefined()
})

test('half of a key singles out nothing', async () => {
  const key = ['name', 'landlord']
  const both = { ...result, '*.landlord': attributed() }
  const lookup = (name: string, landlord: string): Record<string, Json> => ({ name, landlord })
  const find = read('find', { result: both, record: { ...record, key, lookup } })
  const asking = {
    value: 900,
    contracts: [find],
    listed: [[find, [{ ...rent, landlord: 'Olga' }]] as [CompiledContract, Json]],
    found: { find: [{ ...rent, landlord: 'Olga' }] },
  }
  expect((await ask(asking)).by).toBeUndefined()
  expect((await ask({ ...asking, said: 'Pay "Rent" to "Olga".' })).by).toBe('bound')
})

test('a record is looked for by the look-ups of its own kind alone', async () => {
  const fines = read('fines', {
    result: { ...result, '*.id': minted('fine') },
    record: { ...record, kind: 'fine', lookup: (name: string) => ({ name }) },
  })
  const answer = await ask({
    value: 900,
    contracts: [fines, LIST],
    listed: [[LIST, [rent]]],
    found: { fines: [rent] },
  })
  expect(answer).toEqual({ by: undefined, asked: [] })
})

test('an id binds as an id of its own kind alone, though the record that has it was called', async () => {
  const asking = {
    value: 'bill-1',
    listed: [[LIST, [rent]] as [CompiledContract, Json]],
    found: { find: [rent] },
  }
  expect((await ask({ ...asking, argument: id('bill') })).by).toBe('bound')
  expect((await ask({ ...asking, argument: id('file') })).by).toBeUndefined()
})

test('an operator whom nobody trusts binds nothing, whatever the user said', async () => {
  const asking = { value: 900, listed: [[LIST, [rent]] as [CompiledContract, Json]], found: { find: [rent] } }
  expect((await ask({ ...asking, trusted: ['operator:shop'] })).by).toBeUndefined()
})

test('free text binds nothing, even where a record says that its key stands for it', async () => {
  const find = read('find', {
    result: { ...result, '*.amount': authored() },
    record: { ...record, lookup: (name: string) => ({ name }) },
  })
  const answer = await ask({
    value: 900,
    contracts: [find],
    listed: [[find, [rent]]],
    found: { find: [rent] },
  })
  expect(answer.by).toBeUndefined()
})

test('a value that a look-up repeats of what an outsider chose is not bound', async () => {
  const asking = {
    value: 900,
    contracts: [FIND],
    listed: [[FIND, [rent]] as [CompiledContract, Json]],
    found: { find: [rent] },
  }
  expect((await ask(asking)).by).toBe('bound')
  expect((await ask({ ...asking, outsiders: 900 })).by).toBeUndefined()
})

test('a result that does not fit its contract binds nothing, not even by the records that do', async () => {
  const find = read('find', {
    result: { ...result, '*.note': authored('*.by') },
    record: { ...record, lookup: (name: string) => ({ name }) },
  })
  const answer = async (more: Readonly<Record<string, Json>>): Promise<string | undefined> => {
    const rows = [rent, { id: 'bill-2', name: 'Yacht', amount: 5, note: 'hello', ...more }]
    return (await ask({ value: 900, contracts: [find], listed: [[find, rows]], found: { find: rows } })).by
  }
  expect(await answer({ by: 'olga' })).toBe('bound')
  expect(await answer({})).toBeUndefined()
})

test('a handle that stands for what an outsider chose is not minted: nobody is paid in two steps', async () => {
  const prepare = compileContract('prepare', {
    effect: 'write',
    operator: 'bank',
    result: { id: minted('payment') },
  })
  const asking = {
    value: 'PAY-10001',
    argument: id('payment').orMinted(),
    listed: [[prepare, { id: 'PAY-10001' }] as [CompiledContract, Json]],
  }
  expect((await ask(asking)).by).toBe('minted')
  expect((await ask({ ...asking, outsiders: 'GB29NWBK60161331926819' })).by).toBeUndefined()
})
