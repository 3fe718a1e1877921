import { type Leaf, type Place, pathMap } from '../json/path.ts'
import type { JsonScalar } from '../json/plain.ts'

/** What a control argument may be: one of these exact values, or a number from 0 up to this. */
export type StandingBound = { readonly values: readonly JsonScalar[] } | { readonly atMost: number }

/** A bounded grant that a person ticked: these calls, from these sources, until then. */
export interface StandingApproval {
  readonly id: string
  readonly by: string
  /** The run whose ledger `sources` counts in. */
  readonly run: string
  readonly tool: string
  /** By path of the control argument; every one must be bounded, and every bound met. */
  readonly bounds: Readonly<Record<string, StandingBound>>
  /** Ids of the untrusted chunks that the person was shown. A call that any other has led to asks again. */
  readonly sources: readonly number[]
  readonly expires: Date
}

/** A call as a standing approval sees it. */
export interface StandingCall {
  readonly run: string
  readonly tool: string
  /** Every control leaf of the input. */
  readonly leaves: readonly { readonly place: Place; readonly value: Leaf['value'] }[]
  /** Ids of all untrusted chunks in the call's cause. */
  readonly untrustedChunks: Iterable<number>
  readonly now: Date
}

/**
 * Whether a standing approval covers a call.
 *
 * Only if every control leaf meets its bound, no bounded argument is missing, and nothing untrusted has come in
 * since. One without bounds covers nothing. Nothing in content can widen it.
 */
export function standingCovers(standing: StandingApproval, call: StandingCall): boolean {
  if (standing.run !== call.run || standing.tool !== call.tool || !(call.now < standing.expires)) return false
  const ticked = new Set(standing.sources)
  for (const chunk of call.untrustedChunks) if (!ticked.has(chunk)) return false
  const bounds = Object.entries(standing.bounds).map(([path, bound]) => [path, { path, bound }] as const)
  const byPath = pathMap(Object.fromEntries(bounds))
  const met = new Set<string>()
  for (const { place, value } of call.leaves) {
    const found = byPath.find(place)
    if (found === undefined || !within(value, found.bound)) return false
    met.add(found.path)
  }
  return bounds.length > 0 && met.size === bounds.length
}

function within(value: Leaf['value'], bound: StandingBound): boolean {
  if ('values' in bound) return bound.values.some((one) => one === value)
  return typeof value === 'number' && value >= 0 && value <= bound.atMost
}
