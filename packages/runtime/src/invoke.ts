import { randomUUID } from 'node:crypto'
import { approvalCall, approve, deadline } from './approve.ts'
import type { ExecutedCall } from './attest/evidence.ts'
import { checkSubject } from './agent-check.ts'
import { auditCall } from './audit-call.ts'
import { checkInput, holdsCredential } from './call-credential.ts'
import { callSignal, orStopped } from './call-signal.ts'
import type { CallCredential } from './credentials/source.ts'
import { noCredential, obtainCredential } from './obtain-credential.ts'
import { decide, type Decided, haltSubject, type Question, refusal } from './decide.ts'
import {
  ApprovalError,
  DeniedError,
  GuardError,
  type GuardErrorCode,
  HaltedError,
  UnavailableError,
} from './errors.ts'
import { execute, type Executed } from './execute.ts'
import type { Invocation, Progress } from './invocation.ts'
import { canonicalJson, type Json } from './json/plain.ts'
import type { Snapshot } from './ledger/ledger.ts'
import { takeLimits } from './limit-call.ts'
import { type CallEnd, type HeldLimits, settleLimits } from './limit-settle.ts'
import { releaseMade, reserveMade } from './made-calls.ts'
import type { Decision } from './policy/decision.ts'
import { refuse, REFUSAL } from './refuse.ts'
import { checkRunning, type RunState } from './run-state.ts'

/**
 * THE enforcement point: the one path from a call to its tool.
 *
 * In order: decide (halted, identity, contract, authority, flow, policy, risk), approval, limits, decide again
 * if the call waited, credential, audit of the attempt, execute, label, commit, audit of the outcome. What was
 * decided on is what runs, and every refusal is audited.
 *
 * @throws {GuardError} For every refusal, always with the same message; `code` and `decision` tell the developer.
 */
export async function invoke(run: RunState, invocation: Invocation): Promise<Executed> {
  const signal = callSignal(run, invocation)
  const { decided, credential, held } = await admit(run, invocation, signal)
  const startedAt = run.guard.now().getTime()
  const settled = (end: CallEnd): Promise<void> | undefined =>
    settleLimits(run, invocation, held, { end, startedAt, signal })
  let executed
  try {
    executed = await execute(run, invocation, decided, credential, signal)
  } catch (error) {
    await settled({ error })
    throw error
  }
  const charged = settled(executed)
  if (charged !== undefined) await charged
  return executed
}

interface Admitted {
  readonly held: HeldLimits
  readonly decided: Decided
  readonly credential: CallCredential | undefined
}

/** Steps 1 to 11, and the audit of the attempt: everything before the effect. */
async function admit(run: RunState, invocation: Invocation, signal: AbortSignal): Promise<Admitted> {
  const held: HeldLimits = { drawn: [], slot: undefined, ticket: undefined }
  const state: Progress = { decided: undefined, reserved: undefined, held, approval: undefined }
  try {
    checkGoesOn(run, invocation)
    checkInput(run, invocation.input)
    const question = questionOf(run, invocation, signal, () => held.slot !== undefined)
    let decided = await settle(run, question, state, undefined)
    if (decided.decision.outcome === 'ask') {
      if (invocation.isLookup === true)
        throw new ApprovalError('ERR_APPROVAL_REQUIRED', REFUSAL, { decision: decided.decision })
      state.approval = await approve(run, invocation, decided, signal)
      // A person's yes does not freeze the world: everything but the yes is decided again.
      decided = await again(run, question, decided, state)
      if (decided.made !== undefined && reserveMade(run, decided.made)) state.reserved = decided.made
    }
    const waited = takeLimits(run, invocation, decided, held, signal)
    if (typeof waited === 'boolean' ? waited : await waited)
      decided = await again(run, question, decided, state)
    const credential =
      invocation.tool.contract.contract.credentials === undefined
        ? undefined
        : await credentialOf(run, invocation, decided, signal)
    checkNotHalted(run, invocation)
    const kept = auditCall(run, invocation, decided, 'permit', state.approval)
    if (kept !== undefined) {
      await kept
      checkNotHalted(run, invocation)
    }
    return { decided, credential, held }
  } catch (error) {
    throw await refuse(run, invocation, state, error)
  }
}

/** Neither the run, nor the call that this one is made by, has been stopped. */
function checkGoesOn(run: RunState, { within }: Invocation): void {
  checkRunning(run)
  if (within?.aborted === true && GuardError.isInstance(within.reason)) throw within.reason
}

function checkNotHalted(run: RunState, invocation: Invocation): void {
  checkGoesOn(run, invocation)
  checkSubject(run)
  const { tool } = invocation
  const halt = run.guard.halts.haltOf(haltSubject(run, tool.name))
  if (halt === undefined) return
  const decision = refusal('halt', 'halted', `Halted by ${halt.by}: ${halt.reason}`)
  throw new HaltedError('ERR_HALTED', REFUSAL, { decision })
}

/**
 * Whether a call would wait for a person, if it were made now. Takes nothing, permits nothing; where it would wait,
 * the person is asked already, so that their answer can be there when the call is made.
 */
