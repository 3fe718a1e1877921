import { describe, expect, it } from 'vitest'
import { label, readableBy } from '../label/label.ts'
import { join } from '../label/join.ts'
import type { Json } from '../json/plain.ts'
import { type DeriveScope, type Footing, type Standing, derive } from './derive.ts'

const USER = label(['user:alice'], [readableBy(['user:alice'], false)])
const SHOP = label(['operator:shop'])
const STRANGER = label(['anyone'])

type Stands = (text: string) => Partial<Footing> | undefined

function scopeOf(
  results: Record<string, Json[]>,
  quoted: (string | number)[] = [],
  stands: Stands = () => undefined,
): DeriveScope {
  const footing = (text: string): Footing => ({ standing: 'bound', label: SHOP, turn: 3, ...stands(text) })
  const operands = Object.entries(results).map(([tool, values]) => [
    tool,
    values.map((value) => ({
      value,
      leaf: (place: readonly (string | number)[]) => footing(place.join('.')),
      membership: (place: readonly (string | number)[]) => footing(`${place.join('.')}[]`),
    })),
  ])
  return {
    results: Object.fromEntries(operands) as DeriveScope['results'],
    literal: (value) =>
      quoted.includes(value)
        ? { standing: 'quoted', label: USER, turn: 3 }
        : { standing: 'unattested', label: STRANGER, turn: 0 },
    today: '2026-03-30',
    timeZone: 'Europe/Zurich',
  }
}

const ORDER = {
  id: 'A-1',
  total: 12.1,
  shipping: 0.2,
  placed: '2026-03-28T23:30:00Z',
  customer: { name: 'Ann' },
}
const ORDERS = {
  orders: [
    { id: 'A-1', total: 30, status: 'open', placed: '2026-03-01', paid: null },
    { id: 'A-2', total: 10.05, status: 'paid', placed: '2026-01-15', paid: '2026-01-16' },
    { id: 'A-3', total: 20.1, status: 'open', placed: '2026-02-10', paid: null },
  ],
}
const results = { order: [ORDER], list: [ORDERS] }

const valueOf = (expression: string, quoted: (string | number)[] = []): unknown => {
  const derived = derive(expression, scopeOf(results, quoted))
  return derived.ok ? derived.value : derived.reason
}

describe('what can be computed', () => {
  const given = ['open', 20, 0.5, 3, 30, 14, 100, '2026-02-01']
  it.each<[string, unknown]>([
    ['results.order[0].total', 12.1],
    ['results["order"][0]["customer"].name', 'Ann'],
    ['results.order[0].total + results.order[0].shipping', 12.3],
    ['-results.order[0].shipping', -0.2],
    ['abs(results.order[0].shipping - results.order[0].total)', 11.9],
    ['results.order[0].total * 0.5', 6.05],
    ['round(results.order[0].total * 0.5, 1)', 6.1],
    ['round(results.order[0].total / 3, 2)', 4.03],
    ['100 / results.list[0].orders[0].total', 100 / 30],
    ['sum(results.list[0].orders.map(o, o.total))', 60.15],
    ['results.list[0].orders.map(o, o.total).sum()', 60.15],
    ['sum(results.list[0].orders.filter(o, o.status == "open").map(o, o.total))', 50.1],
    ['count(results.list[0].orders)', 3],
    ['size(results.list[0].orders.filter(o, o.total > 20 && !(o.status != "open")))', 2],
    ['results.list[0].orders.pick(o, 20 < o.total && o.total < 30).id', 'A-3'],
    ['min(results.list[0].orders.map(o, o.total))', 10.05],
    ['max(results.list[0].orders.map(o, o.placed))', '2026-03-01'],
    ['max(results.list[0].orders.map(o, o.total)) - min(results.list[0].orders.map(o, o.total))', 19.95],
    ['min(results.order[0].total, 20)', 12.1],
    ['results.list[0].orders.sort(o, o.placed)[0].id', 'A-2'],
    ['last(results.list[0].orders.sort(o, o.placed)).id', 'A-1'],
    ['first(sort(results.list[0].orders.map(o, o.total)))', 10.05],
    ['results.list[0].orders.filter(o, date(o.placed) >= addDays(today, -30)).map(o, o.id)[0]', 'A-1'],
    ['count(results.list[0].orders.filter(o, o.placed < date("2026-02-01")))', 1],
    ['results.list[0].orders.filter(o, o.paid != "open")[0].id', 'A-1'],
    // 23:30 UTC is the next day in Zurich.
    ['date(results.order[0].placed)', '2026-03-29'],
    ['addDays(results.list[0].orders[2].placed, 30)', '2026-03-12'],
    ['addDays(today, -30)', '2026-02-28'],
    ['daysBetween(results.order[0].placed, today)', 1],
    ['results.list[0].orders[0].paid', null],
  ])('%s is %j', (expression, value) => {
    expect(valueOf(expression, given)).toEqual(value)
  })
})

