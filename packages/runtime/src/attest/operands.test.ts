import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compileContract } from '../contract/compile.ts'
import type { ToolContract } from '../contract/contract.ts'
import { attributed, authored, minted } from '../contract/field.ts'
import type { Json } from '../json/plain.ts'
import { allAuthorsIn, label, type Label, readableBy } from '../label/label.ts'
import { derive, type Derived, type Standing } from './derive.ts'
import { createEvidence, type ExecutedCall } from './evidence.ts'
import { labelResult } from './label-result.ts'
import { literalIn, operandsOf } from './operands.ts'
import { createTrustedIndex } from './trusted-index.ts'

const IBAN = 'GB29NWBK60161331926819'
const OTHER = 'DE89370400440532013000'
const TRUSTED = new Set(['developer', 'user:alice', 'operator:bank'])
const READERS = readableBy(['user:alice'], false)
const USER = label(['user:alice'], [READERS])
const STRANGER = label(['anyone'], [READERS])
const WRITING = { locale: 'en-US', timeZone: 'UTC', now: new Date('2026-03-30T12:00:00Z') }
const isTrusted = (of: Label): boolean => allAuthorsIn(of, TRUSTED)

const PAYMENTS: ToolContract = {
  effect: 'read',
  operator: 'bank',
  result: {
    'payments.*.id': minted('payment'),
    'payments.*.sender': attributed(),
    'payments.*.amount': attributed('payments.*.sender'),
    'payments.*.booked': minted(),
    'payments.*.status': attributed(),
    'payments.*.note': authored('payments.*.sender'),
    more: minted(),
    whole: minted(),
  },
  record: {
    kind: 'payment',
    at: 'payments',
    key: ['sender'],
    binds: ['id', 'amount', 'booked'],
    lookup: (sender) => ({ sender: sender as string }),
  },
}

interface Said {
  readonly value: Json
  readonly input?: Json
  readonly contract?: ToolContract
  readonly tool?: string
  readonly turn?: number
  /** Label of the call's arguments, and of what led to it. */
  readonly cause?: Label
  readonly carried?: ExecutedCall['carried']
}

/** A run in which the user said `text` and these calls were made. */
function run(text: string, calls: readonly Said[]) {
  const trusted = createTrustedIndex(WRITING)
  trusted.add(text, { chunk: 0, turn: 2 }, WRITING)
  const evidence = createEvidence(isTrusted)
  calls.forEach(
    (
      {
        value,
        input = { sender: IBAN },
        contract = PAYMENTS,
        tool = 'list',
        turn = 2,
        cause = STRANGER,
        carried,
      },
      i,
    ) => {
      const compiled = compileContract(tool, contract)
      const args = Object.entries(input as Record<string, string>).map(([key, one]) => ({
        place: [key],
        value: one,
        label: cause,
      }))
      const toLabel = {
        value,
        contract: compiled,
        args,
        principal: { subject: 'user:alice' as const },
        defaultReaders: READERS,
        ...(carried && { carried }),
      }
      const origin = { kind: 'tool-result' as const, call: `c${i}`, tool }
      const chunk = {
        id: i + 1,
        origin,
        label: labelResult(toLabel).label,
        selectedBy: cause,
        parents: [],
        content: value,
        turn,
      }
      evidence.add({ ...toLabel, chunk, input, turn })
    },
  )
  return (expression: string): Derived =>
    derive(expression, {
      results: operandsOf(evidence, trusted, isTrusted, 2),
      literal: literalIn(trusted, USER, STRANGER),
      today: '2026-03-30',
      timeZone: 'UTC',
    })
}

const outcome = (derived: Derived): string =>
  derived.ok
    ? `${String(derived.value)} ${derived.standing}${derived.turn < 0 ? '' : ` ${derived.turn}`}`
    : derived.reason

