import type { Alert } from './control/alert.ts'
import type { Deviation } from './control/baseline.ts'
import type { Trip, Violation } from './control/violation.ts'
import type { GuardError } from './errors.ts'
import type { RunState } from './run-state.ts'
import type { GuardedTool } from './tool.ts'

/** Who halts a run that a limit stopped, in the records. */
export const GUARD = 'gatewright'

type Raised = Pick<Alert, 'kind' | 'text' | 'halted'> & { readonly tool?: string | undefined }

/**
 * Tell a person, and halt the run first where that is due. Nobody waits for the person.
 *
 * @throws {UnavailableError} `ERR_AUDIT_UNAVAILABLE`; a halt stands all the same.
 */
export async function raise(run: RunState, { kind, text, halted, tool }: Raised): Promise<void> {
  const { guard, principal } = run
  const scope = { run: run.id }
  if (halted) await guard.halts.halt(scope, { by: GUARD, reason: text })
  const options = { signal: NEVER }
  if (halted)
    await run.audit.record({ type: 'halt', action: 'halt', scope, by: GUARD, reason: text }, options)
  await run.audit.record({ type: 'alert', kind, tool, text, halted }, options)
  const { alert } = guard.limiting
  if (alert === undefined) return
  const told: Alert = {
    kind,
    run: run.id,
    session: run.session,
    subject: principal.subject,
    agent: run.actor,
    tenant: principal.tenant,
    tool,
    at: guard.now(),
    text,
    halted,
  }
  void (async () => alert(told, options))().catch(() => {})
}

const NEVER = new AbortController().signal

/** Count something that an agent should not have to do often; too much of it halts the run. */
export async function violated(run: RunState, violation: Violation, tool: string): Promise<void> {
  const trip = await run.guard.limiting.violations?.add({ run: run.id, agent: run.actor }, violation)
  if (trip !== undefined) await raise(run, { kind: 'violations', tool, halted: true, text: violations(trip) })
}

/** Count what a run spends, in millionths; too much at once halts it. */
export async function spent(run: RunState, cost: number): Promise<void> {
  const trip = await run.guard.limiting.costRate?.add({ run: run.id, agent: run.actor }, cost)
  if (trip === undefined) return
  const { of, limit, windowMs } = trip
  const text = `The ${of} spent ${limit / 1e6} or more within ${windowMs} ms.`
  await raise(run, { kind: 'cost-rate', halted: true, text })
}

/** Tell of what is unlike the agent's past; a kind that the developer listed pauses the run. */
export async function unusual(
  run: RunState,
  deviations: readonly Deviation[],
  tool?: string | undefined,
): Promise<void> {
  for (const { kind, text } of deviations)
    await raise(run, { kind, tool, text, halted: run.guard.limiting.pause.has(kind) })
}

function violations({ of, limit, windowMs }: Trip): string {
  return `The calls of the ${of} were refused too often: ${limit} or more, by weight, within ${windowMs} ms.`
}

const DESTINATIONS: ReadonlySet<string> = new Set(['reader-not-admitted', 'unattested-link'])
const ADDRESSES: ReadonlySet<string> = new Set(['email', 'url', 'phone', 'iban'])

/** What a refusal counts as; undefined for one that is not the agent's doing, or that a person still has to answer. */
export function violationOf({ contract }: GuardedTool, error: GuardError): Violation | undefined {
  const { code } = error
  if (code === 'ERR_HALTED' || code === 'ERR_RUN_ENDED' || code.startsWith('ERR_AGENT')) return undefined
  if (code === 'ERR_SUBJECT_EXPIRED') return undefined
  if (code.endsWith('_UNAVAILABLE')) return undefined
  // What only the user can put right is not the agent's doing.
  if (code === 'ERR_CONSENT_REQUIRED' || code === 'ERR_INTERACTION_REQUIRED') return undefined
  if (code === 'ERR_APPROVAL_REJECTED') return 'rejected'
  if (code === 'ERR_APPROVAL_REQUIRED' && 'requestId' in error && error.requestId !== undefined)
    return undefined
  if (code === 'ERR_CREDENTIAL') return 'credential'
  const isDestination = error.decision?.reasons.some(({ rule, outcome, path }) => {
    if (outcome === 'permit') return false
    if (DESTINATIONS.has(rule)) return true
    if (rule !== 'unattested-argument' || path === undefined) return false
    const argument = contract.argumentAt(path.split('.'))
    return argument.role === 'control' && ADDRESSES.has(argument.type)
  })
  return isDestination === true ? 'destination' : 'refusal'
}