describe('what is refused', () => {
  const given = ['open', 1, 2, 3, 30]
  const total = 'results.order[0].total'
  const shipping = 'results.order[0].shipping'
  it.each<[string, string]>([
    ['1 +', 'syntax'],
    ['\u0000', 'syntax'],
    ['[1, 2]', 'forbidden'],
    ['sum([1, 2])', 'forbidden'],
    ['{"a": 1}', 'forbidden'],
    [`${total} > 3 ? ${total} : ${shipping}`, 'forbidden'],
    [`${total} > 3`, 'forbidden'],
    [`3 in results.list[0].orders`, 'forbidden'],
    [`${total} % 3`, 'forbidden'],
    ['1u', 'forbidden'],
    ['true', 'forbidden'],
    ['b"x"', 'forbidden'],
    ['string(1)', 'forbidden'],
    ['"a".matches("a")', 'forbidden'],
    ['results.list[0].orders.all(o, o.total > 3)', 'forbidden'],
    ['results.list[0].orders.map(o, o.total * 2)', 'forbidden'],
    ['results.list[0].orders.map(o, o.total > 3, o.total)', 'forbidden'],
    ['results.list[0].orders.filter(o, o.total > o.total)', 'forbidden'],
    [`results.list[0].orders.filter(o, o.total > ${shipping})`, 'forbidden'],
    ['results.list[0].orders.filter(o, o.total > 1 + 2)', 'forbidden'],
    ['results.list[0].orders.filter(o, true)', 'forbidden'],
    ['results.list[0].orders.filter(results, results.total > 1)', 'forbidden'],
    [`results.list[0].orders[${total}]`, 'forbidden'],
    ['results.list[0].orders[-1]', 'forbidden'],
    ['results.order.total', 'forbidden'],
    ['results', 'forbidden'],
    ['today.x', 'absent'],
    [`${total} * 2 * 3`, 'forbidden'],
    [`${total} * 2 + ${shipping} / 3`, 'forbidden'],
    [`${total} * ${shipping}`, 'forbidden'],
    [`${total} / ${total} + ${total} / ${total}`, 'forbidden'],
    [`round(${total}, 9)`, 'forbidden'],
    [`round(round(${total}, 1), 0)`, 'forbidden'],
    [`addDays(today, count(results.list[0].orders))`, 'forbidden'],
    ['sum()', 'forbidden'],
    [`${total} + ${total}`, 'reused'],
    [`${total} - ${total}`, 'reused'],
    ['1 + 1', 'reused'],
    ['1 + 2 - -1.0', 'reused'],
    [`${total} * 3 + 3`, 'reused'],
    [`addDays(addDays(today, 30), 30)`, 'reused'],
    ['count(results.list[0].orders) + count(results.list[0].orders)', 'reused'],
    ['sum(results.list[0].orders.map(o, o.total)) + results.list[0].orders[1].total', 'reused'],
    [`${total} * 7`, 'unquoted'],
    ['results.list[0].orders.filter(o, o.status == "paid")', 'unquoted'],
    ['results.list[0].orders.filter(o, o.placed > addDays(today, -7))', 'unquoted'],
    [`${total} / 0`, 'unquoted'],
    [`${total} + results.order[0].id`, 'type'],
    ['"a" + "b"', 'type'],
    ['results.order[0].id + results.order[0].customer.name', 'type'],
    ['date(results.order[0].id)', 'type'],
    ['sum(results.order[0].total)', 'type'],
    ['results.list[0].orders.filter(o, o.status == 3)', 'type'],
    ['results.list[0].orders.filter(o, o.id > "open")', 'type'],
    ['results.list[0].orders.pick(o, o.status == "open")', 'type'],
    ['results.list[0].orders', 'not-a-leaf'],
    ['results.order[0].customer', 'not-a-leaf'],
    ['"open"', 'not-a-leaf'],
    ['results.list[0].orders[3].id', 'absent'],
    ['results.order[1].total', 'absent'],
    ['results.refund[0].total', 'absent'],
    ['first(results.list[0].orders.filter(o, o.total > 30))', 'absent'],
    ['results.list[0].orders.map(o, o.absent)', 'absent'],
    ['results.constructor[0]', 'absent'],
    ['results.__proto__[0]', 'absent'],
    ['results.order[0].constructor', 'absent'],
    ['results.order[0].__proto__', 'absent'],
    ['results.order[0].toString', 'absent'],
    ['results.list[0].orders.length', 'absent'],
    ['results.order[0].id[0]', 'absent'],
    ['addDays(addDays(today, 100000), 99999) + 1', 'type'],
  ])('%s: %s', (expression, reason) => {
    expect(valueOf(expression, given)).toBe(reason)
  })

  it('a quotient by a zero is refused', () => {
    expect(derive('10 / results.t[0].x', scopeOf({ t: [{ x: 0 }] }, [10]))).toMatchObject({
      reason: 'arithmetic',
    })
  })

  it('a date outside the years 1 to 9999 is refused', () => {
    const scope = scopeOf({ t: [{ x: '9999-12-31' }] }, [1])
    expect(derive('addDays(results.t[0].x, 1)', scope)).toMatchObject({ reason: 'arithmetic' })
  })

  it('an own field named constructor reads as absent', () => {
    const json = JSON.parse('{"constructor": 5, "prototype": 6}') as Json
    expect(derive('results.t[0].constructor', scopeOf({ t: [json] }))).toMatchObject({ reason: 'absent' })
    expect(derive('results.t[0].prototype', scopeOf({ t: [json] }))).toMatchObject({ reason: 'absent' })
  })

  it('a message for the model holds no value of a result or of the expression', () => {
    const secret = { s: 'hunter2', n: 4711, list: [{ s: 'hunter2' }] }
    const expressions = [
      'results.t[0].s + 1',
      'results.t[0].hunter2',
      'date(results.t[0].s)',
      'hunter2(',
      'hunter2',
      'hunter2(1)',
    ]
    for (const expression of expressions) {
      const derived = derive(expression, scopeOf({ t: [secret] }))
      expect(derived.ok).toBe(false)
      expect(derived.ok ? '' : derived.message).not.toMatch(/hunter2|4711/)
    }
  })
})

