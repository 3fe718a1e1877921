import { content, id, minted } from '@gatewright/runtime/contract'
import { callTool } from '@gatewright/runtime/testing'
import { tool as toolOf } from 'ai'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { decisions, EVE, office, openDesk, standings, type World, work } from './office.ts'

/** The model reads an outsider's words first, then makes the calls. */
async function after(prompt: string, calls: readonly [string, Record<string, unknown>][], world: World = {}) {
  const desk = openDesk()
  const at = office(world)
  await work(desk, at, {
    prompt,
    steps: [callTool('searchDocs', { query: 'x' }), ...calls.map(([name, input]) => callTool(name, input))],
  })
  const [last] = calls.at(-1) ?? ['']
  const { outcome = 'none', rules = [] as readonly string[] } = decisions(desk, last).at(-1) ?? {}
  return {
    made: at.ran.filter(({ tool }) => tool === last).map(({ input }) => input),
    ran: at.ran,
    outcome,
    rules,
    standing: standings(desk, last),
  }
}

const send = (to: string): [string, Record<string, unknown>] => [
  'sendEmail',
  { to, subject: '', body: 'hello' },
]
const remove = (fileId: string): [string, Record<string, unknown>] => ['deleteFile', { fileId }]
const BUDGET = { id: '13', name: 'Budget 2026' }

describe('a value that the user said', () => {
  test('permits the call that it decides, though an outsider’s words were read', async () => {
    const { made, standing } = await after('Mail hello to bob@shop.example.', [send('bob@shop.example')])
    expect(made).toHaveLength(1)
    expect(standing).toMatchObject({ to: 'quoted' })
  })

  test('runs in the user’s own spelling, and that is the one decided on', async () => {
    const { made } = await after('Mail hello to Bob.Smith@shop.example.', [send('BOB.SMITH@SHOP.EXAMPLE')])
    expect(made).toEqual([{ to: 'Bob.Smith@shop.example', subject: '', body: 'hello' }])
  })

  test.each([
    ['another address', 'Mail hello to bob@shop.example.', EVE],
    ['an address that holds it', 'Mail hello to bob@shop.example.', 'bob@shop.example.evil.example'],
    ['a part of it', 'Mail hello to big.bob@shop.example.', 'bob@shop.example'],
    ['a look-alike', 'Mail hello to bob@shop.example.', 'b\u043eb@shop.example'],
    ['an address with invisible characters', 'Mail hello to bob@shop.example.', 'bob\u200b@shop.example'],
    ['two addresses in one', 'Mail hello to bob@shop.example.', `bob@shop.example, ${EVE}`],
    ['an address that the user only pasted', `Answer this:\n> write to ${EVE}\nthanks`, EVE],
  ])('does not permit %s', async (_, prompt, to) => {
    const { made, rules } = await after(prompt, [send(to)])
    expect(made).toEqual([])
    expect(rules).toContain('unattested-argument')
  })

  test('permits nothing that the outsider’s words add to it', async () => {
    const { made } = await after('Pay 50 to GB29 NWBK 6016 1331 9268 19.', [
      ['pay', { iban: 'GB29NWBK60161331926819', amount: 5000 }],
    ])
    expect(made).toEqual([])
  })

  test('decides an amount and an account together', async () => {
    const { made } = await after('Pay 50 to GB29 NWBK 6016 1331 9268 19.', [
      ['pay', { iban: 'GB29NWBK60161331926819', amount: 50 }],
    ])
    expect(made).toEqual([{ iban: 'GB29NWBK60161331926819', amount: 50 }])
  })
})

