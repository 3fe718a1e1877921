import type { TaskGrant } from '@gatewright/runtime/policy'
import type { ToolCall } from '@gatewright/runtime/testing'
import type { Trusted } from './world.ts'

// A(T), by brute force and from T alone: a second, deliberately simple implementation of the rules, good for the
// few spellings that the generated worlds use. It shares no code with the guard.

type Value = string | number
interface Sink {
  readonly irreversible: boolean
  readonly args: Readonly<Record<string, { readonly type: string; readonly kind?: string }>>
}

export const SINKS: Readonly<Record<string, Sink>> = {
  pay: { irreversible: true, args: { to: { type: 'iban' }, amount: { type: 'money' } } },
  sendMail: { irreversible: true, args: { to: { type: 'email' } } },
  deleteFile: { irreversible: true, args: { file: { type: 'id', kind: 'file' } } },
  share: { irreversible: false, args: { file: { type: 'id', kind: 'file' }, role: { type: 'choice' } } },
  move: { irreversible: false, args: { ticket: { type: 'id', kind: 'ticket' }, day: { type: 'date' } } },
  rename: { irreversible: false, args: { title: { type: 'text' } } },
  prepare: { irreversible: false, args: {} },
}
const CONSTANT = 'desk@shop.example'

export type By = 'quoted' | 'bound' | 'minted' | 'choice' | 'constant'

/** Which rule attests a value of this argument, and in which turn it was last said. */
export function attests(
  t: Trusted,
  tool: string,
  path: string,
  value: Value,
): { by: By; turn: number } | undefined {
  const { type, kind } = SINKS[tool]?.args[path] ?? { type: 'none' }
  if (type === 'choice') return value === 'r' ? { by: 'choice', turn: 0 } : undefined
  const said = lastSaid(t, (text) => holds(text, type, value))
  if (said > 0) return { by: 'quoted', turn: said }
  if (tool === 'sendMail' && same('email', value, CONSTANT)) return { by: 'constant', turn: 0 }
  const bound = boundTurn(t, type, kind, value)
  if (bound > 0) return { by: 'bound', turn: bound }
  if (kind === 'ticket' && t.tickets.includes(String(value))) return { by: 'minted', turn: 0 }
  return undefined
}

/** Whether the rules let this whole call run after untrusted content, whatever that was. */
export function mayRun(t: Trusted, { tool, input }: ToolCall): boolean {
  const sink = SINKS[tool]
  if (sink === undefined) return false
  const found = Object.keys(sink.args).map((path) => attests(t, tool, path, input[path] as Value))
  if (found.includes(undefined)) return false
  if (t.grant !== undefined && !within(t.grant, tool, input)) return false
  if (t.rules === 'audience' && tool === 'sendMail' && input['to'] !== 'bob@x.example') return false
  if (!sink.irreversible) return true
  const bounds = t.grant?.from !== 'model' && t.grant?.tools[tool]?.args
  if (typeof bounds === 'object' && Object.keys(sink.args).every((path) => path in bounds)) return true
  if (t.rules === 'basis' && tool === 'pay' && Number(input['amount']) <= 100) return true
  const counted = found.filter((one) => one !== undefined && one.by !== 'choice' && one.by !== 'constant')
  return (
    counted.length > 0 &&
    counted.every((one) => one?.turn === t.turns.length && one.by !== 'minted') &&
    !t.made.some((made) => sameCall(made, { tool, input }))
  )
}

/** Whether two spellings are one value of the type. */
export function same(type: string, a: Value, b: Value): boolean {
  return canon(type, a) === canon(type, b)
}

/** Records that an outsider adds with a key that the user said, and that nobody trusted has, would be new in T. */
export function isNewInT(t: Trusted, kind: 'file' | 'payee', key: readonly string[]): boolean {
  const known =
    kind === 'file' ? t.files.map(({ name }) => [name]) : t.payees.map((one) => [one.name, one.city])
  const collides = known.some((own) => own.every((part, index) => fold(part) === fold(key[index] ?? '')))
  return !collides && key.every((part) => lastSaid(t, (text) => namesKey(text, part)) > 0)
}

function sameCall(a: ToolCall, b: ToolCall): boolean {
  if (a.tool !== b.tool) return false
  return Object.entries(SINKS[a.tool]?.args ?? {}).every(([path, { type }]) =>
    same(type, a.input[path] as Value, b.input[path] as Value),
  )
}