describe('one record read twice does not make two', () => {
  const again = { ...ORDER }
  it('its amount cannot be multiplied by calling the tool again', () => {
    const scope = scopeOf({ order: [ORDER, again], other: [{ found: again }] })
    expect(derive('results.order[0].total + results.order[1].total', scope)).toMatchObject({
      reason: 'reused',
    })
    expect(derive('results.order[0].total + results.other[0].found.total', scope)).toMatchObject({
      reason: 'reused',
    })
  })
  it('nor can its rows be counted twice', () => {
    const scope = scopeOf({ list: [ORDERS, ORDERS] })
    expect(derive('count(results.list[0].orders) + count(results.list[1].orders)', scope)).toMatchObject({
      reason: 'reused',
    })
  })
  it('two orders with one amount can be added, and so can equal lines of one order', () => {
    const scope = scopeOf({
      order: [ORDER, { ...ORDER, id: 'A-2' }],
      lines: [{ lines: [{ price: 5 }, { price: 5 }] }],
    })
    expect(derive('results.order[0].total + results.order[1].total', scope)).toMatchObject({ value: 24.2 })
    expect(derive('sum(results.lines[0].lines.map(l, l.price))', scope)).toMatchObject({ value: 10 })
  })
})

const minted: Stands = () => ({ standing: 'minted' })
const shippingOfTurnOne: Stands = (text) => (text === 'shipping' ? { turn: 1 } : undefined)
const rowsOfAcme: Stands = (text) => (text === 'orders[]' ? { label: label(['org:acme']) } : undefined)