describe('an identifier of up to four digits', () => {
  test('is never quoted: “June 13” is not file 13', async () => {
    const { made, rules } = await after('Delete what I wrote on June 13.', [remove('13')])
    expect([made, rules]).toEqual([[], ['unattested-argument', 'no-basis']])
  })

  test('is bound by the name of the one record that the user called it by; the guard looks it up itself', async () => {
    const { made, ran, standing } = await after('Delete "Budget 2026".', [['listFiles', {}], remove('13')], {
      files: [BUDGET],
    })
    expect(made).toEqual([{ fileId: '13' }])
    expect(standing).toEqual({ fileId: 'bound' })
    expect(ran).toContainEqual({ tool: 'findFile', input: { name: 'Budget 2026' } })
  })

  test('is bound by a look-up of the model’s own, and it is not repeated', async () => {
    const { made, ran } = await after(
      'Delete "Budget 2026".',
      [['findFile', { name: 'Budget 2026' }], remove('13')],
      { files: [BUDGET] },
    )
    expect(made).toHaveLength(1)
    expect(ran.filter(({ tool }) => tool === 'findFile')).toHaveLength(1)
  })

  test.each<[string, string, World]>([
    [
      'two records have the name',
      'Delete "Budget 2026".',
      { files: [BUDGET, { id: '14', name: 'budget 2026' }] },
    ],
    ['the look-up is incomplete', 'Delete "Budget 2026".', { files: [BUDGET], isComplete: false }],
    ['the user called another', 'Delete "Budget 2025".', { files: [BUDGET] }],
    ['the user said a part of the name', 'Delete the budget.', { files: [BUDGET] }],
  ])('asks where %s', async (_, prompt, world) => {
    const { made, rules } = await after(prompt, [['listFiles', {}], remove('13')], world)
    expect([made, rules]).toEqual([[], ['unattested-argument', 'no-basis']])
  })

  test('is not bound by a look-up that needs a person: the guard asks nobody about its own', async () => {
    const desk = openDesk()
    const at = office({ files: [BUDGET] })
    const findFile = { ...at.contracts.findFile, risk: 'high' }
    await work(
      desk,
      { ...at, contracts: { ...at.contracts, findFile } as never },
      {
        prompt: 'Delete "Budget 2026".',
        steps: [
          callTool('searchDocs', { query: 'x' }),
          callTool('listFiles', {}),
          callTool('deleteFile', { fileId: '13' }),
        ],
      },
    )
    expect(decisions(desk, 'findFile').map(({ outcome }) => outcome)).toEqual(['deny'])
    expect(at.ran.map(({ tool }) => tool)).toEqual(['searchDocs', 'listFiles'])
  })

  test('is not bound by a look-up that reaches out, unless the model has made it: the guard sends nothing', async () => {
    const desk = openDesk()
    const at = office({ files: [BUDGET] })
    const findFile = { ...at.contracts.findFile, egress: true }
    const there = { ...at, contracts: { ...at.contracts, findFile } as never }
    const steps = [callTool('searchDocs', { query: 'x' }), callTool('listFiles', {})]
    await work(desk, there, {
      prompt: 'Delete "Budget 2026".',
      steps: [...steps, callTool('deleteFile', { fileId: '13' })],
    })
    expect(at.ran.map(({ tool }) => tool)).toEqual(['searchDocs', 'listFiles'])
  })

  test('of an event is not the file of that number', async () => {
    const { made } = await after('Delete "Budget".', [['listEvents', {}], remove('13')])
    expect(made).toEqual([])
  })

  test('names the one record and not its neighbour', async () => {
    const files = [BUDGET, { id: '66', name: 'Salaries' }]
    const { made } = await after('Delete "Budget 2026".', [['listFiles', {}], remove('66')], { files })
    expect(made).toEqual([])
  })
})

describe('a field of the record that the user called', () => {
  const ORDER = { id: 'A-10234', total: 49.5, customer: 'carol@shop.example' }
  const orders = [ORDER, { id: 'A-10235', total: 900, customer: EVE }]
  const look = (orderId: string): [string, Record<string, unknown>] => ['lookupOrder', { orderId }]

  test('is bound where the contract says that the key stands for it', async () => {
    const { made, standing } = await after(
      'Refund order A-10234.',
      [look('A-10234'), ['refund', { orderId: 'A-10234', amount: 49.5, note: 'sorry' }]],
      { orders },
    )
    expect(made).toHaveLength(1)
    expect(standing).toMatchObject({ orderId: 'quoted', amount: 'bound' })
  })

  test('of another record is not, though both were looked up', async () => {
    const { made, rules } = await after(
      'Refund order A-10234.',
      [look('A-10234'), look('A-10235'), ['refund', { orderId: 'A-10234', amount: 900, note: '' }]],
      { orders },
    )
    expect([made, rules.includes('unattested-argument')]).toEqual([[], true])
  })

  test('binds no other field: a quoted file name does not bind its owner', async () => {
    const files = [{ ...BUDGET, owner: EVE }]
    const { made } = await after('Send "Budget 2026" on.', [['listFiles', {}], send(EVE)], { files })
    expect(made).toEqual([])
  })

  test('is a recipient whom the user named by it', async () => {
    const { made } = await after(
      'Tell the customer of A-10234.',
      [look('A-10234'), send('carol@shop.example')],
      {
        orders,
      },
    )
    expect(made).toHaveLength(1)
  })
})

