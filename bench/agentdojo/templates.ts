/**
 * What the planner tries before it makes a call with a value that is not in the user's words: the same list for
 * every task of every suite.
 *
 * Look-ups
 *   1. the read that showed the value once more, with its optional arguments left out
 *   2. every read with one text argument, asked for each thing that the user put in quotation marks, and for each
 *      word of letters and digits or with an @ in it, such as a number of an order or an address
 *
 * Derivations, of a number N, over numbers X, Y of results and numbers L in the user's words
 *   3. X + L, X - L, L - X, X * L, X / L
 *   4. X - Y, X + Y
 *   5. sum, min, max of a field of the rows of which one field is something that the user said
 *   6. count of such rows
 *
 * Derivations, of a date D, over dates X of results and numbers L in the user's words
 *   7. today, addDays(today, L), addDays(today, 1), addDays(today, 7)
 *   8. addDays(X, L), addDays(X, 1), addDays(X, 7), addDays(X, 0)
 *   9. addHours(X, L), addMinutes(X, L), addMinutes(X, 30), for X of results and each date with each time in the
 *      user's words
 *
 * Derivations, of a whole value V
 *  10. V, of the only row of which a field is something that the user said
 *  11. V, of the first or last row by some field
 */
import type { Json } from './manifest.ts'
import { isRecord, loosely, type Path, type Scalar, scalars } from './plain.ts'
import type { SeenResult } from './transcript.ts'

const SPELLED = ['two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve']
const MOST_OPERANDS = 400
const MOST_EXPRESSIONS = 6

/** The user's words, read by a planner that wants to use them. */
export interface Said {
  readonly text: string
  readonly loose: string
  /** In quotation marks, or names of one word. */
  readonly names: readonly string[]
  readonly numbers: readonly number[]
  readonly tokens: readonly string[]
}

export function readWords(text: string): Said {
  const quoted = [
    ...text.matchAll(/(?<![\p{L}\p{N}])(?:'([^'\n]{2,80})'|"([^"\n]{2,80})"|“([^”\n]{2,80})”)/gu),
  ].map(([, a, b, c]) => a ?? b ?? c ?? '')
  const numbers = [...text.matchAll(/(?<![\w.,-])\d+(?:\.\d+)?(?![\w]|[.,]\d)/g)].map(([one]) => Number(one))
  const spelled = SPELLED.flatMap((word, i) => (new RegExp(`\\b${word}\\b`, 'i').test(text) ? [i + 2] : []))
  const tokens = text.split(/\s+/).map((word) => word.replaceAll(/^[^\p{L}\p{N}+]+|[^\p{L}\p{N}]+$/gu, ''))
  return {
    text,
    loose: ` ${loosely(text)} `,
    names: [
      ...new Set([
        ...quoted,
        ...tokens.filter((word) => /@/.test(word) || (/\p{L}/u.test(word) && /\d/.test(word))),
      ]),
    ],
    numbers: [...new Set([...numbers, ...(/\b(?:an?|one)\b/i.test(text) ? [1] : []), ...spelled])],
    tokens: [...new Set([...quoted, ...tokens.filter((word) => word.length > 1)])],
  }
}

/** Whether the user said a value, as far as a reader of plain words can tell. */
export function isSaid(said: Said, value: Scalar): boolean {
  return said.loose.includes(` ${loosely(value)} `)
}

/** Expressions of the templates whose value is this one, best first; at most six. */
export function expressionsFor(
  value: string | number,
  results: readonly SeenResult[],
  said: Said,
  today: string,
): readonly string[] {
  const wanted = loosely(value)
  const found = [...candidates(value, results, said, today)].filter(([, made]) => loosely(made) === wanted)
  return [...new Set(found.map(([expression]) => expression))].slice(0, MOST_EXPRESSIONS)
}

type Candidate = readonly [expression: string, value: Scalar]

function* candidates(
  value: string | number,
  results: readonly SeenResult[],
  said: Said,
  today: string,
): Generator<Candidate> {
  yield* wholeValues(results, said)
  if (typeof value === 'number') yield* computed(results, said)
  else if (/^\d{4}-\d\d-\d\d/.test(value)) yield* dates(results, said, today)
}

interface Operand {
  readonly expression: string
  readonly value: Scalar
}

function operands(results: readonly SeenResult[]): Operand[] {
  return results
    .flatMap(({ expression, output }) =>
      [...scalars(output)].map(([path, value]) => ({ expression: expression + steps(path), value })),
    )
    .slice(-MOST_OPERANDS)
}

function steps(path: Path): string {
  return path
    .map((step) =>
      typeof step === 'number'
        ? `[${step}]`
        : /^[A-Za-z_]\w*$/.test(step)
          ? `.${step}`
          : `[${JSON.stringify(step)}]`,
    )
    .join('')
}