const standing = (
  expression: string,
  weak: Record<string, Standing>,
  quoted: (string | number)[] = [],
): unknown => {
  const derived = derive(
    expression,
    scopeOf(results, quoted, (text) => weak[text] && { standing: weak[text] }),
  )
  return derived.ok ? derived.standing : derived.reason
}

describe('how the outcome stands', () => {
  it('a sum over bound amounts and bound rows is bound', () => {
    expect(standing('sum(results.list[0].orders.map(o, o.total))', {})).toBe('bound')
  })
  it('one unattested amount leaves a sum unattested', () => {
    expect(standing('sum(results.list[0].orders.map(o, o.total))', { 'orders.1.total': 'unattested' })).toBe(
      'unattested',
    )
  })
  it('an amount that max passed over counts', () => {
    expect(standing('max(results.list[0].orders.map(o, o.total))', { 'orders.1.total': 'minted' })).toBe(
      'minted',
    )
  })
  it('a field that a filter looked at counts, on the rows it dropped too', () => {
    const filter = 'results.list[0].orders.filter(o, o.status == "open")[0].id'
    expect(standing(filter, { 'orders.1.status': 'unattested' }, ['open'])).toBe('unattested')
    const both = 'results.list[0].orders.filter(o, o.status == "open" && o.total == 30)[0].id'
    expect(standing(both, { 'orders.1.total': 'unattested' }, ['open', 30])).toBe('unattested')
  })
  it('rows that an outsider could add make count, first and an index unattested', () => {
    for (const expression of [
      'count(results.list[0].orders)',
      'first(results.list[0].orders).id',
      'results.list[0].orders[1].id',
    ])
      expect(standing(expression, { 'orders[]': 'unattested' })).toBe('unattested')
  })
  it('picked from minted rows it is minted, never quoted', () => {
    expect(
      derive('results.list[0].orders.pick(o, o.total == 30).id', scopeOf(results, [30], minted)),
    ).toMatchObject({
      value: 'A-1',
      standing: 'minted',
      leaf: { tool: 'list', index: 0, place: ['orders', 0, 'id'] },
      turn: 3,
    })
  })
  it('a literal that the user never said leaves a sum unattested', () => {
    expect(standing('results.order[0].total + 2', {})).toBe('unattested')
    expect(standing('results.order[0].total + 2', {}, [2])).toBe('bound')
  })
  it('what an unread field says does not matter', () => {
    expect(standing('results.order[0].total', { shipping: 'unattested' })).toBe('bound')
  })

  it('its label joins every leaf read, the literals and the membership of the list', () => {
    const scope = scopeOf(results, ['open'], rowsOfAcme)
    const derived = derive('results.list[0].orders.filter(o, o.status == "open")[0].id', scope)
    expect(derived).toMatchObject({ label: join(join(SHOP, USER), label(['org:acme'])) })
  })
  it('its reads name each leaf and list once', () => {
    const derived = derive('max(results.list[0].orders.map(o, o.total))', scopeOf(results))
    expect(derived.ok && derived.reads.map(({ place }) => place.join('.'))).toEqual([
      'orders',
      'orders.0.total',
      'orders.1.total',
      'orders.2.total',
    ])
  })
  it('its turn is the oldest of what it leans on', () => {
    const at = scopeOf(results, [14], shippingOfTurnOne)
    expect(derive('results.order[0].total', at)).toMatchObject({ turn: 3 })
    expect(derive('results.order[0].total + results.order[0].shipping', at)).toMatchObject({ turn: 1 })
    expect(derive('addDays(today, 14)', at)).toMatchObject({ turn: 3, standing: 'quoted' })
    // Nobody asked for today as such: no basis for an irreversible effect.
    expect(derive('today', at)).toMatchObject({ value: '2026-03-30', turn: -1 })
  })
})
