import { auditCall } from './audit-call.ts'
import { refusal } from './decide.ts'
import { CredentialError, GuardError, HaltedError, UnavailableError } from './errors.ts'
import type { Invocation, Progress } from './invocation.ts'
import { dropLimits } from './limit-settle.ts'
import { releaseMade } from './made-calls.ts'
import type { Decision } from './policy/decision.ts'
import type { RunState } from './run-state.ts'
import { violated, violationOf } from './watch.ts'

/** All that the model may learn of a refusal: nothing of the value, the reader or the rule that it met. */
export const REFUSAL: string =
  'The guard did not permit this call, so it was not made. It may need the approval of a person. ' +
  'Tell the user what you could not do, and go on with what you can.'

/** Undo what a refused call holds, audit the refusal, and give the error that the caller throws. */
export async function refuse(
  run: RunState,
  invocation: Invocation,
  state: Progress,
  error: unknown,
): Promise<unknown> {
  run.counts.refusals += 1
  releaseMade(run, state.reserved)
  const refused = uniform(error)
  rememberRefusal(run, invocation, refused)
  await dropLimits(run, invocation, state.held)
  try {
    await auditCall(run, invocation, state.decided, 'deny', state.approval, refused.code, refused.decision)
    const violation = invocation.isLookup === true ? undefined : violationOf(invocation.tool, refused)
    if (violation !== undefined) await violated(run, violation, invocation.tool.name)
  } catch (cause) {
    return new UnavailableError('ERR_AUDIT_UNAVAILABLE', REFUSAL, { cause })
  }
  return refused
}

/** What the model is told of a refusal is the developer's word; that it came to it is the doing of the cause. */
function rememberRefusal(run: RunState, { call, tool, snapshot }: Invocation, refused: GuardError): void {
  const text = String(refused)
  const chunk = run.ledger.append({
    origin: { kind: 'tool-error', call, tool: tool.name },
    label: run.developerLabel,
    selectedBy: snapshot.cause,
    content: text,
  })
  run.transcript.rememberResult(call, text, chunk.id)
}

/** The same error in the one wording: which check spoke stands in `code`, `decision` and `cause`. */
function uniform(error: unknown): GuardError {
  if (!GuardError.isInstance(error))
    return new UnavailableError('ERR_POLICY_UNAVAILABLE', REFUSAL, { cause: error })
  if (error.message === REFUSAL) return error
  const { code } = error
  const decision = error.decision ?? refusal('execute', code, error.message)
  if (error instanceof HaltedError) return new HaltedError(code, REFUSAL, { cause: error, decision })
  if (error instanceof CredentialError) return credentialRefusal(error, decision)
  return error instanceof UnavailableError
    ? new UnavailableError(code, REFUSAL, { cause: error, decision })
    : new GuardError(code, REFUSAL, { cause: error, decision })
}

/** The same refusal with what the application may do about it. */
export function credentialRefusal(error: CredentialError, decision: Decision): CredentialError {
  const { code, reason, link, claims } = error
  return new CredentialError(code as 'ERR_CREDENTIAL', REFUSAL, {
    cause: error,
    decision,
    ...(reason === undefined ? {} : { reason }),
    ...(link === undefined ? {} : { link }),
    ...(claims === undefined ? {} : { claims }),
  })
}