const row = (id: string, sender: string, amount: number, more: Record<string, Json> = {}): Json => ({
  id,
  sender,
  amount,
  booked: '2026-03-01T00:00:00Z',
  status: 'open',
  note: 'thanks',
  ...more,
})
const ROWS = [row('P-1001', IBAN, 20), row('P-1002', IBAN, 22.5), row('P-1003', OTHER, 900)]
const FROM = `results.list[0].payments.filter(p, p.sender == "${IBAN}")`
const ASK = `Please add up all payments from ${IBAN}, the "open" ones too, over 21.`
const whole = (rows: readonly Json[], more: Record<string, Json> = {}): Json => ({
  payments: rows,
  more: false,
  whole: true,
  ...more,
})
const open = ` && p.status == "open")`

describe('a set that the user singled out by its key', () => {
  const said = run(ASK, [{ value: whole(ROWS) }])
  it.each([
    [`sum(${FROM}.map(p, p.amount))`, '42.5 bound 2'],
    [`count(${FROM})`, '2 bound 2'],
    [`max(${FROM}.map(p, p.amount))`, '22.5 bound 2'],
    [`last(${FROM}.sort(p, p.amount)).id`, 'P-1002 bound 2'],
    [`results.list[0].payments.pick(p, p.amount > 21 && p.sender == "${IBAN}").id`, 'P-1002 bound 2'],
    [`sum(results.list[0].payments.filter(p, p.sender == "${IBAN}"${open}.map(p, p.amount))`, '42.5 bound 2'],
    [`sum(${FROM}.filter(p, p.amount > 21).map(p, p.amount))`, '22.5 bound 2'],
  ])('%s is %s', (expression, expected) => {
    expect(outcome(said(expression))).toBe(expected)
  })

  it.each([
    ['count(results.list[0].payments)', '3 minted'],
    ['results.list[0].payments[2].sender', `${OTHER} unattested`],
    ['results.list[0].payments[2].amount', '900 unattested'],
    ['results.list[0].payments[2].id', 'P-1003 minted'],
    ['results.list[0].payments[0].amount', '20 minted 2'],
    ['sum(results.list[0].payments.map(p, p.amount))', '942.5 unattested 2'],
    ['results.list[0].payments.pick(p, p.amount > 21 && p.amount < 21).id', 'absent'],
    [
      `sum(results.list[0].payments.filter(p, p.sender == "${IBAN}" || p.amount > 21).map(p, p.amount))`,
      '942.5 unattested 2',
    ],
    [
      `sum(results.list[0].payments.filter(p, !(p.sender == "${IBAN}")).map(p, p.amount))`,
      '900 unattested 2',
    ],
    [`count(results.list[0].payments.filter(p, p.sender == "${IBAN}" || p.amount > 21))`, '3 minted 2'],
    [`count(results.list[0].payments.filter(p, p.sender != "${IBAN}"))`, '1 minted 2'],
    // A position among several rows is nobody's word.
    [`${FROM}[0].id`, 'P-1001 minted 2'],
    [`first(${FROM}).amount`, '20 minted 2'],
    [`${FROM}.sort(p, p.amount)[1].id`, 'P-1002 minted 2'],
    [`results.list[0].payments.filter(p, p.sender == "${OTHER}").map(p, p.amount)[0]`, 'unquoted'],
    // Neither the key nor its fields stand for what the contract does not bind.
    [`max(${FROM}.map(p, p.status))`, 'open unattested 2'],
  ])('%s is %s', (expression, expected) => {
    expect(outcome(said(expression))).toBe(expected)
  })

  it('a filter that reads what a stranger wrote leaves the outcome unattested', () => {
    const asked = run(`${ASK} Only those with "thanks".`, [{ value: whole(ROWS) }])
    const filter = `results.list[0].payments.filter(p, p.sender == "${IBAN}" && p.note == "thanks")`
    expect(outcome(asked(`sum(${filter}.map(p, p.amount))`))).toMatch(/^42.5 unattested/)
  })
})

