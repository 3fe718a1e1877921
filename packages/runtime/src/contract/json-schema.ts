import type { Place } from '../json/path.ts'
import { pathSteps } from '../json/path.ts'

/** The parts of a JSON schema (draft 7 to 2020-12) that say where values stand. A tool's schema, already resolved. */
export interface JsonSchema {
  readonly type?: string | readonly string[] | undefined
  readonly properties?: Readonly<Record<string, JsonSchema | boolean>> | undefined
  readonly required?: readonly string[] | undefined
  readonly additionalProperties?: JsonSchema | boolean | undefined
  readonly items?: JsonSchema | boolean | readonly (JsonSchema | boolean)[] | undefined
  readonly prefixItems?: readonly (JsonSchema | boolean)[] | undefined
  readonly anyOf?: readonly (JsonSchema | boolean)[] | undefined
  readonly oneOf?: readonly (JsonSchema | boolean)[] | undefined
  readonly allOf?: readonly (JsonSchema | boolean)[] | undefined
  readonly $ref?: string | undefined
  readonly $defs?: Readonly<Record<string, JsonSchema | boolean>> | undefined
  readonly definitions?: Readonly<Record<string, JsonSchema | boolean>> | undefined
  readonly enum?: readonly unknown[] | undefined
  readonly const?: unknown
  readonly default?: unknown
  readonly format?: string | undefined
  readonly description?: string | undefined
}

type Node = JsonSchema | boolean

/** One leaf that a schema allows. */
export interface SchemaLeaf {
  /** `items.*.id`; a free-form key is `*` too. */
  readonly path: string
  /** A place of this shape, to look it up by: position 0 for items, a made-up key for a free-form one. */
  readonly place: Place
  readonly schema: JsonSchema
  /** It may be left out, or something above it may. */
  readonly optional: boolean
  /** Its key, or a key above it, is chosen by the caller. */
  readonly freeForm: boolean
}

const FREE_KEY = '\u0000any key'
const MOST_LEAVES = 5000

/**
 * The alternatives that a schema stands for, with references followed and unions opened.
 *
 * A part that cannot be resolved (a reference to another document, a cycle of references alone) is the schema
 * that allows anything, so that whoever asks takes the strict view.
 */
export function alternatives(root: Node, schema: Node, seen: ReadonlySet<string> = new Set()): JsonSchema[] {
  if (schema === false) return []
  if (schema === true) return [{}]
  const own = hasShape(schema) ? [schema] : []
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  if (schema.$ref !== undefined) {
    if (seen.has(schema.$ref)) return own
    const target = resolve(root, schema.$ref)
    if (target === undefined) return [{}]
    return [...own, ...alternatives(root, target, new Set([...seen, schema.$ref]))]
  }
  if (parts.length === 0) return [schema]
  const opened = parts.flatMap((part) => alternatives(root, part, seen))
  // Beside a shape of the schema's own, a part without one (`{ required: ['a'] }`) only restricts.
  return own.length === 0 ? opened : [...own, ...opened.filter((part) => hasShape(part) || isScalar(part))]
}

