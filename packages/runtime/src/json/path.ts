import type { Json, JsonScalar } from './plain.ts'

/** Where a leaf stands: object keys, and the positions in arrays. */
export type Place = readonly (string | number)[]

/** A scalar, or a container with nothing in it (which says something too: `delete({ where: {} })`). */
export interface Leaf {
  readonly place: Place
  readonly value: JsonScalar | readonly [] | Readonly<Record<string, never>>
}

/** Every leaf of a value, in document order. */
export function leaves(value: Json): Leaf[] {
  const out: Leaf[] = []
  walk(value, [], out)
  return out
}

/** The value at a place, or undefined where there is none. */
export function at(value: Json, place: Place): Json | undefined {
  let here: Json | undefined = value
  for (const step of place) {
    if (typeof here !== 'object' || here === null) return undefined
    // A list has positions only: its `length` is no value of the document.
    if (Array.isArray(here) && !isPosition(step)) return undefined
    here = Object.hasOwn(here, step) ? (here as Record<string | number, Json>)[step] : undefined
  }
  return here
}

/** A copy of `value` with the leaf at `place` replaced; everything on the way is frozen. */
export function withLeaf(value: Json, place: Place, leaf: Json): Json {
  const [step, ...rest] = place
  if (step === undefined) return leaf
  const copy = (Array.isArray(value) ? [...value] : { ...(value as Record<string, Json>) }) as Record<
    string | number,
    Json
  >
  copy[step] = withLeaf(copy[step] as Json, rest, leaf)
  return Object.freeze(copy) as Json
}

/** A place as people write it: `items.0.id`. */
export function placeText(place: Place): string {
  return place.length === 1 ? String(place[0]) : place.join('.')
}

/**
 * Finds what was declared for a place, among declarations by path.
 *
 * In a path `*` stands for one step and `**` for any number, none included. A step into an array may also be
 * left out, so that `recipients` covers `recipients.0`; a `*` or a position takes that step, so that `items.*`
 * covers the items and not their fields. Where several paths fit, the longest wins, then the one with the
 * fewest wildcards, then the one whose first wildcard comes last; the order of declaration never matters.
 * Costs the length of the place, not the number of declarations.
 */
export interface PathMap<T> {
  find(place: Place): T | undefined
  readonly entries: readonly (readonly [path: string, value: T])[]
}

export function pathMap<T>(declared: Readonly<Record<string, T>>): PathMap<T> {
  const entries = Object.entries(declared)
  const patterns = entries.map(([path, value]) => ({ steps: pathSteps(path), value }))
  patterns.sort((a, b) => bySpecificity(a.steps, b.steps))
  // Places differ only in array positions within one shape, and shapes recur: remember by shape.
  const positions = patterns.some(({ steps }) => steps.some(isPosition))
  const root: Remembered<T> = newNode()
  let remembered = 0
  const search = (place: Place): T | undefined =>
    patterns.find(({ steps }) => fits(steps, 0, place, 0))?.value
  return {
    entries,
    find(place) {
      let node = root
      for (const step of place) {
        const key = typeof step === 'number' && !positions ? ANY_POSITION : step
        let next = node.next.get(key)
        if (next === undefined) {
          // Free-form keys must not make the tree grow for ever.
          if (remembered >= MOST_REMEMBERED) return search(place)
          remembered += 1
          next = newNode()
          node.next.set(key, next)
        }
        node = next
      }
      if (!node.isKnown) {
        node.value = search(place)
        node.isKnown = true
      }
      return node.value
    },
  }
}

/** What is known of one place, and of the places below it. A key and a position are never the same step. */
interface Remembered<T> {
  isKnown: boolean
  value: T | undefined
  readonly next: Map<string | number, Remembered<T>>
}

const ANY_POSITION = -1
const MOST_REMEMBERED = 1000

function newNode<T>(): Remembered<T> {
  return { isKnown: false, value: undefined, next: new Map() }
}

/** The steps of a path; none for the root. */
export function pathSteps(path: string): string[] {
  return path === '' ? [] : path.split('.')
}

/** Whether a step is a position in an array, as a number or as a path writes it. */
function isPosition(step: string | number): boolean {
  return typeof step === 'number' || POSITION.test(step)
}

const POSITION = /^(?:0|[1-9]\d*)$/

function bySpecificity(a: readonly string[], b: readonly string[]): number {
  const [inA, inB] = [census(a), census(b)]
  const byCount =
    inB.single + inB.literal - inA.single - inA.literal || inB.literal - inA.literal || a.length - b.length
  if (byCount !== 0) return byCount
  const differ = a.findIndex((step, index) => wildness(step) !== wildness(b[index] as string))
  if (differ !== -1) return wildness(a[differ] as string) - wildness(b[differ] as string)
  return a.join('.') < b.join('.') ? -1 : 1
}

function census(steps: readonly string[]): { literal: number; single: number } {
  const single = steps.filter((step) => wildness(step) === 1).length
  return { single, literal: steps.filter((step) => wildness(step) === 0).length }
}

function wildness(step: string): 0 | 1 | 2 {
  return step === '**' ? 2 : step === '*' ? 1 : 0
}

function fits(steps: readonly string[], i: number, place: Place, j: number): boolean {
  const step = steps[i]
  if (step === undefined) return place.slice(j).every((rest) => typeof rest === 'number')
  if (step === '**') {
    for (let k = j; k <= place.length; k += 1) if (fits(steps, i + 1, place, k)) return true
    return false
  }
  const here = place[j]
  if (here === undefined) return false
  if (step === '*' || step === String(here)) return fits(steps, i + 1, place, j + 1)
  return typeof here === 'number' && !isPosition(step) && fits(steps, i, place, j + 1)
}

function walk(value: Json, place: Place, out: Leaf[]): void {
  if (Array.isArray(value)) {
    if (value.length === 0) out.push({ place, value: [] })
    else value.forEach((item: Json, index) => walk(item, [...place, index], out))
  } else if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value)
    if (keys.length === 0) out.push({ place, value: {} })
    else for (const key of keys) walk((value as Record<string, Json>)[key] as Json, [...place, key], out)
  } else out.push({ place, value: value as JsonScalar })
}
