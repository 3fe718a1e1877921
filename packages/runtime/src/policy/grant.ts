import { ConfigError } from '../errors.ts'
import type { Place } from '../json/path.ts'
import type { Json } from '../json/plain.ts'
import { type Bounds, type CheckedBounds, checkBounds } from './bound.ts'

/** Whose word a grant is. A model's only ever narrows; it is never a basis for an irreversible effect. */
export type GrantSource = 'rule' | 'person' | 'model'

/** The tools that a task may use, each within its bounds; with no `args`, any input. */
export interface TaskGrant {
  readonly from: GrantSource
  /** The rule's name, the person's principal, or what names the model. */
  readonly by: string
  readonly tools: Readonly<Record<string, { readonly args?: Bounds }>>
  /** A grant that must allow the call as well: what this one was narrowed from. */
  readonly within?: TaskGrant
}

const checked = new WeakMap<TaskGrant, ReadonlyMap<string, CheckedBounds>>()

/**
 * A grant that was checked and frozen. Takes one that was stored, too.
 *
 * @throws {ConfigError} If it is not a grant; the message names the key.
 */
export function taskGrant(given: TaskGrant): TaskGrant {
  if (checked.has(given)) return given
  if (typeof given !== 'object' || given === null) throw new ConfigError('grant', given, 'a task grant')
  const { from, by, tools, within } = given
  if (from !== 'rule' && from !== 'person' && from !== 'model')
    throw new ConfigError('grant.from', from, "'rule', 'person' or 'model'")
  if (typeof by !== 'string' || by === '') throw new ConfigError('grant.by', by, 'who gave it')
  if (typeof tools !== 'object' || tools === null || Array.isArray(tools))
    throw new ConfigError('grant.tools', tools, 'an object of tools')
  const bounds = new Map(Object.entries(tools).map(([tool, entry]) => [tool, entryBounds(tool, entry)]))
  const copy: TaskGrant = Object.freeze({
    from,
    by,
    tools: Object.freeze(
      Object.fromEntries([...bounds].map(([tool, one]) => [tool, Object.freeze({ args: one.bounds })])),
    ),
    ...(within === undefined ? {} : { within: taskGrant(within) }),
  })
  checked.set(copy, bounds)
  return copy
}

/** Whether a call is inside the grant, and inside every grant that this one was narrowed from. */
export function grantAllows(grant: TaskGrant, tool: string, input: Json): boolean {
  for (let link: TaskGrant | undefined = taskGrant(grant); link; link = link.within) {
    const bounds = checked.get(link)?.get(tool)
    if (bounds === undefined || !bounds.holdFor(input)) return false
  }
  return true
}

/**
 * Whether a rule or a person bounded every control argument of the tool, so that the grant is a basis for an
 * irreversible effect that it also allows (`grantAllows`).
 *
 * An argument may be bounded by `any`, but not all of them: such a grant bounds nothing. A model's bounds do
 * not count, whatever they were narrowed from.
 */
export function grantBoundsAll(grant: TaskGrant, tool: string, controlPlaces: readonly Place[]): boolean {
  for (let link: TaskGrant | undefined = taskGrant(grant); link; link = link.within)
    if (link.from !== 'model' && checked.get(link)?.get(tool)?.cover(controlPlaces)) return true
  return false
}

/**
 * The grant that allows what both allow. `proposed` cannot add a tool or reach further than `grant` does;
 * with no grant yet, it stands alone.
 */
export function narrow(grant: TaskGrant | undefined, proposed: TaskGrant): TaskGrant {
  if (grant === undefined) return taskGrant(proposed)
  const { from, by, tools, within } = taskGrant(proposed)
  const base = taskGrant(grant)
  const kept = Object.entries(tools).filter(([tool]) => Object.hasOwn(base.tools, tool))
  // Bounds are chained, not merged: the longest path wins within one map, so a merged map could reach further.
  return taskGrant({
    from,
    by,
    tools: Object.fromEntries(kept),
    within: within === undefined ? base : narrow(base, within),
  })
}

function entryBounds(tool: string, entry: unknown): CheckedBounds {
  const key = `grant.tools['${tool}']`
  if (typeof entry !== 'object' || entry === null) throw new ConfigError(key, entry, '{ args?: bounds }')
  const unknownKey = Reflect.ownKeys(entry).find((one) => one !== 'args')
  if (unknownKey !== undefined) throw new ConfigError(`${key}.${String(unknownKey)}`, 'a key', 'only args')
  return checkBounds(`${key}.args`, 'args' in entry ? entry.args : {})
}