describe('what singles out nothing', () => {
  const sum = `sum(${FROM}.map(p, p.amount))`
  const standing = (text: string, call: Partial<Said>): Standing | string => {
    const derived = run(text, [{ value: whole(ROWS), ...call }])(sum)
    return derived.ok ? derived.standing : derived.reason
  }
  it('a result of another question than the look-up for the key', () => {
    expect(standing(ASK, { input: { sender: IBAN, limit: '2' } })).toBe('unattested')
    expect(standing(ASK, { input: { sender: OTHER } })).toBe('unattested')
  })
  it('a key that the user did not say', () => {
    expect(standing('Add up "my" payments.', {})).toBe('unquoted')
  })
  it('a look-up of an earlier turn, which may have changed since', () => {
    expect(standing(ASK, { turn: 1 })).toBe('unattested')
  })
  it('a result that says it left something out', () => {
    const contract = { ...PAYMENTS, record: { ...PAYMENTS.record, complete: 'whole' } } as ToolContract
    expect(standing(ASK, { contract })).toBe('bound')
    expect(standing(ASK, { contract, value: whole(ROWS, { whole: false }) })).toBe('unattested')
    const cut = run(ASK, [{ contract, value: whole(ROWS, { whole: 'true' }) }])
    expect(outcome(cut('count(results.list[0].payments)'))).toBe('3 unattested')
  })
  it('an operator that the developer does not trust', () => {
    expect(standing(ASK, { contract: { ...PAYMENTS, operator: 'mallory' } })).toBe('unattested')
    const unknown = run(ASK, [{ value: whole(ROWS), contract: { ...PAYMENTS, operator: 'mallory' } }])
    expect(outcome(unknown('results.list[0].payments[0].id'))).toBe('P-1001 unattested')
  })
  it('a record with no look-up, and a look-up that throws', () => {
    const { lookup: _, ...record } = PAYMENTS.record as { lookup: unknown } & object
    expect(standing(ASK, { contract: { ...PAYMENTS, record } as unknown as ToolContract })).toBe('unattested')
    const lookup = (): never => {
      throw new Error('no')
    }
    expect(
      standing(ASK, { contract: { ...PAYMENTS, record: { ...record, lookup } } as unknown as ToolContract }),
    ).toBe('unattested')
  })
  it('a result that does not fit its contract', () => {
    const contract = {
      ...PAYMENTS,
      result: { ...PAYMENTS.result, 'payments.*.amount': attributed('payments.*.absent') },
    } as ToolContract
    expect(standing(ASK, { contract })).toBe('unattested')
    expect(outcome(run(ASK, [{ value: whole(ROWS), contract }])('results.list[0].payments[0].id'))).toBe(
      'P-1001 unattested',
    )
  })
  it('a result that carries labels of its own', () => {
    expect(standing(ASK, { carried: () => USER })).toBe('unattested')
  })
  it('a list inside free text, whatever it holds', () => {
    const value = {
      payments: [row('P-1', IBAN, 1, { note: { payments: [{ id: 'x', sender: IBAN, amount: 7 }] } as Json })],
      more: false,
      whole: true,
    }
    const said = run(ASK, [{ value }])
    expect(outcome(said('count(results.list[0].payments[0].note.payments)'))).toBe('1 unattested')
    expect(
      outcome(
        said(
          `sum(results.list[0].payments[0].note.payments.filter(p, p.sender == "${IBAN}").map(p, p.amount))`,
        ),
      ),
    ).toMatch(/unattested/)
  })
  it('a field name that is written to look like the place of another', () => {
    const value = {
      payments: [row('P-1001', IBAN, 20)],
      'payments","0","amount': 7,
      'payments\u00000\u0000amount': 8,
      more: false,
      whole: true,
    }
    const said = run(ASK, [{ value }])
    expect(outcome(said(String.raw`results.list[0]["payments\u00000\u0000amount"]`))).toBe('8 unattested')
    expect(outcome(said(String.raw`results.list[0]["payments\",\"0\",\"amount"]`))).toBe('7 unattested')
  })
})

