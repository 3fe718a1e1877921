import type { Filter, FilterValue } from '../filter.ts'
import type { Attributes, IndexedDocument, IndexScope } from '../search-index.ts'

/** Texts that have broken something somewhere: SQL, JSON paths, Unicode, names that objects have of themselves. */
export const STRANGE: readonly string[] = [
  "'; drop table passages; --",
  '" or 1=1',
  '$1',
  '{a,b}',
  '\\x00',
  '%_',
  'O’Brien',
  '日本語の文書',
  'é',
  'e\u0301',
  '\u202Eevil',
  '😀',
  '__proto__',
  'constructor',
  'null',
  'NULL',
  ' ',
]

export const DIMENSIONS = 8

export const SCOPE: IndexScope = { tenant: 'acme', type: 'page', principals: undefined }

/** Numbers at random that are the same each time. */
export type Random = (below: number) => number

/** After Steele and Vigna's SplitMix, in 32 bits. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x9e37_79b9) >>> 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85eb_ca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35)
    return ((mixed ^ (mixed >>> 16)) >>> 0) % below
  }
}

export function pick<T>(random: Random, from: readonly T[]): T {
  return from[random(from.length)] as T
}

/** A document with one passage for each text. */
export function documentOf(
  id: string,
  given: Partial<IndexedDocument> = {},
  ...texts: string[]
): IndexedDocument {
  return {
    id,
    tenant: 'acme',
    type: 'page',
    version: 'v1',
    aclVersion: undefined,
    digest: `digest of ${id}`,
    source: `https://wiki.example/${id}`,
    title: undefined,
    authors: ['user:carol'],
    readers: ['user:alice'],
    denied: [],
    attributes: {},
    chunks: texts.map((text, position) => ({ position, text, embedding: vectorOf(text) })),
    ...given,
  }
}

/** A vector for a text: not its meaning, but always the same. */
export function vectorOf(text: string): number[] {
  let seed = 7
  for (const one of text) seed = Math.imul(seed ^ (one.codePointAt(0) ?? 0), 0x0100_0193)
  const random = randomFrom(seed)
  return Array.from({ length: DIMENSIONS }, () => (random(2001) - 1000) / 1000 + 0.0001)
}

const FIELDS = ['a', 'b', 'list', ...STRANGE.slice(0, 2), 'a.b', '{a,b}', '__proto__', 'toString']
const TEXTS = ['x', 'y', 'xy', '', 'Ｘ', '\uE000', '😀', ...STRANGE]
const NUMBERS = [0, 1, -1, 0.1, 1e21, 5e-324, -0, 1.5, Number.MAX_SAFE_INTEGER]
const PRINCIPALS = ['user:alice', 'user:bob', 'group:eng', 'everyone', ...STRANGE.slice(0, 3)]

export function randomAttributes(random: Random): Attributes {
  const made = Object.create(null) as Record<string, FilterValue | string[]>
  for (const field of FIELDS) {
    const kind = random(6)
    if (kind === 0) made[field] = pick(random, TEXTS)
    else if (kind === 1) made[field] = pick(random, NUMBERS)
    else if (kind === 2) made[field] = random(2) === 0
    else if (kind === 3) made[field] = [pick(random, TEXTS), pick(random, TEXTS)].slice(random(3))
  }
  return made
}

export function randomPrincipals(random: Random): string[] {
  return PRINCIPALS.filter(() => random(4) === 0)
}

/** A filter of any shape, over fields that documents have and fields that they do not. */
export function randomFilter(random: Random, depth = 0): Filter {
  const value = (): FilterValue => {
    const kind = random(3)
    return kind === 0 ? pick(random, TEXTS) : kind === 1 ? pick(random, NUMBERS) : random(2) === 0
  }
  const scalar = (): string => pick(random, [...FIELDS, 'none', '$id', '$version', '$source', '$title'])
  switch (random(depth > 3 ? 5 : 8)) {
    case 0:
      return { op: random(2) === 0 ? 'eq' : 'ne', field: scalar(), value: value() }
    case 1: {
      const than = random(2) === 0 ? pick(random, TEXTS) : pick(random, NUMBERS)
      return { op: pick(random, ['lt', 'lte', 'gt', 'gte'] as const), field: scalar(), value: than }
    }
    case 2:
      return { op: 'in', field: scalar(), values: Array.from({ length: random(4) }, value) }
    case 3: {
      const own = random(2) === 0
      const field = own ? pick(random, ['$readers', '$denied', '$authors']) : pick(random, FIELDS)
      return {
        op: 'overlaps',
        field,
        values: own ? randomPrincipals(random) : TEXTS.filter(() => random(6) === 0),
      }
    }
    case 4:
      return {
        op: 'exists',
        field: pick(random, [...FIELDS, 'none', '$title', '$readers']),
        exists: random(2) === 0,
      }
    case 5:
      return { op: 'not', filter: randomFilter(random, depth + 1) }
    default:
      return {
        op: random(2) === 0 ? 'and' : 'or',
        filters: Array.from({ length: random(4) }, () => randomFilter(random, depth + 1)),
      }
  }
}