export async function preview(run: RunState, invocation: Invocation): Promise<boolean> {
  const signal = invocation.signal ?? run.signal
  checkRunning(run)
  if (holdsCredential(run, invocation.input)) return false
  const decided = await decide(run, questionOf(run, invocation, signal))
  releaseMade(run, decided.reserved)
  const { approvals } = run.guard
  if (decided.decision.outcome !== 'ask') return false
  if (approvals !== undefined)
    await approvals.request(approvalCall(run, invocation, decided), { signal, ...deadline(invocation) })
  return true
}

/** What the decision path is asked about a call. Its look-ups run as reads, through here. */
export function questionOf(
  run: RunState,
  invocation: Invocation,
  signal: AbortSignal,
  hasRoom: () => boolean = () => false,
): Question {
  const { call, tool, input, snapshot } = invocation
  return {
    call,
    tool,
    input,
    snapshot,
    signal,
    lookup: (name, key) =>
      lookUp(
        run,
        { name, input: key, snapshot, isNested: invocation.isNested === true || hasRoom() },
        signal,
      ),
  }
}

async function settle(
  run: RunState,
  question: Question,
  state: Progress,
  reserved: string | undefined,
): Promise<Decided> {
  const decided = await decide(run, { ...question, reserved })
  state.decided = decided
  state.reserved = decided.reserved ?? reserved
  const { decision } = decided
  if (decision.outcome !== 'deny') return decided
  const code = codeOf(decision)
  throw code === 'ERR_HALTED'
    ? new HaltedError(code, REFUSAL, { decision })
    : new DeniedError(code, REFUSAL, { decision })
}

async function again(run: RunState, question: Question, before: Decided, state: Progress): Promise<Decided> {
  const now = await settle(run, { ...question, input: before.input }, state, state.reserved)
  const { approval } = state
  const same = canonicalJson(now.input) === canonicalJson(before.input)
  if (!same || (now.decision.outcome === 'ask' && (approval === undefined || !sameQuestion(before, now))))
    throw new ApprovalError('ERR_APPROVAL_STALE', REFUSAL, {
      decision: now.decision,
      ...(approval && { requestId: approval.requestId }),
    })
  return now
}

/** A yes answers the question that was asked: a reason that came up since was not part of it. */
function sameQuestion(before: Decided, now: Decided): boolean {
  const asked = new Set(before.decision.reasons.map(({ rule, path }) => `${rule}\u0000${path ?? ''}`))
  const open = now.decision.reasons.filter(({ outcome }) => outcome !== 'permit')
  return (
    now.policyVersion === before.policyVersion &&
    open.every(({ rule, path }) => asked.has(`${rule}\u0000${path ?? ''}`))
  )
}

/** The credential of a call; got when everything else permitted it. */
async function credentialOf(
  run: RunState,
  invocation: Invocation,
  decided: Decided,
  signal: AbortSignal,
): Promise<CallCredential | undefined> {
  const { tool } = invocation
  const wanted = tool.contract.contract.credentials
  if (wanted === undefined) return undefined
  // Waiting for limits may have taken a while, and a token outlives a halt.
  checkNotHalted(run, invocation)
  try {
    const given = obtainCredential(run, tool, wanted, decided.input, signal)
    return 'then' in given ? await orStopped(given, signal) : given
  } catch (error) {
    checkNotHalted(run, invocation)
    throw noCredential(error)
  }
}

/** A read that the guard runs itself, as any read is run; undefined where it is refused or fails. */
async function lookUp(
  run: RunState,
  { name, input, snapshot, isNested }: { name: string; input: Json; snapshot: Snapshot; isNested: boolean },
  signal: AbortSignal,
): Promise<ExecutedCall | undefined> {
  const tool = run.tools.get(name)
  if (tool === undefined || !tool.contract.plainRead) return undefined
  const call = `lookup-${randomUUID()}`
  run.ledger.recordCall({
    id: call,
    providerId: call,
    tool: name,
    step: snapshot.step,
    said: undefined,
  }).taken = true
  try {
    await invoke(run, {
      call,
      tool,
      input,
      snapshot,
      signal,
      isLookup: true,
      isNested,
      perform: tool.perform,
    })
  } catch (error) {
    checkRunning(run)
    if (error instanceof UnavailableError) throw error
    return undefined
  }
  return run.evidence.calledWith(name, input, run.ledger.turn)
}

const IDENTITY_CODES: Readonly<Record<string, GuardErrorCode>> = {
  'agent-unknown': 'ERR_AGENT_UNKNOWN',
  'agent-retired': 'ERR_AGENT_RETIRED',
  'agent-expired': 'ERR_AGENT_EXPIRED',
  'agent-session-lost': 'ERR_AGENT_SESSIONS',
  'subject-expired': 'ERR_SUBJECT_EXPIRED',
}

function codeOf(decision: Decision): GuardErrorCode {
  const step = decision.reasons.find(({ outcome }) => outcome === 'deny')
  if (step?.step === 'halt') return 'ERR_HALTED'
  if (step?.step === 'identity') return IDENTITY_CODES[step.rule] ?? 'ERR_DENIED'
  if (step?.rule === 'input-invalid') return 'ERR_INPUT_INVALID'
  return 'ERR_DENIED'
}
