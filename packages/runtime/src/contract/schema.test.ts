import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compileContract } from './compile.ts'
import { attributed, authored, minted } from './field.ts'
import { contractFromOutputSchema, provenance } from './schema.ts'

const resultFromSchema = (schema: z.ZodType): unknown =>
  contractFromOutputSchema(schema, { effect: 'read' }).result
const id = z.string().meta(provenance(minted('order')))

describe('result labels from an output schema', () => {
  test('are those its fields carry, and no others', () => {
    const schema = z.object({
      id,
      customer: z.email().meta(provenance(attributed('customer'))),
      total: z
        .number()
        .meta({ gatewright: attributed('customer'), title: 'Total' })
        .optional(),
      notes: z.string().nullable(),
      lines: z.array(z.object({ sku: z.string().meta(provenance(minted('sku'))), label: z.string() })),
      tags: z.array(z.string()).meta(provenance(authored('customer'))),
      size: z
        .string()
        .transform(Number)
        .pipe(z.number().meta(provenance(minted()))),
    })
    expect(resultFromSchema(schema)).toEqual({
      id: minted('order'),
      customer: attributed('customer'),
      total: attributed('customer'),
      'lines.*.sku': minted('sku'),
      tags: authored('customer'),
      size: minted(),
    })
    const compiled = compileContract(
      'lookup',
      contractFromOutputSchema(schema, { effect: 'read', operator: 'shop' }),
    )
    expect(compiled.fieldAt(['lines', 3, 'sku'])).toEqual(minted('sku'))
    expect(compiled.fieldAt(['lines', 3, 'label'])).toEqual(authored())
    expect(compiled.fieldAt(['tags', 0])).toEqual(authored('customer'))
  })

  test('of a scalar result stand at its root', () => {
    expect(
      compileContract(
        'count',
        contractFromOutputSchema(z.number().meta(provenance(minted())), { effect: 'read' }),
      ).fieldAt([]),
    ).toEqual(minted())
  })

  test('are lost where a transform makes something else of the field', () => {
    expect(resultFromSchema(z.object({ id: id.transform((value) => `${value}!`) }))).toEqual({})
  })

  test('are free text of anyone where the branches of a union disagree', () => {
    const schema = z.union([
      z.object({ kind: z.literal('a'), ref: id }),
      z.object({ kind: z.literal('b'), ref: z.string() }),
    ])
    expect(resultFromSchema(schema)).toEqual({ ref: authored() })
    expect(resultFromSchema(z.object({ id: z.union([id, z.null()]) }))).toEqual({ id: minted('order') })
  })

  test('cannot be claimed by a schema that a server sent', () => {
    const sent = z.fromJSONSchema({
      type: 'object',
      properties: { id: { type: 'string', gatewright: { field: 'minted', kind: 'order' } } },
    } as never)
    expect(resultFromSchema(sent)).toEqual({})
  })

  test('end where a schema contains itself', () => {
    const comment = z.object({
      id,
      get replies(): z.ZodArray<typeof comment> {
        return z.array(comment)
      },
    })
    expect(resultFromSchema(comment)).toEqual({ id: minted('order') })
  })

  test('cover an object as a whole only as authored', () => {
    const sender = z.object({ name: z.string(), id })
    expect(resultFromSchema(z.object({ sender: sender.meta(provenance(authored('by'))) }))).toEqual({
      'sender.**': authored('by'),
      'sender.id': minted('order'),
    })
    expect(() => resultFromSchema(z.object({ sender: sender.meta(provenance(minted())) }))).toThrow(
      'outputSchema.sender: expected a label on each field of an object, not on the object',
    )
  })
})
