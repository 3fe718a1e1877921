import { ConfigError } from '../errors.ts'
import type { PolicyRequest } from './request.ts'
import type { Condition } from './rules.ts'

/** Whether the request is made within one of these tenants. A request with no tenant is in none. */
export function tenantIs(...tenants: readonly string[]): Condition {
  if (tenants.length === 0 || tenants.some((tenant) => typeof tenant !== 'string' || tenant === ''))
    throw new ConfigError('tenantIs', tenants, 'at least one tenant')
  const set: ReadonlySet<string | undefined> = new Set(tenants)
  return ({ tenant }: PolicyRequest) => set.has(tenant)
}

/**
 * Whether the classification of the tool is `level` or below, in `levels` from the lowest to the highest.
 * One that is missing, or not among the levels, counts as above them all.
 *
 * @throws {ConfigError} If `level` is not among them, or one is there twice.
 */
export function classificationAtMost(level: string, levels: readonly string[]): Condition {
  const most = levels.indexOf(level)
  if (new Set(levels).size !== levels.length)
    throw new ConfigError('classificationAtMost levels', levels, 'each level once')
  if (most < 0) throw new ConfigError('classificationAtMost level', level, `one of ${levels.join(', ')}`)
  const allowed: ReadonlySet<string | undefined> = new Set(levels.slice(0, most + 1))
  return ({ classification }: PolicyRequest) => allowed.has(classification)
}

/** Whether fewer than `calls` calls were executed so far in this run: of `tool`, or of all tools. */
export function velocityBelow(calls: number, tool?: string): Condition {
  if (!Number.isSafeInteger(calls) || calls < 1)
    throw new ConfigError('velocityBelow', calls, 'a whole number of calls, at least 1')
  if (tool !== undefined && (typeof tool !== 'string' || tool === ''))
    throw new ConfigError('velocityBelow tool', tool, 'the name of a tool')
  return ({ counts }: PolicyRequest) => counts.calls(tool) < calls
}

/** The opposite of a condition. One that fails still fails: what is not true or false has no opposite. */
export function not(condition: Condition): Condition {
  return (request: PolicyRequest) => {
    const holds: unknown = condition(request)
    // Given back as it is, so that the evaluation sees it and denies.
    return typeof holds === 'boolean' ? !holds : (holds as boolean)
  }
}