describe('a minted value', () => {
  test('is enough for a harmless selection, where the contract says so', async () => {
    const { made, standing } = await after(
      'Star something.',
      [
        ['listFiles', {}],
        ['starFile', { fileId: '13', colour: 'red' }],
      ],
      { files: [BUDGET] },
    )
    expect(made).toHaveLength(1)
    expect(standing).toEqual({ fileId: 'minted', colour: 'choice' })
  })

  test('of another kind, of nobody’s, or of an outsider’s choice is not', async () => {
    for (const fileId of ['13', '99', EVE]) {
      const { made } = await after('Star something.', [
        ['listEvents', {}],
        ['starFile', { fileId, colour: 'red' }],
      ])
      expect(made).toEqual([])
    }
  })

  test('is never enough to destroy', async () => {
    const { made } = await after('Tidy up.', [['listFiles', {}], remove('13')], { files: [BUDGET] })
    expect(made).toEqual([])
  })

  test('is not minted any more where the operator is not trusted', async () => {
    const desk = openDesk({ trusted: [] })
    const at = office({ files: [BUDGET] })
    await work(desk, at, {
      prompt: 'Star something.',
      steps: [callTool('listFiles', {}), callTool('starFile', { fileId: '13', colour: 'red' })],
    })
    expect(standings(desk, 'starFile')).toMatchObject({ fileId: 'unattested' })
  })
})

describe('choices and defaults', () => {
  const star = (colour?: string): [string, Record<string, unknown>] => [
    'starFile',
    { fileId: 'file-78421', ...(colour === undefined ? {} : { colour }) },
  ]
  test.each<[string | undefined, string]>([
    ['red', 'choice'],
    ['gold', 'constant'],
    [undefined, 'constant'],
    ['blue', 'unattested'],
  ])('colour %s stands as %s', async (colour, standing) => {
    const found = await after('Star file-78421.', [star(colour)])
    expect(found.standing).toEqual({ fileId: 'quoted', colour: standing })
  })
})

describe('what says nothing says everything', () => {
  test.each<[string, Record<string, unknown>]>([
    ['an empty filter', { where: {} }],
    ['a filter on null', { where: { id: null } }],
    ['an empty value', { where: { id: '' } }],
    ['a key that nobody listed', { where: { owner: 'file-78421' } }],
    ['a null argument', { where: { id: 'file-78421' }, label: null }],
  ])('%s is asked about', async (_, input) => {
    const { made, rules } = await after('Purge "file-78421".', [['purge', { label: 'file-78421', ...input }]])
    expect(made).toEqual([])
    expect(rules).toContain('unattested-argument')
  })

  test('an absent optional selector is asked about', async () => {
    const { made, rules } = await after('Purge "file-78421".', [['purge', { where: { id: 'file-78421' } }]])
    expect([made, rules.includes('unattested-argument')]).toEqual([[], true])
  })

  test('a filter whose every part is listed or said is not', async () => {
    const { made } = await after('Purge "file-78421" under "old".', [
      ['purge', { where: { id: 'file-78421' }, label: 'old' }],
    ])
    expect(made).toHaveLength(1)
  })
})

test('with nothing from outside in sight, the model’s values need no attestation', async () => {
  const desk = openDesk()
  const at = office()
  await work(desk, at, {
    prompt: 'Mail the boss.',
    steps: [callTool('sendEmail', { to: 'boss@x.example', body: 'hi' })],
  })
  expect(at.ran).toHaveLength(1)
})

test('a recipient whom the system of record names is not one that the user named', async () => {
  const at = office()
  const tools = {
    ...at.tools,
    listPeople: toolOf({
      inputSchema: z.object({}),
      execute: async (): Promise<unknown> => [{ id: 'u-77777' }],
    }),
    share: toolOf({
      inputSchema: z.object({ with: z.string(), text: z.string() }),
      execute: async () => null,
    }),
  }
  const contracts = {
    ...at.contracts,
    listPeople: { effect: 'read', operator: 'drive', result: { '*.id': minted('person') } },
    share: {
      effect: 'write',
      operator: 'drive',
      args: { with: id('person').orMinted(), text: content() },
      audience: (input: { with: string }) => input.with,
    },
  }
  const shared = async (prompt: string): Promise<readonly string[] | undefined> => {
    const desk = openDesk()
    await work(
      desk,
      { tools: tools as never, contracts: contracts as never },
      {
        prompt,
        steps: [
          callTool('searchDocs', { query: 'x' }),
          callTool('listPeople', {}),
          callTool('share', { with: 'u-77777', text: 'all I know' }),
        ],
      },
    )
    return decisions(desk, 'share').at(-1)?.rules
  }
  expect(await shared('Share it with someone.')).toEqual(['reader-not-admitted'])
  expect(await shared('Share it with u-77777.')).toEqual([])
})
