import type { CompiledContract } from '../../contract/compile.ts'
import type { SchemaLeaf } from '../../contract/json-schema.ts'
import { placeText } from '../../json/path.ts'

/** Whom the content of a tool's calls reaches, as far as its contract tells without being run. */
export interface AuditedAudience {
  /**
   * `declared`: the contract's `audience` names them. `operator`: it declares none, and the operator is assumed.
   * `unknown`: neither is said, so nobody can tell. `none`: the tool carries no content and returns nothing to
   * anyone.
   */
  readonly by: 'declared' | 'operator' | 'unknown' | 'none'
  /** Arguments whose values come back as recipients when the function is tried on a made-up input. */
  readonly arguments: readonly string[]
  /** Recipients that are no argument's value. */
  readonly names: readonly string[]
}

const NOBODY: AuditedAudience = { by: 'none', arguments: [], names: [] }

/**
 * Try a contract's `audience` on an input in which every string tells its argument apart, to see which arguments
 * name the recipients. A function that throws or returns nothing usable on such an input names nobody that the
 * audit can see.
 */
export function auditedAudience(
  { contract, operator }: CompiledContract,
  leaves: readonly SchemaLeaf[],
  carriesContent: boolean,
): AuditedAudience {
  const { audience } = contract
  if (audience === undefined) {
    if (operator !== undefined) return { by: 'operator', arguments: [], names: [operator] }
    return carriesContent ? { by: 'unknown', arguments: [], names: [] } : NOBODY
  }
  const reached = tried(() => audience(inputOf(leaves) as never))
  const found = new Set<string>()
  const names: string[] = []
  for (const name of [reached].flat()) {
    if (typeof name !== 'string') continue
    const from = leaves.filter((leaf) => name.toLowerCase().includes(marker(leaf)))
    for (const { path } of from) found.add(path)
    if (from.length === 0) names.push(name)
  }
  return { by: 'declared', arguments: [...found], names }
}

function tried(call: () => unknown): unknown {
  try {
    return call()
  } catch {
    return undefined
  }
}

/** Letters and dashes only, so that it survives being read as an address, a URL or a name. */
function marker({ place }: SchemaLeaf): string {
  const letters = placeText(place)
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, '-')
  return `audited-${letters}-${[...placeText(place)].reduce((sum, one) => sum + (one.codePointAt(0) ?? 0), 0)}-end`
}

function inputOf(leaves: readonly SchemaLeaf[]): unknown {
  let root: unknown
  for (const leaf of leaves) root = placed(root, leaf.place, valueOf(leaf))
  return root ?? {}
}

function placed(into: unknown, [step, ...rest]: readonly (string | number)[], value: unknown): unknown {
  if (step === undefined) return value
  const holder = (
    typeof into === 'object' && into !== null ? into : typeof step === 'number' ? [] : {}
  ) as Record<string | number, unknown>
  // As its own property, whatever the schema calls it.
  Object.defineProperty(holder, step, {
    value: placed(Object.hasOwn(holder, step) ? holder[step] : undefined, rest, value),
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return holder
}

function valueOf(leaf: SchemaLeaf): unknown {
  const { schema } = leaf
  if ('const' in schema) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  const types = schema.type === undefined ? ['string'] : [schema.type].flat()
  if (types.includes('string'))
    return schema.format === 'uri' ? `https://${marker(leaf)}.example/` : `${marker(leaf)}@audit.example`
  if (types.includes('number') || types.includes('integer')) return 1
  if (types.includes('boolean')) return true
  return types.includes('array') ? [] : types.includes('object') ? {} : null
}