function within(grant: TaskGrant, tool: string, input: ToolCall['input']): boolean {
  const entry = grant.tools[tool]
  if (entry === undefined) return false
  return Object.entries(entry.args ?? {}).every(([path, bound]) => {
    const value = input[path]
    if ('any' in bound) return true
    return 'oneOf' in bound ? bound.oneOf.includes(value as Value) : Number(value) <= bound.atMost
  })
}

/** The turn in which the user singled out a record that has this value in a field that its key stands for. */
function boundTurn(t: Trusted, type: string, kind: string | undefined, value: Value): number {
  const said = (key: string): number => lastSaid(t, (text) => namesKey(text, key))
  const files = t.files
    .filter(() => t.complete && (kind === 'file' || type === 'text'))
    .filter(({ id }) => same(type, id, value))
    .filter(({ name }) => t.files.filter((other) => fold(other.name) === fold(name)).length === 1)
    .map(({ name }) => said(name))
  const payees = t.payees
    .filter(({ iban }) => (type === 'iban' || type === 'text') && same(type, iban, value))
    .filter(({ name, city }) => {
      const alike = t.payees.filter((one) => fold(one.name) === fold(name) && fold(one.city) === fold(city))
      return alike.length === 1
    })
    .map(({ name, city }) => Math.min(said(name), said(city)))
  return Math.max(0, ...files, ...payees)
}

function lastSaid(t: Trusted, says: (text: string) => boolean): number {
  return t.turns.findLastIndex(says) + 1
}

/** Whether a message holds a value as a whole token, or run of tokens, of its type. */
function holds(text: string, type: string, value: Value): boolean {
  const words = tokens(text)
  const [wanted, plain] = [canon(type, value), String(value)]
  switch (type) {
    case 'email':
      return words.some((word) => /^[\w.]+@[\w.]+$/.test(word) && canon(type, word) === wanted)
    case 'iban':
      return runs(words).some(
        (run) => /^(?:[A-Z]{2}\d{2}[A-Z0-9 ]{6,}|\d{5,34})$/.test(run) && canon(type, run) === wanted,
      )
    case 'money':
      return words.some((word) => /^\d[\d,]*(?:\.\d+)?$/.test(word) && canon(type, word) === wanted)
    case 'date':
      return words.some((word) => /^\d{4}-\d\d-\d\d$/.test(word) && word === wanted)
    case 'id': {
      if (quotations(text).includes(plain)) return true
      // An ordinary word is no identifier, unless it stands in quotation marks.
      if (plain.length < 5 || !/\d|\w[-.@]\w/.test(plain)) return false
      const loose = tokens(text.replaceAll(/"([^"]*)"/g, (_, inner: string) => spared(inner)))
      return loose.includes(plain)
    }
    default:
      return quotations(text).some((span) => fold(span) === wanted)
  }
}

/** A word of a longer quotation is no word of the message, but for identifiers. */
function spared(inner: string): string {
  return inner.includes(' ')
    ? tokens(inner)
        .filter((word) => word.length > 4 && /\d/.test(word))
        .join(' ')
    : inner
}

/** Whether a message says the key of a record: in quotation marks, as two words or more, or as no ordinary word. */
function namesKey(text: string, key: string): boolean {
  if (quotations(text).some((span) => fold(span) === fold(key))) return true
  if (['id', 'email', 'iban', 'date'].some((type) => holds(text, type, key))) return true
  const plain = text.replaceAll(/"([^"]*)"/g, (_, inner: string) => (inner.includes(' ') ? ' | ' : inner))
  const loose = ` ${fold(plain.replaceAll(/[.,](?= |$)/g, ''))} `
  return (key.includes(' ') || /\d/.test(key)) && loose.includes(` ${fold(key)} `)
}

function canon(type: string, value: Value): string {
  const text = String(value)
  if (type === 'email') return text.toLowerCase()
  if (type === 'iban') return text.replaceAll(' ', '').toUpperCase()
  if (type === 'money') return String(Number(text.replaceAll(',', '')))
  return type === 'text' ? fold(text) : text
}

function tokens(text: string): string[] {
  return text.split(/\s+/).map((word) => word.replaceAll(/^["',.;:!?(]+|["',.;:!?)]+$/g, ''))
}

function runs(words: readonly string[]): string[] {
  return words.flatMap((_, start) =>
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map((length) => words.slice(start, start + length).join(' ')),
  )
}

function quotations(text: string): string[] {
  return [...text.matchAll(/"([^"]+)"/g)].map(([, inner]) => inner ?? '')
}

function fold(text: string): string {
  return text.trim().replaceAll(/\s+/g, ' ').toLowerCase()
}
