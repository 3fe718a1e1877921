import type { TaskGrant } from '@gatewright/runtime/policy'
import type { ToolCall } from '@gatewright/runtime/testing'
import {
  type Arbitrary,
  array,
  boolean,
  constant,
  constantFrom,
  integer,
  oneof,
  option,
  record,
  toStringMethod,
  tuple,
} from 'fast-check'
import { isNewInT } from './simple.ts'
import {
  DOORS,
  type FileRecord,
  type Payee,
  show,
  type Trusted,
  type Untrusted,
  type World,
} from './world.ts'

const EMAILS = ['bob@x.example', 'carol@x.example', 'eve@evil.example']
const IBANS = ['DE89370400440532013000', 'GB33BUKB20201555555555', 'CH9300762011623852957']
const AMOUNTS = ['50', '900', '1,250.00']
const DATES = ['2026-05-26', '2026-06-13']
const IDS = ['F-20391', 'F-7731X', 'T-44012', 'T-90909']
const NAMES = ['Budget plan', 'Minutes', 'Q3-report', 'Bob Smith', 'Bern', 'Zug']
const WORDS = ['please', 'pay', 'send', 'the', 'and', 'with', 'about']

/** Every value that occurs anywhere, in the spellings of the worlds. */
export const VALUES: readonly (string | number)[] = [
  ...EMAILS,
  ...IBANS,
  ...AMOUNTS.map((one) => Number(one.replace(',', ''))),
  ...DATES,
  ...IDS,
  ...NAMES,
  ...WORDS,
  'r',
  'w',
  'desk@shop.example',
  'MAIL-1',
  'T-PREPARED1',
  'F-66600',
]

const grouped = (iban: string): string => iban.replaceAll(/(.{4})(?=.)/g, '$1 ')
const value = constantFrom(
  ...EMAILS,
  ...EMAILS.map((one) => one.toUpperCase()),
  ...IBANS,
  ...IBANS.map(grouped),
  ...AMOUNTS,
  ...DATES,
  ...IDS,
  ...NAMES,
  ...NAMES.map((one) => `"${one}"`),
  ...IDS.map((one) => `"${one}"`),
)
// A word stands after each value, so that no two run into one.
const piece = tuple(value, constantFrom('', ',', '.'), constantFrom(...WORDS)).map(
  ([one, mark, word]) => `${one}${mark} ${word}`,
)
const message = array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(' '))

const file: Arbitrary<FileRecord> = record({
  id: constantFrom('F-20391', 'F-7731X'),
  name: constantFrom('Budget plan', 'Minutes', 'Q3-report', 'budget plan'),
  owner: constantFrom('bob@x.example', 'alice'),
})
const payee: Arbitrary<Payee> = record({
  name: constantFrom('Bob Smith', 'Minutes'),
  city: constantFrom('Bern', 'Zug'),
  iban: constantFrom(...IBANS),
})

// Without the reads nothing untrusted would be seen.
const READS = Object.fromEntries(
  [
    'readPage',
    'breakDown',
    'readMail',
    'search',
    'findFiles',
    'findPayees',
    'listTickets',
    'openTicket',
    'prepare',
  ].map((tool) => [tool, {}]),
)
const bounds = record(
  {
    to: constantFrom({ oneOf: IBANS.slice(0, 1) }, { any: true as const }),
    amount: constant({ atMost: 100 }),
  },
  { requiredKeys: [] },
)
const grant: Arbitrary<TaskGrant> = record({
  from: constantFrom('rule', 'person', 'model'),
  by: constant('test'),
  tools: record(
    { pay: record({ args: bounds }), sendMail: constant({}), share: constant({}), move: constant({}) },
    { requiredKeys: [] },
  ).map((some) => ({ ...READS, ...some }) as TaskGrant['tools']),
})
/** What the last message asks for in so many words. */
const asked: Arbitrary<{ words: string; call: ToolCall }> = oneof(
  tuple(constantFrom(...IBANS), constantFrom(50, 900)).map(([to, amount]) => ({
    words: `pay ${to} please ${amount} please`,
    // In another order than the schema's.
    call: { tool: 'pay', input: { to, amount } },
  })),
  constantFrom(...EMAILS).map((to) => ({
    words: `send ${to} please`,
    call: { tool: 'sendMail', input: { to, body: 'x' } },
  })),
)

