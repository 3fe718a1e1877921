import { ConfigError } from '../errors.ts'
import { type Leaf, type PathMap, type Place, leaves, pathMap } from '../json/path.ts'
import type { Json, JsonScalar } from '../json/plain.ts'

/**
 * How far an argument may go: one of these exact values; a number from 0 to `atMost`; or, said aloud, anything.
 *
 * `atMost` fits JSON numbers only: text that reads as an amount has more than one reading. It starts at zero,
 * since a negative amount would turn a payment round.
 */
export type Bound =
  | { readonly oneOf: readonly JsonScalar[] }
  | { readonly atMost: number }
  | { readonly any: true }

/** Bounds by path of the input; `*` and `**` as in contracts. */
export type Bounds = Readonly<Record<string, Bound>>

/** Bounds that were checked, ready to be held against inputs. */
export interface CheckedBounds {
  readonly bounds: Bounds
  /**
   * Whether every bounded argument is within its bound. One that is absent counts as null, and an empty list
   * or object is within `any` alone: leaving a filter out must not reach further than filling it in.
   */
  holdFor(input: Json): boolean
  /** Whether each of these places has a bound, and at least one of them a real one (not `any`). */
  cover(places: readonly Place[]): boolean
}

/**
 * Checks bounds as a developer or a stored grant gives them.
 *
 * @throws {ConfigError} If a path or a bound is not usable; `key` is what the message names.
 */
export function checkBounds(key: string, given: unknown): CheckedBounds {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new ConfigError(key, given, 'an object of bounds by path')
  const entries = Object.entries(given).map(([path, bound]): [string, Bound] => {
    if (path === '') throw new ConfigError(key, path, 'a path of the input, such as amount')
    return [path, checkBound(`${key}['${path}']`, bound)]
  })
  const bounds = Object.freeze(Object.fromEntries(entries))
  const map = pathMap(Object.fromEntries(entries.map(([path, bound]) => [path, { path, bound }])))
  return Object.freeze({
    bounds,
    holdFor: (input: Json) => entries.length === 0 || hold(entries, map, input),
    cover: (places: readonly Place[]) => {
      const found = places.map((place) => map.find(place)?.bound)
      return found.every((bound) => bound !== undefined) && found.some((bound) => !('any' in bound))
    },
  })
}

function hold(
  entries: readonly (readonly [string, Bound])[],
  map: PathMap<{ path: string; bound: Bound }>,
  input: Json,
): boolean {
  const met = new Set<string>()
  for (const { place, value } of leaves(input)) {
    const found = map.find(place)
    if (found === undefined) continue
    if (!admits(found.bound, value)) return false
    met.add(found.path)
  }
  return entries.every(([path, bound]) => met.has(path) || admits(bound, null))
}

function admits(bound: Bound, value: Leaf['value']): boolean {
  if ('any' in bound) return true
  if ('oneOf' in bound) return bound.oneOf.some((one) => one === value)
  return typeof value === 'number' && value >= 0 && value <= bound.atMost
}

function checkBound(key: string, given: unknown): Bound {
  const expected = '{ oneOf: [values] }, { atMost: number } or { any: true }'
  if (typeof given !== 'object' || given === null) throw new ConfigError(key, given, expected)
  const keys = Reflect.ownKeys(given)
  if (keys.length !== 1) throw new ConfigError(key, given, expected)
  const { oneOf, atMost, any } = given as { oneOf?: unknown; atMost?: unknown; any?: unknown }
  if (any === true) return Object.freeze({ any: true as const })
  if (typeof atMost === 'number' && Number.isFinite(atMost) && atMost >= 0) return Object.freeze({ atMost })
  if (Array.isArray(oneOf) && oneOf.length > 0 && oneOf.every(isScalar))
    return Object.freeze({ oneOf: Object.freeze([...oneOf]) })
  throw new ConfigError(key, given, expected)
}

function isScalar(value: unknown): value is JsonScalar {
  if (typeof value === 'number') return Number.isFinite(value)
  return value === null || typeof value === 'string' || typeof value === 'boolean'
}
