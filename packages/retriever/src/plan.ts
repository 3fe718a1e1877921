import { GuardError, UnavailableError } from '@gatewright/runtime'
import { within } from './deadline.ts'
import type { Access, PermissionSource, Plan } from './permissions.ts'

/** What a source said that somebody may be shown. */
export interface Planned {
  readonly plan: Plan
  readonly consistencyToken: string | undefined
  /** The names of the subject in access lists; undefined where its access does not go by them. */
  readonly principals: readonly string[] | undefined
}

export interface PlannerOptions {
  readonly source: PermissionSource
  /** How long a plan is used again, in milliseconds. A recheck stands between a plan that is out of date and the model. */
  readonly keptMs: number
  readonly timeoutMs: number
  /** Milliseconds of a clock that is never set back. */
  readonly elapsed: () => number
  /** Changes with each halt, so that what was planned before one is not used after it. */
  readonly epoch: () => string
}

const MOST_KEPT = 1000

/**
 * Ask a source for plans, and keep them for seconds, by everything that they depend on.
 *
 * Fails closed: no plan, no retrieval, with `ERR_POLICY_UNAVAILABLE`. A failure is never kept.
 */
export function createPlanner(
  options: PlannerOptions,
): (access: Access, signal: AbortSignal) => Promise<Planned> {
  const { source, keptMs, timeoutMs, elapsed, epoch } = options
  const kept = new Map<string, { readonly planned: Planned; readonly until: number }>()

  return async (access, signal) => {
    const keyBefore = keyOf(access, source, epoch())
    const known = kept.get(keyBefore)
    if (known !== undefined && known.until > elapsed()) return known.planned
    const asked = elapsed()
    let planned: Planned
    try {
      planned = await within(timeoutMs, signal, async (cut) => {
        const [{ plan, consistencyToken }, principals] = await Promise.all([
          source.plan(access, { signal: cut }),
          source.principals?.(access, { signal: cut }),
        ])
        return { plan, consistencyToken, principals }
      })
      if (!KINDS.has(planned.plan.kind)) throw new TypeError('A plan of an unknown kind.')
    } catch (cause) {
      signal.throwIfAborted()
      if (
        cause instanceof UnavailableError ||
        (GuardError.isInstance(cause) && cause.code === 'ERR_CONFIG_INVALID')
      )
        throw cause
      throw new UnavailableError(
        'ERR_POLICY_UNAVAILABLE',
        'What may be retrieved could not be established.',
        {
          cause,
        },
      )
    }
    // Counted from when it was asked for; rules that changed meanwhile have another key already.
    if (keptMs > 0 && keyOf(access, source, epoch()) === keyBefore) {
      if (kept.size >= MOST_KEPT) kept.clear()
      kept.set(keyBefore, { planned, until: asked + keptMs })
    }
    return planned
  }
}

const KINDS: ReadonlySet<string> = new Set<Plan['kind']>(['none', 'all', 'filter', 'ids', 'postcheck'])

function keyOf(access: Access, { policyVersion }: PermissionSource, epoch: string): string {
  const { subject, tenant, action, type, attributes = {} } = access
  const sorted = Object.entries(attributes).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify([subject, tenant ?? null, action, type, sorted, policyVersion?.() ?? '', epoch])
}
