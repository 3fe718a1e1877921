import { orStopped } from './call-signal.ts'
import { guardQuotaKeys, type NamedLimit, quotaKeys, type QuotaScope } from './control/quota.ts'
import { type Decided, refusal } from './decide.ts'
import { LimitError, UnavailableError } from './errors.ts'
import type { Invocation } from './invocation.ts'
import type { HeldLimits } from './limit-settle.ts'
import { REFUSAL } from './refuse.ts'
import { checkRunning, type RunState } from './run-state.ts'
import { unusual } from './watch.ts'

/** Longest that a reservation stays open, unless the call itself may take longer. */
const RESERVATION_MS = 10 * 60_000
const DEADLINE_MARGIN_MS = 60_000

/**
 * Step 9: room to run in, a breaker that is closed, and every quota that applies, all or none. True where the
 * call waited for them.
 *
 * @throws {LimitError} `ERR_LIMIT_EXCEEDED` or `ERR_BREAKER_OPEN`; `decision` says which limit.
 * @throws {UnavailableError} `ERR_LIMITS_UNAVAILABLE`, if they cannot be counted.
 */
export function takeLimits(
  run: RunState,
  invocation: Invocation,
  decided: Decided,
  held: HeldLimits,
  signal: AbortSignal,
): boolean | Promise<boolean> {
  const { tool } = invocation
  const { bulkheads, baseline } = run.guard.limiting
  const drawn = drawnBy(run, invocation, decided)
  // Most calls have nothing to wait for, and are not to wait for a turn of the event loop either.
  if (drawn.length > 0 || baseline !== undefined || bulkheads?.covers(tool.name) === true)
    return takeAll(run, invocation, drawn, held, signal)
  enterBreaker(run, tool.name, held)
  return false
}

async function takeAll(
  run: RunState,
  { call, tool, isNested }: Invocation,
  drawn: readonly NamedLimit[],
  held: HeldLimits,
  signal: AbortSignal,
): Promise<boolean> {
  const { limiting, limits } = run.guard
  const { tenant } = run.principal
  let waited = false
  // What a tool calls in turn runs in its room: asking for more while holding some is how deadlocks are made.
  if (isNested !== true && limiting.bulkheads?.covers(tool.name) === true) {
    const entering = limiting.bulkheads.enter({ tool: tool.name, tenant }, { signal })
    if (entering === undefined)
      throw limited('ERR_LIMIT_EXCEEDED', 'bulkhead-full', 'Too many calls wait for this tool or tenant.')
    held.slot = await entering
    waited = true
  }
  if (drawn.length > 0) {
    let answer
    try {
      const { deadlineMs = 0 } = tool.contract.contract
      const ttl = Math.max(RESERVATION_MS, deadlineMs + DEADLINE_MARGIN_MS)
      // From here on it may be held, whatever comes back.
      held.drawn = drawn
      const given = limits.reserve(call, drawn, ttl, { signal })
      waited ||= 'then' in given
      answer = 'then' in given ? await orStopped(given, signal) : given
    } catch (cause) {
      throw new UnavailableError('ERR_LIMITS_UNAVAILABLE', REFUSAL, { cause })
    }
    if (!answer.ok) {
      const { key, retryAfterMs } = answer
      held.drawn = []
      const name = drawn.find((one) => one.key === key)?.name ?? 'a quota'
      throw limited('ERR_LIMIT_EXCEEDED', 'quota-exceeded', `Used up: ${name}.`, retryAfterMs)
    }
    for (const { key, isOfRun } of drawn) if (isOfRun) run.accounts.add(key)
  }
  // Last, so that the one call that may try a tool again is not wasted on one that is refused.
  enterBreaker(run, tool.name, held)
  const { baseline } = limiting
  if (baseline !== undefined) {
    await unusual(run, baseline.called(tool.name), tool.name)
    // What is unusual may have paused the run.
    checkRunning(run)
  }
  return waited
}

function enterBreaker({ guard, principal }: RunState, tool: string, held: HeldLimits): void {
  const leave = guard.limiting.breakers?.enter(tool, principal.tenant)
  if (leave !== undefined && 'retryAfterMs' in leave)
    throw limited('ERR_BREAKER_OPEN', 'breaker-open', 'The tool keeps failing.', leave.retryAfterMs)
  held.ticket = leave
}

function drawnBy(run: RunState, { tool }: Invocation, decided: Decided): readonly NamedLimit[] {
  const { guard } = run
  const { quota, deadlineMs } = tool.contract.contract
  let ofGuard
  try {
    ofGuard = guard.limiting.quotas()
  } catch (cause) {
    throw new UnavailableError('ERR_LIMITS_UNAVAILABLE', REFUSAL, { cause })
  }
  if (quota === undefined && ofGuard.length === 0) return []
  const scope = { ...scopeOf(run), tool: tool.name, resource: decided.request?.resource }
  const call = { input: decided.input, deadlineMs }
  try {
    return [
      ...(quota === undefined ? [] : quotaKeys(quota, scope, call)),
      ...guardQuotaKeys(ofGuard, scope, call),
    ]
  } catch (cause) {
    throw limited(
      'ERR_LIMIT_EXCEEDED',
      'quota-unreadable',
      'What the call costs cannot be told.',
      undefined,
      cause,
    )
  }
}

/** Whom limits of a run are counted by. */
export function scopeOf({ id, session, principal, actor }: RunState): Omit<QuotaScope, 'tool'> {
  return { run: id, session, user: principal.subject, agent: actor, tenant: principal.tenant }
}

function limited(
  code: 'ERR_LIMIT_EXCEEDED' | 'ERR_BREAKER_OPEN',
  rule: string,
  text: string,
  retryAfterMs?: number | undefined,
  cause?: unknown,
): LimitError {
  return new LimitError(code, REFUSAL, {
    decision: refusal('limits', rule, text),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(cause === undefined ? {} : { cause }),
  })
}