describe('one record by its key', () => {
  const ACCOUNT: ToolContract = {
    effect: 'read',
    operator: 'bank',
    result: { '*.id': minted('event'), '*.subject': attributed(), '*.day': attributed() },
    record: { kind: 'event', at: '*', key: ['subject'], lookup: (subject) => ({ q: subject as string }) },
  }
  const events = [
    { id: 'ev-77812', subject: 'Rent', day: '2026-04-01' },
    { id: 'ev-90001', subject: 'Rent review', day: '2026-05-01' },
  ]
  const pick = 'results.find[0].pick(r, r.subject == "Rent")'
  const find = (contract: ToolContract, text = 'Move the event "Rent", please.') =>
    run(text, [{ value: events, tool: 'find', contract, input: { q: 'Rent' } }])

  it('binds its id, and no field that its key does not stand for', () => {
    expect(outcome(find(ACCOUNT)(`${pick}.id`))).toBe('ev-77812 bound 2')
    expect(outcome(find(ACCOUNT)(`${pick}.day`))).toBe('2026-04-01 unattested 2')
    expect(outcome(find(ACCOUNT)(`${pick}.subject`))).toBe('Rent bound 2')
  })
  it('is found by a key that repeats the question, since the question was the user’s', () => {
    const byCode = { ...ACCOUNT, result: { ...ACCOUNT.result, '*.subject': minted() } } as ToolContract
    expect(outcome(find(byCode)(`${pick}.id`))).toBe('ev-77812 bound 2')
    expect(outcome(find(byCode)(`${pick}.subject`))).toBe('Rent bound 2')
  })
  it('binds nothing where the field is no declared key, or was not quoted', () => {
    const byDay = { ...ACCOUNT, record: { ...ACCOUNT.record, key: ['day'] } } as ToolContract
    expect(outcome(find(byDay)(`${pick}.id`))).toBe('ev-77812 unattested 2')
    expect(outcome(find(ACCOUNT, 'Move the rent, please.')(`${pick}.id`))).toBe('unquoted')
  })
  it('binds nothing by half of a key', () => {
    const both = {
      ...ACCOUNT,
      record: { ...ACCOUNT.record, key: ['subject', 'day'], lookup: (q: string) => ({ q }) },
    } as ToolContract
    expect(outcome(find(both, 'Move "Rent" of 2026-04-01.')(`${pick}.id`))).toBe('ev-77812 minted 2')
    const full = 'results.find[0].pick(r, r.subject == "Rent" && r.day == "2026-04-01").id'
    expect(outcome(find(both, 'Move "Rent" of 2026-04-01.')(full))).toBe('ev-77812 bound 2')
  })
  it('is picked by an outsider’s second record of that name no more than by nobody', () => {
    const two = [...events, { id: 'ev-66666', subject: 'Rent', day: '2026-04-02' }]
    const said = run('Move the event "Rent".', [
      { value: two, tool: 'find', contract: ACCOUNT, input: { q: 'Rent' } },
    ])
    expect(outcome(said(`${pick}.id`))).toBe('type')
  })
})

