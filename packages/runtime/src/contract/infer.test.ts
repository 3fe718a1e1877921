import { dynamicTool, jsonSchema, tool, type ToolSet } from 'ai'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { content, date, email, id, money, text } from './argument.ts'
import { compileContract } from './compile.ts'
import type { Contract } from './contract.ts'
import { attributed, authored, minted } from './field.ts'
import type { Contracts, PathOf } from './infer.ts'

const tools = {
  search: tool({ inputSchema: z.object({ query: z.string() }), execute: async () => 'text' }),
  lookupOrder: tool({
    inputSchema: z.object({ orderId: z.string() }),
    execute: async ({ orderId }) => ({
      id: orderId,
      customer: 'c',
      total: 1,
      notes: 'n',
      lines: [{ sku: 's', label: 'l' }],
    }),
  }),
  sendEmail: tool({
    inputSchema: z.object({
      to: z.array(z.object({ address: z.string(), name: z.string().optional() })),
      when: z.string().transform((value) => new Date(value)),
      subject: z.string().nullable(),
      options: z.object({ copy: z.object({ to: z.string() }).optional() }).optional(),
      headers: z.record(z.string(), z.string()),
      pair: z.tuple([z.string(), z.number()]),
    }),
    execute: async () => ({ id: 'm' }),
  }),
  loose: tool({ inputSchema: jsonSchema<unknown>({ type: 'object' }), execute: async () => ({}) as unknown }),
  found: dynamicTool({ inputSchema: jsonSchema({ type: 'object' }), execute: async () => ({}) }),
}
type Ours = Contracts<typeof tools>

const contracts: Ours = {
  search: 'read',
  lookupOrder: {
    effect: 'read',
    operator: 'shop',
    args: { orderId: id('order') },
    result: {
      id: minted('order'),
      customer: minted('user'),
      total: attributed('customer'),
      notes: authored('customer'),
      'lines.sku': minted('sku'),
      'lines.*.label': authored('customer'),
      '**': authored(),
    },
    record: { kind: 'order', key: ['id'], binds: ['total'], lookup: (key) => ({ orderId: key }) },
  },
  sendEmail: {
    effect: 'irreversible',
    args: {
      'to.address': email(),
      'to.*.name': text(),
      when: date(),
      subject: content(),
      'options.copy.to': email(),
      'headers.x-mine': text(),
      'pair.1': money(),
    },
    audience: ({ to }) => to.map(({ address }) => address),
    result: { id: minted('mail', { standsFor: ['to.address'] }) },
  },
  loose: { effect: 'write', args: { 'any.path.at.all': text() }, result: { whatever: minted() } },
  found: { effect: 'write', args: { anything: text() } },
}

const compiled = (map: object): string[] =>
  Object.entries(map).map(([name, contract]) => compileContract(name, contract as Contract).tool)

test('a contract map typed by its tools compiles as it stands', () => {
  expect(compiled(contracts)).toEqual(Object.keys(tools))
})

test('a path that does not exist does not compile', () => {
  const wrong: Partial<Ours> = {
    lookupOrder: {
      effect: 'read',
      // @ts-expect-error the input has no `order`
      args: { order: id('order') },
    },
    sendEmail: {
      effect: 'irreversible',
      args: {
        'to.address': email(),
        // @ts-expect-error the items of `to` have no `email`
        'to.*.email': email(),
      },
    },
  }
  const wrongResult: Partial<Ours> = {
    lookupOrder: {
      effect: 'read',
      result: {
        id: minted('order'),
        // @ts-expect-error the result has no `note`
        note: authored(),
      },
    },
  }
  expect([wrong, wrongResult].map((one) => Object.keys(one).length)).toEqual([2, 1])
})

test('a party that is no path of the result does not compile', () => {
  const wrong: Pick<Ours, 'lookupOrder'> = {
    lookupOrder: {
      effect: 'read',
      result: {
        // @ts-expect-error the result has no `from`
        notes: authored('from'),
        // @ts-expect-error the result has no `payer`
        total: attributed('payer'),
      },
    },
  }
  expect(Object.keys(wrong)).toEqual(['lookupOrder'])
})

test('a missing contract, a misspelt key and a contract for no tool do not compile', () => {
  // @ts-expect-error `sendEmail` and the others have no contract
  const missing: Ours = { search: 'read' }
  const misspelt: Pick<Ours, 'search'> = {
    search: {
      effect: 'read',
      // @ts-expect-error a contract has no `aproval`
      aproval: {},
    },
  }
  const extra: Pick<Ours, 'search'> = {
    search: 'read',
    // @ts-expect-error there is no such tool
    serach: 'read',
  }
  // @ts-expect-error a contract that is an object states its effect
  const effectless: Pick<Ours, 'search'> = { search: { args: { query: text() } } }
  expect([missing, misspelt, extra, effectless]).toHaveLength(4)
})

test('functions of a contract see the input of their own tool', () => {
  const wrong: Pick<Ours, 'lookupOrder'> = {
    lookupOrder: {
      effect: 'read',
      // @ts-expect-error the input that finds an order is { orderId }
      record: { kind: 'order', key: ['id'], lookup: (key) => ({ id: key }) },
      // @ts-expect-error the input has no `to`
      audience: ({ to }) => to,
    },
  }
  expect(Object.keys(wrong)).toEqual(['lookupOrder'])
})

test('paths go through lists, unions, optional parts and open parts, and end', () => {
  interface Tree {
    name: string
    children: Tree[]
  }
  expectTypeOf<PathOf<{ a: { b?: string } | null }>>().toEqualTypeOf<'a' | 'a.b' | 'a.**' | '*' | '**'>()
  expectTypeOf<PathOf<string[]>>().toEqualTypeOf<'*' | '**'>()
  expectTypeOf<PathOf<{ a: string } | { b: string }>>().toEqualTypeOf<'a' | 'b' | '*' | '**'>()
  expectTypeOf<PathOf<unknown>>().toEqualTypeOf<string>()
  expectTypeOf<PathOf<{ open: unknown }>>().toEqualTypeOf<'open' | `open.${string}` | '*' | '**'>()
  expectTypeOf<'children.*.children.name'>().toExtend<PathOf<Tree>>()
  const path: PathOf<Tree> = 'children.children.children.name'
  expect(path).toContain('children')
})

test('a field of no party compiles where tools and contracts are inferred together', () => {
  const map = <const TOOLS extends ToolSet>(_: TOOLS, given: Contracts<TOOLS>): Contracts<TOOLS> => given
  const { lookupOrder } = tools
  const given = map(
    { lookupOrder },
    { lookupOrder: { effect: 'read', result: { customer: attributed(), notes: authored(), id: minted() } } },
  )
  expect(compiled(given)).toEqual(['lookupOrder'])
})
