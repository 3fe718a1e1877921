import canonicalize from 'canonicalize'

export type JsonScalar = string | number | boolean | null
export type Json = JsonScalar | readonly Json[] | { readonly [key: string]: Json }

/** How large a value may be before it is refused rather than walked. */
export interface JsonLimits {
  /** Most nodes, containers included. */
  readonly nodes: number
  readonly depth: number
  /** Most UTF-16 units over all strings and keys. */
  readonly characters: number
}

export const JSON_LIMITS: JsonLimits = { nodes: 200_000, depth: 64, characters: 20_000_000 }

export type PlainJson =
  | { readonly ok: true; readonly value: Json }
  | { readonly ok: false; readonly reason: string }

/**
 * A frozen copy of a value as plain JSON: what `JSON.stringify` would say, without calling any code of the value.
 *
 * A property that is `undefined` is left out, as in JSON. Anything that JSON would silently change or drop
 * (a Map, a Date, a class instance, a function, NaN, a cycle, an accessor, binary data) is refused, and so
 * is anything beyond `limits`.
 */
export function plainJson(value: unknown, limits: JsonLimits = JSON_LIMITS): PlainJson {
  const budget = { nodes: limits.nodes, characters: limits.characters }
  try {
    return { ok: true, value: copy(value, limits.depth, budget) }
  } catch (error) {
    if (error instanceof NotPlain) return { ok: false, reason: error.message }
    throw error
  }
}

/** RFC 8785 canonical text of plain JSON: equal values have equal text. */
export function canonicalJson(value: Json): string {
  const text = canonicalize(value)
  if (text === undefined)
    throw new TypeError('Canonical JSON needs plain JSON; got a value with no JSON form.')
  return text
}

class NotPlain extends Error {}

function copy(value: unknown, depth: number, budget: { nodes: number; characters: number }): Json {
  budget.nodes -= 1
  if (budget.nodes < 0) throw new NotPlain('too many values')
  switch (typeof value) {
    case 'string':
      budget.characters -= value.length
      if (budget.characters < 0) throw new NotPlain('too much text')
      if (!value.isWellFormed()) throw new NotPlain('a string that is not well-formed Unicode')
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new NotPlain('a number that JSON cannot say')
      return Object.is(value, -0) ? 0 : value
    case 'boolean':
      return value
    case 'object':
      if (value === null) return null
      if (depth === 0) throw new NotPlain('nested too deep, or a cycle')
      return Array.isArray(value) ? copyArray(value, depth, budget) : copyObject(value, depth, budget)
    case 'undefined':
      throw new NotPlain('undefined where a value is expected')
    default:
      throw new NotPlain(`a ${typeof value}`)
  }
}

function copyArray(value: unknown[], depth: number, budget: { nodes: number; characters: number }): Json {
  const out: Json[] = []
  for (let i = 0; i < value.length; i += 1) out.push(copy(value[i], depth - 1, budget))
  return Object.freeze(out)
}

function copyObject(value: object, depth: number, budget: { nodes: number; characters: number }): Json {
  const prototype = Object.getPrototypeOf(value) as unknown
  // A plain object of another realm (a vm context, a test runner) has a prototype that ends its chain at once.
  if (prototype !== null && prototype !== Object.prototype && Object.getPrototypeOf(prototype) !== null)
    throw new NotPlain('an instance of a class')
  const out: Record<string, Json> = {}
  for (const key of Object.keys(value)) {
    const property = Object.getOwnPropertyDescriptor(value, key)
    if (property === undefined || !('value' in property)) throw new NotPlain('an accessor property')
    if (property.value === undefined) continue
    budget.characters -= key.length
    if (budget.characters < 0) throw new NotPlain('too much text')
    if (key === '__proto__') throw new NotPlain('a property named __proto__')
    out[key] = copy(property.value, depth - 1, budget)
  }
  return Object.freeze(out)
}

/** A copy that its owner may change, of plain JSON that is frozen. */
export function mutableCopy(value: Json): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(mutableCopy)
  const out: Record<string, unknown> = {}
  for (const key of Object.keys(value))
    out[key] = mutableCopy((value as Readonly<Record<string, Json>>)[key] as Json)
  return out
}
