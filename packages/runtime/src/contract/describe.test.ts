import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compileContract } from './compile.ts'
import { describeContract } from './describe.ts'
import type { JsonSchema } from './json-schema.ts'
import { checkContracts } from './lint.ts'

const input = z.toJSONSchema(
  z.object({
    to: z.array(z.object({ email: z.string(), name: z.string().optional() })),
    replyTo: z.email(),
    orderId: z.string(),
    amount: z.number(),
    count: z.int(),
    dueDate: z.string(),
    link: z.url(),
    mode: z.enum(['soft', 'hard']),
    body: z.string(),
    metadata: z.record(z.string(), z.string()),
    force: z.boolean(),
  }),
  { io: 'input' },
) as JsonSchema

describe('a drafted contract', () => {
  const { contract, source } = describeContract('refundOrder', input)

  test('is irreversible, asks, and has no argument that only carries words', () => {
    expect(contract).toMatchObject({ effect: 'irreversible', risk: 'high' })
    expect(Object.values(contract.args ?? {}).map((argument) => argument?.role)).not.toContain('content')
    expect(
      Object.values(contract.args ?? {}).flatMap((argument) =>
        argument?.role === 'control' ? argument.harmless : [],
      ),
    ).toEqual([])
  })

  test('guesses the types of arguments from formats and names, and leaves the doubtful as text', () => {
    const types = Object.entries(contract.args ?? {}).map(([path, argument]) => [
      path,
      argument?.role === 'control' && argument.type,
    ])
    expect(Object.fromEntries(types)).toEqual({
      'to.*.email': 'email',
      'to.*.name': 'name',
      replyTo: 'email',
      orderId: 'id',
      amount: 'money',
      count: 'number',
      dueDate: 'date',
      link: 'url',
      mode: 'text',
      body: 'text',
      'metadata.*': 'text',
      force: 'text',
    })
    expect(contract.args?.['orderId']).toMatchObject({ kind: 'order' })
  })

  test('compiles and passes the lint as it stands', () => {
    expect(
      checkContracts([compileContract('refundOrder', contract, input)], { refundOrder: { input } }),
    ).toEqual([expect.objectContaining({ level: 'warning', key: 'contracts.refundOrder.args.orderId' })])
  })

  test('comes as source to paste, with a reason on each line', () => {
    expect(source).toContain("  orderId: id('order'), // by its name")
    expect(source).toContain("  mode: text(), // choice(['soft', 'hard']), less what decides something")
    expect(source).toContain("'to.*.name': name(), // by its name; .orHarmless('empty')")
    for (const line of source.split('\n').filter((one) => /: .*,/.test(one))) expect(line).toContain('//')
  })
})

test("a name that reads like a read stays irreversible, and 'read' is proposed", () => {
  for (const tool of ['getOrder', 'list_files', 'search', 'readMailbox']) {
    const { contract, source } = describeContract(tool, { type: 'object', properties: {} })
    expect(contract.effect).toBe('irreversible')
    expect(source).toContain("the name suggests 'read'")
  }
  expect(describeContract('getawayBooking', {}).source).not.toContain('suggests')
})

test('fields of the result are proposals in comments, and none is trusted', () => {
  const output: JsonSchema = {
    type: 'object',
    properties: { id: { type: 'string' }, notes: { type: 'string' } },
  }
  const { contract, source } = describeContract('getOrder', {}, output, { operator: 'shop' })
  expect(contract.result).toBeUndefined()
  expect(source).toContain("  //   id: minted('order'), // if no outsider can choose it")
  expect(source).toContain('  //   notes: authored()')
  expect(source).toContain("operator: 'shop'")
})

test('a schema from outside cannot write code into the draft', () => {
  const hostile = "x'); boom() //\n\u2028evil()\u202e*/"
  const schema: JsonSchema = {
    type: 'object',
    properties: {
      [hostile]: { type: 'string' },
      mode: { enum: [hostile] },
      'a.b': { type: 'string' },
      [`${hostile}_id`]: { type: 'string' },
    },
  }
  const { contract, source } = describeContract(hostile, schema, schema, { operator: hostile })
  expect(source).toMatch(/^[\x20-\x7e\n]*$/)
  const names = { id: () => 'id', text: () => 'text' }
  const pasted = runInNewContext(`({${source}})`, names) as Record<string, { args: Record<string, string> }>
  expect(Object.keys(pasted)).toEqual([hostile])
  expect(pasted[hostile]?.args).toEqual({ [hostile]: 'text', mode: 'text', [`${hostile}_id`]: 'id' })
  expect(Object.keys(contract.args ?? {})).not.toContain('a.b')
})