function* computed(results: readonly SeenResult[], said: Said): Generator<Candidate> {
  const of = operands(results).filter(
    (one): one is Operand & { value: number } => typeof one.value === 'number',
  )
  for (const { expression: x, value } of of)
    for (const l of said.numbers)
      yield* [
        [`${x} + ${l}`, exact(value + l)],
        [`${x} - ${l}`, exact(value - l)],
        [`${l} - ${x}`, exact(l - value)],
        [`${x} * ${l}`, exact(value * l)],
        [`${x} / ${l}`, exact(value / l)],
      ] as const
  for (const { rows, list } of selections(results, said))
    for (const field of fieldsOf(rows, 'number')) {
      const values = rows.map((row) => row[field] as number)
      const mapped = `${list}.map(r, r${steps([field])})`
      yield [`sum(${mapped})`, exact(values.reduce((sum, one) => sum + one, 0))]
      yield [`min(${mapped})`, Math.min(...values)]
      yield [`max(${mapped})`, Math.max(...values)]
      yield* said.numbers.map((l) => [`sum(${mapped}) - ${l}`, exact(sumOf(values) - l)] as const)
      yield* said.numbers.map((l) => [`${l} - sum(${mapped})`, exact(l - sumOf(values))] as const)
      yield* said.numbers.map((l) => [`sum(${mapped}) + ${l}`, exact(sumOf(values) + l)] as const)
    }
  for (const { rows, list } of selections(results, said)) yield [`count(${list})`, rows.length]
  for (const a of of.slice(-60))
    for (const b of of.slice(-60)) {
      if (a === b) continue
      yield [`${a.expression} - ${b.expression}`, exact(a.value - b.value)]
      yield [`${a.expression} + ${b.expression}`, exact(a.value + b.value)]
    }
}

const sumOf = (values: readonly number[]): number => values.reduce((sum, one) => sum + one, 0)

function* dates(results: readonly SeenResult[], said: Said, today: string): Generator<Candidate> {
  const days = [...said.numbers.filter(Number.isInteger), 1, 7]
  yield ['today', today]
  for (const n of days) yield [`addDays(today, ${n})`, plusDays(today, n)]
  const seen = operands(results).filter(
    (one): one is Operand & { value: string } =>
      typeof one.value === 'string' && /^\d{4}-\d\d-\d\d/.test(one.value),
  )
  for (const { expression, value } of seen)
    for (const n of [0, ...days]) yield [`addDays(${expression}, ${n})`, plusDays(value, n)]
  const moments = [
    ...momentsIn(said.text).map((value) => ({ expression: JSON.stringify(value), value })),
    ...seen,
  ].filter(({ value }) => /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(value))
  for (const { expression, value } of moments) {
    for (const n of said.numbers) {
      yield [`addHours(${expression}, ${n})`, plusMinutes(value, 60 * n)]
      yield [`addMinutes(${expression}, ${n})`, plusMinutes(value, n)]
    }
    yield [`addMinutes(${expression}, 30)`, plusMinutes(value, 30)]
  }
}

/** Each date with each time of day in the user's words. */
function momentsIn(text: string): string[] {
  const days = [...text.matchAll(/\d{4}-\d\d-\d\d/g)].map(([day]) => day)
  const times = [...text.matchAll(/\b([01]?\d|2[0-3]):([0-5]\d)\b/g)].map(
    ([, hour = '', minute = '']) => `${hour.padStart(2, '0')}:${minute}`,
  )
  return [...new Set(days.flatMap((day) => times.map((time) => `${day} ${time}`)))]
}

function* wholeValues(results: readonly SeenResult[], said: Said): Generator<Candidate> {
  for (const { rows, list } of selections(results, said))
    if (rows.length === 1)
      for (const [path, value] of scalars(rows[0] as Json)) yield [`first(${list})${steps(path)}`, value]
  for (const { rows, expression } of lists(results))
    for (const by of [...fieldsOf(rows, 'number'), ...fieldsOf(rows, 'string')]) {
      const sorted = rows.toSorted((a, b) =>
        (a[by] as string | number) < (b[by] as string | number) ? -1 : 1,
      )
      for (const [end, row] of [
        ['first', sorted[0]],
        ['last', sorted.at(-1)],
      ] as const)
        for (const [path, value] of scalars(row as Json))
          yield [`${end}(${expression}.sort(r, r${steps([by])}))${steps(path)}`, value]
    }
}

type Row = Readonly<Record<string, Json>>

function lists(results: readonly SeenResult[]): { rows: readonly Row[]; expression: string }[] {
  return results.flatMap(({ output, expression }) =>
    Array.isArray(output) && output.length > 0 && output.every((row: Json) => isRecord(row))
      ? [{ rows: output as readonly Row[], expression }]
      : [],
  )
}

/** The rows of each list of which a field is something that the user said. */
function* selections(
  results: readonly SeenResult[],
  said: Said,
): Generator<{ rows: readonly Row[]; list: string }> {
  for (const { rows, expression } of lists(results))
    for (const field of fieldsOf(rows, 'string'))
      for (const token of said.tokens) {
        const kept = rows.filter((row) => row[field] === token)
        if (kept.length > 0)
          yield {
            rows: kept,
            list: `${expression}.filter(r, r${steps([field])} == ${JSON.stringify(token)})`,
          }
      }
}

function fieldsOf(rows: readonly Row[], type: 'number' | 'string'): string[] {
  return Object.keys(rows[0] ?? {}).filter((key) => rows.every((row) => typeof row[key] === type))
}

const exact = (value: number): number => Number(value.toFixed(8))

function plusDays(date: string, days: number): string {
  const day = new Date(`${date.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(day.getTime()) || Math.abs(days) > 100_000) return ''
  day.setUTCDate(day.getUTCDate() + days)
  return day.toISOString().slice(0, 10)
}

function plusMinutes(moment: string, minutes: number): string {
  const at = new Date(`${moment.slice(0, 10)}T${moment.slice(11, 16)}:00Z`)
  if (Number.isNaN(at.getTime()) || Math.abs(minutes) > 1e7) return ''
  return new Date(at.getTime() + minutes * 60_000).toISOString().slice(0, 16).replace('T', ' ')
}