describe('labels and order', () => {
  it('a result that an outsider selected carries their label, though no outsider wrote it', () => {
    const derived = run(ASK, [{ value: whole(ROWS) }])('results.list[0].payments[0].id')
    expect(derived).toMatchObject({ label: { authors: ['anyone'] } })
    const own = run(ASK, [{ value: { whole: true }, cause: USER }])('results.list[0].whole')
    expect(own).toMatchObject({ standing: 'minted', label: { authors: ['operator:bank', 'user:alice'] } })
  })
  it('a minted field that repeats what the model said is nobody’s', () => {
    const said = run('Hello.', [{ value: whole([row('P-6666', OTHER, 1)]), input: { sender: 'P-6666' } }])
    expect(outcome(said('results.list[0].payments[0].id'))).toBe('P-6666 unattested')
  })
  it('results are numbered by tool, and what was derived is not among them', () => {
    const said = run(ASK, [
      { value: { whole: true } },
      { value: 4711, tool: 'derive', contract: { effect: 'read', carriesLabels: true } },
      { value: { whole: false } },
    ])
    expect(outcome(said('results.list[1].whole'))).toMatch(/^false/)
    expect(outcome(said('results.derive[0]'))).toBe('absent')
  })
  it('a look-up by another contract of the kind counts if its key is the same, and not else', () => {
    const record = [
      { kind: 'payment', at: 'payments', key: ['sender'], binds: ['amount'] },
      { kind: 'payment', at: 'payments', key: ['id'], lookup: (id: string) => ({ sender: id }) },
    ]
    const contract = { ...PAYMENTS, record } as unknown as ToolContract
    expect(outcome(run(ASK, [{ value: whole(ROWS), contract }])(`sum(${FROM}.map(p, p.amount))`))).toMatch(
      /unattested/,
    )
    const same = [record[0], { ...record[0], binds: ['id'], lookup: (sender: string) => ({ sender }) }]
    const sum = run(ASK, [
      { value: whole(ROWS), contract: { ...PAYMENTS, record: same } as unknown as ToolContract },
    ])
    expect(outcome(sum(`sum(${FROM}.map(p, p.amount))`))).toBe('42.5 bound 2')
  })
})

describe('literals', () => {
  const trusted = createTrustedIndex(WRITING)
  trusted.add(
    `Pay $12.50 for "Blue Lamp" to bob@example.org by 2026-04-01, ref INV-2231, 15% off.`,
    { chunk: 1, turn: 3 },
    WRITING,
  )
  trusted.addConstant('EUR-ACCOUNT', { chunk: 2 })
  const literal = literalIn(trusted, USER, STRANGER)
  it.each<[string | number, Standing]>([
    [12.5, 'quoted'],
    [15, 'quoted'],
    ['Blue Lamp', 'quoted'],
    ['bob@example.org', 'quoted'],
    ['2026-04-01', 'quoted'],
    ['INV-2231', 'quoted'],
    ['EUR-ACCOUNT', 'quoted'],
    [2231, 'unattested'],
    ['off', 'unattested'],
    ['Lamp', 'unattested'],
    [13, 'unattested'],
  ])('%j is %s', (value, standing) => {
    expect(literal(value)).toMatchObject({ standing, label: standing === 'quoted' ? USER : STRANGER })
  })
  it('a constant of the developer does not age a value', () => {
    const scope = {
      results: {},
      literal: (value: string | number) => ({
        standing: 'quoted' as const,
        label: USER,
        turn: value === 2 ? -1 : 5,
      }),
      today: '2026-03-30',
      timeZone: 'UTC',
    }
    expect(derive('2 * 7', scope)).toMatchObject({ value: 14, turn: 5 })
    expect(derive('2', scope)).toMatchObject({ turn: -1 })
  })
})

