import type { Json } from './manifest.ts'

export type Path = readonly (string | number)[]
export type Scalar = string | number | boolean | null

/** Every scalar in a value, and where it stands. */
export function* scalars(value: Json, path: Path = []): Generator<readonly [Path, Scalar]> {
  if (typeof value === 'object' && value !== null)
    for (const [key, inner] of Object.entries(value))
      yield* scalars(inner as Json, [...path, Array.isArray(value) ? Number(key) : key])
  else yield [path, value]
}

/** A copy of a value with every text in it changed. */
export function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item: Json) => mapTexts(item, change))
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, mapTexts(inner, change)]))
  return value
}

/** A copy of a value with the scalar at a path replaced. */
export function withScalar(value: Json, [step, ...rest]: Path, scalar: Scalar): Json {
  if (step === undefined) return scalar
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string | number, Json>
  copy[step] = withScalar(copy[step] as Json, rest, scalar)
  return copy as Json
}

/** Whether a value is an object with names. */
export function isRecord(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Words without letter case, punctuation and spacing: under this, other spellings of one value are the same. */
export function loosely(value: Scalar): string {
  if (typeof value === 'number') return String(value)
  const text = String(value)
    .normalize('NFKC')
    .toLowerCase()
    .trim()
    .replace(/^(\d{4}-\d\d-\d\d)t(\d\d:\d\d)(?::00)?$/, '$1 $2')
  const number = Number(text)
  return text !== '' && Number.isFinite(number)
    ? String(number)
    : text.replaceAll(/[^\p{L}\p{N}]+/gu, ' ').trim()
}

/** The same key for two inputs that are the same but for the spelling of their values. */
export function inputKey(input: Json): string {
  return JSON.stringify(
    [...scalars(input)]
      .map(([path, value]) => [path.join('.'), loosely(value)])
      .toSorted(([x = ''], [y = '']) => (x < y ? -1 : 1)),
  )
}

export function sameInput(a: Json, b: Json): boolean {
  return inputKey(a) === inputKey(b)
}
