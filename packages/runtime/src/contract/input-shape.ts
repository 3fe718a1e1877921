import type { JSONSchema7, JSONSchema7Definition } from 'json-schema'
import { isDeepStrictEqual } from 'node:util'
import { at, type Leaf, leaves, type Place } from '../json/path.ts'
import type { Json } from '../json/plain.ts'

/** A leaf of an input as the flow rules see it: also what is left out, and the keys of free-form objects. */
export interface InputLeaf {
  readonly place: Place
  readonly value: Leaf['value'] | undefined
  /** The leaf equals the default of its schema, so the developer chose it. */
  readonly isDefault: boolean
  /** It is the key of a free-form object, not a value. */
  readonly isKey: boolean
}

/** Every leaf of an input, by the tool's JSON schema (or without one, where a tool declares none). */
export type InputShape = (input: Json) => readonly InputLeaf[]

/**
 * The leaves of an input, by the schema of its tool: each scalar and empty container, each optional property
 * that is absent, each key that the schema does not name.
 */
export function inputShape(schema: JSONSchema7 | undefined): InputShape {
  if (schema === undefined)
    return (input) => leaves(input).map((leaf) => ({ ...leaf, isDefault: false, isKey: false }))
  const nodeOf = compiler(schema)
  return (input) => {
    const out: InputLeaf[] = []
    visit(nodeOf([schema]), input, [], out)
    return out
  }
}

/** A schema, with its alternatives and references followed: worked out once, since inputs are many. */
interface Node {
  readonly shapes: readonly JSONSchema7[]
  readonly named: ReadonlyMap<string, { readonly node: Node; readonly hasDefault: boolean }>
  /** What the schema says of a key that it does not name. */
  readonly free: Node
  item(index: number): Node
}

type NodeOf = (schemas: readonly (JSONSchema7Definition | undefined)[]) => Node

/**
 * The node of several schemas together, each filled in when it is first asked for, so that a schema may refer to
 * itself. There are as many as the schema has sets of them, however many and deep the inputs.
 */
function compiler(root: JSONSchema7): NodeOf {
  const numbers = new Map<object, number>()
  const nodes = new Map<string, Node>()
  const numberOf = (schema: object): number => {
    const known = numbers.get(schema) ?? numbers.size
    numbers.set(schema, known)
    return known
  }
  const nodeOf: NodeOf = (given) => {
    const schemas = distinct(given.filter((one) => typeof one === 'object'))
    const key = schemas.map(numberOf).join()
    const known = nodes.get(key)
    if (known !== undefined) return known
    const shapes = distinct(schemas.flatMap((one) => alternatives(one, root, 0)))
    const made = newNode(shapes, nodeOf, root)
    nodes.set(key, made)
    return made
  }
  return nodeOf
}

// The last of equals stays: where several name one property, the last of them says what it is.
function distinct<T>(all: readonly T[]): readonly T[] {
  return [...new Set(all.toReversed())].toReversed()
}

function newNode(shapes: readonly JSONSchema7[], nodeOf: NodeOf, root: JSONSchema7): Node {
  let named: Node['named'] | undefined
  let free: Node | undefined
  const items: Node[] = []
  const longestTuple = Math.max(0, ...shapes.map(({ items: of }) => (Array.isArray(of) ? of.length : 0)))
  return {
    shapes,
    get named() {
      named ??= namedIn(shapes, nodeOf, root)
      return named
    },
    get free() {
      free ??= nodeOf(shapes.map((shape) => shape.additionalProperties))
      return free
    },
    item(index) {
      const position = Math.min(index, longestTuple)
      items[position] ??= nodeOf(shapes.map((shape) => itemOf(shape, position)))
      return items[position]
    },
  }
}

function namedIn(shapes: readonly JSONSchema7[], nodeOf: NodeOf, root: JSONSchema7): Node['named'] {
  const named = new Map<string, { node: Node; hasDefault: boolean }>()
  for (const shape of shapes)
    for (const [key, property] of Object.entries(shape.properties ?? {})) {
      const hasDefault = alternatives(property, root, 0).some((one) => one.default !== undefined)
      named.set(key, { node: nodeOf([property]), hasDefault })
    }
  return named
}

function visit(node: Node, value: Json, place: Place, out: InputLeaf[]): void {
  if (Array.isArray(value)) {
    const items = value as readonly Json[]
    if (items.length === 0)
      out.push({ place, value: [], isDefault: isDefaultOf(node.shapes, value), isKey: false })
    for (let i = 0; i < items.length; i += 1) visit(node.item(i), items[i] as Json, [...place, i], out)
    return
  }
  if (typeof value !== 'object' || value === null) {
    const isDefault = isDefaultOf(node.shapes, value)
    out.push({ place, value: value as Leaf['value'], isDefault, isKey: false })
    return
  }
  const object = value as Readonly<Record<string, Json>>
  const { named } = node
  const keys = Object.keys(object)
  if (keys.length === 0 && named.size === 0)
    out.push({ place, value: {}, isDefault: isDefaultOf(node.shapes, value), isKey: false })
  for (const key of keys) {
    const here = [...place, key]
    const property = named.get(key)
    if (property === undefined) out.push({ place: here, value: key, isDefault: false, isKey: true })
    visit(property?.node ?? node.free, object[key] as Json, here, out)
  }
  for (const [key, { hasDefault }] of named) {
    if (Object.hasOwn(object, key)) continue
    // Left out, the tool falls back on its default; where it has one, the developer chose it.
    out.push({ place: [...place, key], value: undefined, isDefault: hasDefault, isKey: false })
  }
}

function alternatives(
  schema: JSONSchema7Definition | undefined,
  root: JSONSchema7,
  depth: number,
): JSONSchema7[] {
  if (typeof schema !== 'object' || depth > 16) return []
  const nested = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])]
  if (schema.$ref !== undefined) nested.push(resolve(schema.$ref, root))
  return [schema, ...nested.flatMap((one) => alternatives(one, root, depth + 1))]
}

function resolve(ref: string, root: JSONSchema7): JSONSchema7Definition {
  if (!ref.startsWith('#/')) return {}
  const steps = ref
    .slice(2)
    .split('/')
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'))
  return (at(root as Json, steps) as JSONSchema7Definition | undefined) ?? {}
}

function itemOf(shape: JSONSchema7, index: number): JSONSchema7Definition | undefined {
  return Array.isArray(shape.items) ? shape.items[index] : shape.items
}

function isDefaultOf(shapes: readonly JSONSchema7[], value: Json): boolean {
  return shapes.some((shape) => shape.default !== undefined && isDeepStrictEqual(shape.default, value))
}
