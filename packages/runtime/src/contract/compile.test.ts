import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ContractError } from '../errors.ts'
import type { Place } from '../json/path.ts'
import { choice, content, date, email, id, money, text } from './argument.ts'
import { compileContract } from './compile.ts'
import type { Contract } from './contract.ts'
import { attributed, authored, minted } from './field.ts'
import type { JsonSchema } from './json-schema.ts'

const place: fc.Arbitrary<Place> = fc.array(fc.oneof(fc.string(), fc.nat(5)), { minLength: 1, maxLength: 4 })
const argumentPath = fc
  .array(fc.constantFrom('a', 'b', 'c', '*', '**'), { minLength: 1, maxLength: 3 })
  .map((steps) => steps.join('.'))
const argument = fc.constantFrom(
  email(),
  text(),
  content(),
  money().orDerived(),
  id('order').orHarmless('empty'),
)

const named = (where: Place): string => where.filter((step) => typeof step === 'string').join('.')
const closed = (properties: Record<string, JsonSchema>): JsonSchema => ({
  type: 'object',
  properties,
  additionalProperties: false,
})
const decisive = (args: NonNullable<Exclude<Contract, 'read'>['args']>, input?: JsonSchema): boolean =>
  compileContract('wipe', { effect: 'irreversible', args }, input).hasControl
const shuffled = <T>(entries: [string, T][]): Record<string, T> => Object.fromEntries(entries.toReversed())

const refusal = (contract: unknown): string => {
  try {
    compileContract('sendEmail', contract as Contract)
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError)
    return (error as Error).message
  }
  throw new Error('the contract was accepted')
}

describe('what a contract leaves out', () => {
  test("'read' is a whole contract: no effect, low risk, results authored by anyone", () => {
    const read = compileContract('search', 'read')
    expect(read).toMatchObject({
      effect: 'read',
      egress: false,
      risk: 'low',
      operator: undefined,
      plainRead: true,
      records: [],
    })
    expect(read.fieldAt(['anything', 0])).toEqual(authored())
  })

  test('an argument that no path names is control text', () => {
    fc.assert(
      fc.property(place, (where) => {
        const { argumentAt } = compileContract('send', {
          effect: 'irreversible',
          args: { 'to.address': email() },
        })
        const found = argumentAt(where)
        fc.pre(named(where) !== 'to.address')
        expect(found).toMatchObject({
          role: 'control',
          type: 'text',
          harmless: [],
          minted: false,
          derived: false,
          bareWords: false,
        })
      }),
    )
  })

  test('a field that no path names is free text of anyone', () => {
    fc.assert(
      fc.property(place, (where) => {
        const { fieldAt } = compileContract('get', { effect: 'read', result: { 'a.id': minted('order') } })
        fc.pre(named(where) !== 'a.id')
        expect(fieldAt(where)).toEqual(authored())
      }),
    )
  })

  test('a single field stands for a scalar result, and for no field of an object', () => {
    const count = compileContract('count', { effect: 'read', result: minted() })
    expect(count.fieldAt([])).toEqual(minted())
    expect(count.fieldAt(['note'])).toEqual(authored())
  })

  test('risk is medium for a write and for an irreversible effect; high must be said', () => {
    expect(compileContract('save', { effect: 'write' }).risk).toBe('medium')
    expect(compileContract('send', { effect: 'irreversible' }).risk).toBe('medium')
    expect(compileContract('send', { effect: 'irreversible', risk: 'high' }).risk).toBe('high')
  })

  test('a read that reaches out, or that insists on attestation, is no plain read', () => {
    expect(compileContract('fetch', { effect: 'read', egress: true }).plainRead).toBe(false)
    expect(compileContract('mailbox', { effect: 'read', attest: 'always' }).plainRead).toBe(false)
    expect(
      compileContract('mailbox', { effect: 'read', args: { owner: email().alwaysAttested() } }).plainRead,
    ).toBe(false)
    expect(compileContract('mailbox', { effect: 'read', args: { owner: email() } }).plainRead).toBe(true)
  })

  test('the operator stands as a principal', () => {
    expect(compileContract('get', { effect: 'read', operator: 'shop' }).operator).toBe('operator:shop')
  })
})

describe('control leaves', () => {
  test('are assumed where the schema is not known', () => expect(decisive({ note: content() })).toBe(true))
  test('are not there when every argument is content or a choice', () => {
    const input = closed({ note: { type: 'string' }, size: { type: 'number' } })
    expect(decisive({ note: content(), size: choice([10]) }, input)).toBe(false)
    expect(decisive({ note: content() }, input)).toBe(true)
  })
  test('are not there when the tool takes nothing', () => expect(decisive({}, closed({}))).toBe(false))
  test('are there for a free-form object', () => {
    expect(
      decisive({}, closed({ where: { type: 'object', additionalProperties: { type: 'string' } } })),
    ).toBe(true)
  })
  test('a default of the schema is known by place, and a free-form key has none', () => {
    const input = closed({
      size: { type: 'number', default: 10 },
      ids: { type: 'array', items: { type: 'string' }, default: [] },
      headers: { type: 'object', additionalProperties: { type: 'string', default: 'x' } },
    })
    const { defaultAt } = compileContract('list', 'read', input)
    expect([
      defaultAt(['size']),
      defaultAt(['ids']),
      defaultAt(['headers', 'to']),
      defaultAt(['nope']),
    ]).toEqual([10, [], undefined, undefined])
  })
})