describe('whatever outsiders add', () => {
  const RANK: Record<Standing, number> = { quoted: 0, bound: 1, minted: 2, unattested: 3 }
  const stranger = fc.record({
    id: fc.constantFrom('P-1001', 'P-6666', IBAN, 'open'),
    sender: fc.oneof(
      fc.constantFrom(OTHER, `${IBAN} `, IBAN.toLowerCase(), `x${IBAN}`, '', 'open'),
      fc.string({ maxLength: 5 }),
    ),
    amount: fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.nat(2000),
      fc.constantFrom(20, 21, 22.5),
    ),
    booked: fc.constantFrom('2026-03-01T00:00:00Z', '2027-01-01T00:00:00Z'),
    status: fc.constantFrom('open', 'closed'),
    note: fc.oneof(fc.string({ maxLength: 8 }), fc.constant({ payments: [{ sender: IBAN, amount: 1 }] })),
  })
  const own = fc.array(fc.record({ amount: fc.nat(3000), status: fc.constantFrom('open', 'closed') }), {
    minLength: 1,
    maxLength: 4,
  })
  const test = fc.constantFrom(
    '',
    ' && p.amount > 21',
    ' && p.status == "open"',
    ' && !(p.status == "open")',
    ' && p.note == "open"',
  )
  const list = test.map((more) => `results.list[0].payments.filter(p, p.sender == "${IBAN}"${more})`)
  const keyed = fc.oneof(
    list.map((of) => `sum(${of}.map(p, p.amount))`),
    list.map((of) => `count(${of})`),
    list.map((of) => `max(${of}.map(p, p.amount)) - min(${of}.map(p, p.booked))`),
    list.map((of) => `min(${of}.map(p, p.amount))`),
    list.map((of) => `last(${of}.sort(p, p.amount)).id`),
    list.map((of) => `first(${of}).id`),
    list.map((of) => `${of}[1].amount`),
    test.map((more) => `results.list[0].payments.pick(p, p.sender == "${IBAN}"${more}).id`),
  )
  const open_ = fc.constantFrom(
    'count(results.list[0].payments)',
    'sum(results.list[0].payments.map(p, p.amount))',
    'max(results.list[0].payments.map(p, p.booked))',
    'results.list[0].payments[0].id',
    'results.list[0].payments[0].amount',
    'results.list[0].payments[1].sender',
    'last(results.list[0].payments).amount',
    'count(results.list[0].payments.filter(p, p.amount > 21))',
    'results.list[0].payments.pick(p, p.status == "open").id',
    'results.list[0].whole',
  )
  const world = fc.record({
    mine: own,
    theirs: fc.array(stranger, { minLength: 1, maxLength: 6 }),
    order: fc.array(fc.nat(100), { minLength: 6, maxLength: 6 }),
  })
  const rows = (mine: readonly { amount: number; status: string }[]): Json[] =>
    mine.map(({ amount, status }, i) => row(`P-200${i}`, IBAN, amount, { status }))
  const mixed = (base: readonly Json[], theirs: readonly Json[], order: readonly number[]): Json[] => {
    const out = [...base]
    theirs.forEach((one, i) => out.splice((order[i] ?? 0) % (out.length + 1), 0, one))
    return out
  }

  it('rows with other keys change no attested value of a set chosen by its key', () => {
    let attested = 0
    fc.assert(
      fc.property(keyed, world, (expression, { mine, theirs, order }) => {
        const base = rows(mine)
        const before = run(ASK, [{ value: whole(base) }])(expression)
        const after = run(ASK, [{ value: whole(mixed(base, theirs as Json[], order)) }])(expression)
        if (!after.ok || RANK[after.standing] > RANK.bound) return true
        attested += 1
        return (
          before.ok &&
          Object.is(before.value, after.value) &&
          before.standing === after.standing &&
          before.turn === after.turn
        )
      }),
      { numRuns: 400 },
    )
    expect(attested).toBeGreaterThan(50)
  })

  it('rows, results and other tools never improve how an expression stands', () => {
    const broken = fc.check(
      fc.property(
        fc.oneof(keyed, open_),
        world,
        fc.boolean(),
        (expression, { mine, theirs, order }, inside) => {
          const base = rows(mine)
          const foreign: Said = { value: theirs as Json, tool: 'search', contract: { effect: 'read' } }
          const before = run(ASK, [{ value: whole(base) }])(expression)
          const value = inside ? whole(mixed(base, theirs as Json[], order)) : whole(base)
          const after = run(ASK, [
            foreign,
            { value },
            { ...foreign, tool: 'list2' },
            { value: whole(theirs as Json[]) },
          ])(expression)
          return !before.ok || !after.ok || RANK[after.standing] >= RANK[before.standing]
        },
      ),
      { numRuns: 400 },
    )
    expect(broken.counterexample).toBeNull()
  })
})