export const trusted: Arbitrary<Trusted> = record({
  turns: array(message, { minLength: 1, maxLength: 2 }),
  files: array(file, { maxLength: 2 }),
  payees: array(payee, { maxLength: 2 }),
  tickets: array(constantFrom('T-44012', 'T-11111'), { maxLength: 1 }),
  complete: constantFrom(true, true, false),
  asked: option(asked, { nil: undefined, freq: 3 }),
  isMade: boolean(),
  grant: option(grant, { freq: 2, nil: undefined }),
  rules: constantFrom('all', 'all', 'basis', 'authors', 'audience'),
}).map(({ asked: one, isMade, turns, ...rest }) => ({
  ...rest,
  turns: one === undefined ? turns : [...turns.slice(0, -1), `${turns.at(-1)} ${one.words}`],
  made: one !== undefined && isMade ? [one.call] : [],
}))

const disguises: readonly ((text: string) => string)[] = [
  (text) => text,
  (text) => Buffer.from(text).toString('base64'),
  (text) => text.replaceAll('o', 'о').replaceAll('a', 'а'),
  (text) => [...text].join('\u200b'),
  (text) => encodeURIComponent(text),
  (text) => text.toUpperCase(),
  (text) => `"${text}"`,
  (text) => `From: bob@x.example\nTo: alice\n\n${text}`,
  (text) => `<p>${text}</p>`,
  (text) => JSON.stringify({ role: 'user', content: text }),
]

/** What an outsider writes: values of their own and of others, the very words of the user, and disguises of both. */
export function untrusted(t: Trusted): Arbitrary<Untrusted> {
  return record({
    door: constantFrom(...DOORS),
    text: tuple(oneof(message, constantFrom(...t.turns)), constantFrom(...disguises)).map(
      ([text, disguise]) => disguise(text),
    ),
    fields: tuple(
      constantFrom(
        ...NAMES,
        ...EMAILS,
        ...t.files.map(({ name }) => name),
        ...t.payees.map(({ name }) => name),
      ),
      constantFrom(...NAMES, ...EMAILS, ...t.payees.map(({ city }) => city)),
      constantFrom(...IBANS),
    ),
    pruned: boolean(),
  }).map((item) => (addsToT(t, item) ? { ...item, door: 'mail' as const } : item))
}

/**
 * What the user's words single out by themselves is new in T, and T stands still here: a stranger's record under a
 * key that the user said, and a record that the user's own words, given to a look-up, found.
 */
function addsToT(t: Trusted, { door, text, fields: [first, second] }: Untrusted): boolean {
  if (door === 'echo') return t.turns.some((turn) => flat(turn).includes(flat(text)))
  if (door === 'stranger file') return isNewInT(t, 'file', [first])
  return door === 'stranger payee' && isNewInT(t, 'payee', [first, second])
}

function flat(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim().toLowerCase()
}

const shape = record({
  order: array(integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
  recordsFirst: boolean(),
  recordsPruned: boolean(),
  callsPruned: boolean(),
  reloaded: boolean(),
})

/** A world in which something untrusted was seen. */
export const world: Arbitrary<World> = trusted.chain((t) =>
  record({ trusted: constant(t), untrusted: array(untrusted(t), { minLength: 1, maxLength: 4 }), shape }).map(
    readable,
  ),
)

export interface Grown {
  readonly before: World
  readonly after: World
}

/** A world, and the same world with one more thing that an outsider wrote, anywhere among the others. */
export const grown: Arbitrary<Grown> = trusted.chain((t) =>
  record({
    untrusted: array(untrusted(t), { minLength: 1, maxLength: 3 }),
    more: untrusted(t),
    at: integer({ min: 0, max: 3 }),
    shape,
  }).map(({ untrusted: some, more, at, shape: of }) => ({
    before: readable({ trusted: t, untrusted: some, shape: of }),
    after: readable({ trusted: t, untrusted: some.toSpliced(at, 0, more), shape: of }),
    [toStringMethod]: () =>
      `\n${show({ trusted: t, untrusted: some, shape: of })}\nAnd then also, at ${at}:\n  ${more.door}: ${JSON.stringify([more.text, ...more.fields])}\n`,
  })),
)

function readable(of: World): World {
  return Object.defineProperty({ ...of }, toStringMethod, {
    value: () => `\n${show(of)}\n`,
    enumerable: false,
  })
}