describe('a contract that says something unknown is refused', () => {
  test('with the key, what was given and what is expected', () => {
    expect(refusal({ effect: 'irreversible', args: { to: 'email' } })).toBe(
      "contracts.sendEmail.args.to: expected an argument made with id(kind), email(), text(), content(), choice([…]) or the like; got 'email'.",
    )
  })

  test.each([
    [{ effect: 'irreversible', aproval: {} }, 'contracts.sendEmail.aproval: expected no such key'],
    [
      { effect: 'delete' },
      "contracts.sendEmail.effect: expected 'read', 'write', 'irreversible'; got 'delete'",
    ],
    [{}, 'contracts.sendEmail.effect: expected'],
    ['write', "contracts.sendEmail: expected 'read' or a contract object; got 'write'"],
    [undefined, "contracts.sendEmail: expected 'read' or a contract object; got nothing"],
    [
      { effect: 'write', args: { 'a..b': text() } },
      "contracts.sendEmail.args.a..b: expected a path such as 'to'",
    ],
    [
      { effect: 'write', result: { id: { field: 'mintd' } } },
      'contracts.sendEmail.result.id: expected a field made with',
    ],
    [
      { effect: 'write', result: { field: 'mintd' } },
      'contracts.sendEmail.result: expected a field made with',
    ],
    [
      { effect: 'write', quota: { calls: 0, per: 'run' } },
      'contracts.sendEmail.quota.calls: expected a positive whole number of calls; got 0',
    ],
    [
      { effect: 'write', quota: { calls: 1.5, per: 'run' } },
      'contracts.sendEmail.quota.calls: expected a positive whole number',
    ],
    [
      { effect: 'write', quota: { calls: 1, per: 'day' } },
      "contracts.sendEmail.quota.per: expected 'run', 'session'",
    ],
    [
      { effect: 'write', credentials: { audience: 'https://a.example', scopes: [] } },
      'contracts.sendEmail.credentials.scopes: expected a list of at least one string',
    ],
    [
      { effect: 'write', constants: [''] },
      'contracts.sendEmail.constants.0: expected a string that is not empty',
    ],
    [
      { effect: 'read', record: { kind: 'order', key: [] } },
      'contracts.sendEmail.record.key: expected a list of at least one string',
    ],
    [
      { effect: 'read', record: { kind: 'order', key: ['id'], bind: ['id'] } },
      'contracts.sendEmail.record.bind: expected no such key',
    ],
    [{ effect: 'read', readers: {} }, "contracts.sendEmail.readers: expected 'everyone' or"],
    [{ effect: 'read', audience: 'me' }, "contracts.sendEmail.audience: expected a function; got 'me'"],
    [{ effect: 'read', operator: 'a b' }, 'contracts.sendEmail.operator: expected'],
    [
      { effect: 'read', deadlineMs: -1 },
      'contracts.sendEmail.deadlineMs: expected a positive number of milliseconds; got -1',
    ],
  ])('%j', (contract, message) => {
    expect(refusal(contract)).toContain(message)
  })

  test('an empty tool name is refused', () => {
    expect(() => compileContract('', 'read')).toThrow('a tool name that is not empty')
  })
})

describe('the digest of a contract', () => {
  test('does not depend on the order of keys', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(argumentPath, argument), { selector: ([path]) => path, maxLength: 6 }),
        (args) => {
          const one = compileContract('send', {
            effect: 'write',
            args: Object.fromEntries(args),
            operator: 'shop',
          })
          const other = compileContract('send', { operator: 'shop', args: shuffled(args), effect: 'write' })
          expect(other.digest).toBe(one.digest)
          for (const where of [['a'], ['a', 'b'], ['a', 'b', 'c'], ['z', 0]])
            expect(other.argumentAt(where)).toEqual(one.argumentAt(where))
        },
      ),
    )
  })

  test('is the same for a default that is said and one that is left out', () => {
    expect(compileContract('get', { effect: 'read', egress: false, risk: 'low', flow: 'ask' }).digest).toBe(
      compileContract('get', 'read').digest,
    )
  })

  test('changes with the tool, an argument, a field or the text of a function', () => {
    const digests = [
      compileContract('send', { effect: 'write' }),
      compileContract('send2', { effect: 'write' }),
      compileContract('send', { effect: 'write', args: { to: email() } }),
      compileContract('send', { effect: 'write', args: { to: email().orHarmless('a@example.com') } }),
      compileContract('send', { effect: 'write', args: { to: date() } }),
      compileContract('send', { effect: 'write', result: { id: minted('mail') } }),
      compileContract('send', { effect: 'write', result: { id: attributed() } }),
      compileContract('send', { effect: 'write', audience: () => 'a@example.com' }),
      compileContract('send', { effect: 'write', audience: () => 'b@example.com' }),
    ].map(({ digest }) => digest)
    expect(new Set(digests).size).toBe(digests.length)
    for (const digest of digests) expect(digest).toMatch(/^[0-9a-f]{64}$/)
  })
})

test('a contract cannot be loosened after it was compiled', () => {
  const contract = {
    effect: 'irreversible' as const,
    args: { to: email() as ReturnType<typeof email> | ReturnType<typeof content> },
  }
  const compiled = compileContract('send', contract)
  contract.args.to = content()
  expect(compiled.argumentAt(['to'])).toMatchObject({ role: 'control', type: 'email' })
  expect(() => Object.assign(compiled.contract, { effect: 'read' })).toThrow(TypeError)
})
