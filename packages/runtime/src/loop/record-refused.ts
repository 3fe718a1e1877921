import type { RequestRefusedFact, ToolRefusedFact } from '../audit/event.ts'
import { type Run, stateOf } from '../run.ts'

/**
 * Record in the audit of a run that a tool is not offered in it, or that a request was refused before the guard could
 * decide on it as a call.
 *
 * @throws {UnavailableError} `ERR_AUDIT_UNAVAILABLE`, if the sink fails: whoever refuses offers nothing then.
 */
export async function recordRefused(run: Run, fact: ToolRefusedFact | RequestRefusedFact): Promise<void> {
  await stateOf(run).audit.record(fact, { signal: run.signal })
}