/** Every leaf of a schema. A recursive part is one leaf where it begins again. */
export function schemaLeaves(root: Node): readonly SchemaLeaf[] {
  const found = new Map<string, SchemaLeaf>()
  const open: {
    schema: Node
    steps: string[]
    place: Place
    optional: boolean
    freeForm: boolean
    above: Node[]
  }[] = [{ schema: root, steps: [], place: [], optional: false, freeForm: false, above: [] }]
  for (let next = open.pop(); next !== undefined && found.size < MOST_LEAVES; next = open.pop()) {
    const { schema, steps, place, optional, freeForm, above } = next
    for (const one of alternatives(root, schema)) {
      const children = above.includes(one) ? [] : childrenOf(one)
      const path = steps.join('.')
      if (children.length === 0 && (steps.length > 0 || !isObject(one))) {
        const known = found.get(path)
        const kept = known === undefined || known.schema.type === 'null' ? one : known.schema
        found.set(path, {
          path,
          place,
          schema: kept,
          optional: optional || known?.optional === true,
          freeForm,
        })
      }
      for (const child of children)
        open.push({
          schema: child.schema,
          steps: [...steps, child.step],
          place: [...place, child.sample],
          optional: optional || child.optional,
          freeForm: freeForm || child.free,
          above: [...above, one],
        })
    }
  }
  return [...found.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

/** Whether a path can lead to something under this schema; a place that the schema leaves open counts. */
export function schemaHas(root: Node, path: string): boolean {
  return schemasAt(root, path).length > 0
}

/** The schemas that a path leads to; none where it leads nowhere. */
export function schemasAt(root: Node, path: string): readonly JsonSchema[] {
  let here = alternatives(root, root)
  for (const step of pathSteps(path)) {
    if (step === '**') return [...here, ...descendants(root, here)]
    here = here.flatMap((one) => into(root, one, step))
  }
  return here
}

/**
 * The value that the schema gives a place when it is left out, where every alternative agrees on it.
 *
 * Only places that the schema names have one: a free-form key is never the developer's own.
 */
export function schemaDefault(root: Node, place: Place): unknown {
  let here = alternatives(root, root)
  for (const step of place)
    here = here.flatMap((one) =>
      childrenOf(one)
        .filter(
          (child) =>
            !child.free && (typeof step === 'number' ? child.list : !child.list && child.step === step),
        )
        .flatMap((child) => marked(child.schema, alternatives(root, child.schema))),
    )
  const [first, ...rest] = here.map((one) => one.default)
  return rest.every((other) => JSON.stringify(other) === JSON.stringify(first)) ? first : undefined
}

// A default may stand beside the union or reference it belongs to.
function marked(outer: Node, inner: readonly JsonSchema[]): JsonSchema[] {
  if (typeof outer === 'boolean' || outer.default === undefined) return [...inner]
  return inner.map((one) => (one.default === undefined ? { ...one, default: outer.default } : one))
}

/** The alternatives one step further: through a property, a position, or past a list that the path does not name. */
function into(root: Node, schema: JsonSchema, step: string): JsonSchema[] {
  if (!hasShape(schema)) return isScalar(schema) ? [] : [{}]
  const children = childrenOf(schema)
  const taken = children.filter(
    ({ step: own, free, list }) => own === step || step === '*' || free || (list && /^\d+$/.test(step)),
  )
  const named = taken.filter(({ free }) => !free)
  const chosen = named.length > 0 ? named : taken
  if (chosen.length > 0) return chosen.flatMap((child) => alternatives(root, child.schema))
  return children
    .filter(({ list }) => list)
    .flatMap((child) => alternatives(root, child.schema))
    .flatMap((item) => into(root, item, step))
}

function descendants(root: Node, from: readonly JsonSchema[]): JsonSchema[] {
  const seen = new Set<JsonSchema>(from)
  for (const one of seen)
    for (const child of childrenOf(one)) for (const next of alternatives(root, child.schema)) seen.add(next)
  return [...seen]
}

interface Child {
  readonly step: string
  readonly sample: string | number
  readonly schema: Node
  readonly optional: boolean
  readonly free: boolean
  readonly list: boolean
}

/** What stands one level below a schema without unions or references of its own. */
export function childrenOf(schema: JsonSchema): Child[] {
  const out: Child[] = []
  const required = new Set(schema.required)
  for (const [key, property] of Object.entries(schema.properties ?? {}))
    out.push({
      step: key,
      sample: key,
      schema: property,
      optional: !required.has(key),
      free: false,
      list: false,
    })
  const more = schema.additionalProperties
  // Left out, JSON Schema allows more keys; a tool with listed properties means these, one with none means any.
  const isMap = more === undefined ? isObject(schema) && schema.properties === undefined : more !== false
  if (isMap) {
    const free = more === undefined ? true : more
    out.push({ step: '*', sample: FREE_KEY, schema: free, optional: true, free: true, list: false })
  }
  const tuple = schema.prefixItems ?? (Array.isArray(schema.items) ? (schema.items as readonly Node[]) : [])
  tuple.forEach((item, index) =>
    out.push({ step: String(index), sample: index, schema: item, optional: false, free: false, list: true }),
  )
  if (schema.items !== undefined && !Array.isArray(schema.items))
    out.push({
      step: '*',
      sample: tuple.length,
      schema: schema.items as Node,
      optional: false,
      free: false,
      list: true,
    })
  return out
}

function resolve(root: Node, ref: string): Node | undefined {
  if (ref === '#') return root
  if (!ref.startsWith('#/')) return undefined
  let here: unknown = root
  for (const step of ref.slice(2).split('/')) {
    const key = decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, key)) return undefined
    here = (here as Record<string, unknown>)[key]
  }
  return typeof here === 'boolean' || (typeof here === 'object' && here !== null) ? (here as Node) : undefined
}

function isObject(schema: JsonSchema): boolean {
  return schema.type === 'object' || (Array.isArray(schema.type) && schema.type.includes('object'))
}

function isScalar(schema: JsonSchema): boolean {
  if (schema.enum !== undefined || 'const' in schema) return true
  const types = schema.type === undefined ? [] : [schema.type].flat()
  return types.length > 0 && types.every((type) => type !== 'object' && type !== 'array')
}

function hasShape(schema: JsonSchema): boolean {
  return (
    isObject(schema) ||
    ['properties', 'items', 'prefixItems', 'additionalProperties'].some((key) => key in schema)
  )
}
