import type { BreakerTicket } from './control/breaker.ts'
import type { Slot } from './control/bulkhead.ts'
import type { NamedLimit } from './control/quota.ts'
import { GuardError } from './errors.ts'
import type { Invocation } from './invocation.ts'
import type { Json } from './json/plain.ts'
import type { RunState } from './run-state.ts'
import { unusual } from './watch.ts'

/** What a call holds of its limits, for whoever has to settle it or give it back. */
export interface HeldLimits {
  /** What it has reserved. */
  drawn: readonly NamedLimit[]
  slot: Slot | undefined
  ticket: BreakerTicket | undefined
}

/** Give back what a refused call holds. What cannot be given back stays charged until it lapses. */
export async function dropLimits(run: RunState, { call }: Invocation, held: HeldLimits): Promise<void> {
  held.slot?.[Symbol.dispose]()
  held.ticket?.done('none')
  if (held.drawn.length === 0) return
  try {
    await run.guard.limits.release(call, { signal: NEVER })
  } catch {}
}

/** How an execution ended. */
export type CallEnd = { readonly output: Json } | { readonly error: unknown }

/** Step 14: charge what the call really took, tell the breaker how it went, and make room. */
export function settleLimits(
  run: RunState,
  { call, tool }: Invocation,
  held: HeldLimits,
  { end, startedAt, signal }: { end: CallEnd; startedAt: number; signal: AbortSignal },
): Promise<void> | undefined {
  held.slot?.[Symbol.dispose]()
  const stopped = run.signal.aborted || signal.aborted
  held.ticket?.done(
    'output' in end
      ? 'ok'
      : stopped || GuardError.isInstance(end.error)
        ? 'none'
        : isFailure(run, end.error, tool.name)
          ? 'failed'
          : 'ok',
  )
  if (held.drawn.length === 0 && run.guard.limiting.baseline === undefined) return undefined
  return charge(run, { call, tool: tool.name }, held, { end, startedAt, stopped })
}

async function charge(
  run: RunState,
  { call, tool }: { call: string; tool: string },
  held: HeldLimits,
  { end, startedAt, stopped }: { end: CallEnd; startedAt: number; stopped: boolean },
): Promise<void> {
  const { limiting, limits, now } = run.guard
  const bytes =
    held.drawn.some(({ unit }) => unit === 'bytes') || limiting.baseline ? bytesOf(end) : undefined
  if (held.drawn.length > 0) {
    const elapsed = now().getTime() - startedAt
    const used: Record<string, number> = {}
    for (const { key, unit } of held.drawn) {
      // A call that was cut off may still be running: it is charged as it was held, or more.
      const isOver = 'output' in end || !(stopped || isTimeout(end.error))
      if (unit === 'bytes' && bytes !== undefined && isOver) used[key] = bytes
      // A clock that went back says nothing of how long the call ran.
      if (unit === 'wallMs' && elapsed >= 0 && isOver) used[key] = elapsed
    }
    try {
      await limits.settle(call, used, { signal: NEVER })
    } catch {
      // The call was made, and must not look as if it failed; what is not settled stays charged in full.
    }
  }
  if (limiting.baseline === undefined || bytes === undefined || !('output' in end)) return
  const deviation = limiting.baseline.returned(tool, bytes)
  if (deviation !== undefined) await unusual(run, [deviation], tool)
}

const NEVER = new AbortController().signal

function isFailure({ guard }: RunState, error: unknown, tool: string): boolean {
  try {
    return guard.limiting.isFailure(error, tool)
  } catch {
    return true
  }
}

function bytesOf(end: CallEnd): number {
  return Buffer.byteLength('output' in end ? JSON.stringify(end.output) : String(end.error))
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
}
