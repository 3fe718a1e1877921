import { ApprovalError, ConfigError, GuardError, UnavailableError } from '../errors.ts'
import type {
  ApprovalCall,
  ApprovalChannel,
  ApprovalOutcome,
  ApprovalRequest,
  Approvals,
  AskOptions,
} from './approval.ts'
import { approvalDigest, callKey, fixedCall } from './approval-digest.ts'
import { shownFacts } from './approval-facts.ts'
import { type Approver, isAgent, type Statement, statementVerifier } from './approval-signature.ts'
import { type ApprovalRecord, type ApprovalStore, memoryApprovalStore } from './approval-store.ts'
import { createWaits, LONGEST_TIMER } from './wait.ts'

export interface ApprovalsOptions {
  readonly channel: ApprovalChannel
  /** Whose signed decisions count. */
  readonly approvers: readonly Approver[]
  readonly now: () => Date
  /** Ids that nobody can foresee; `crypto.randomUUID`. */
  readonly newId: () => string
  /** How long a request stays open, in milliseconds. Default 15 minutes. */
  readonly deadlineMs?: number
  /** How long a call waits for its answer, in milliseconds, before it is refused as pending. Default: `deadlineMs`. */
  readonly waitMs?: number
  /** Default: this process's memory. */
  readonly store?: ApprovalStore
}

const NEVER = new AbortController().signal

/**
 * Approvals over one channel, by these approvers.
 *
 * @throws {ConfigError} If there is no approver, or one is an agent, is named twice, or has no Ed25519 public key, or a time is none.
 */
export function createApprovals(options: ApprovalsOptions): Approvals {
  const { channel, approvers, now, newId, deadlineMs = 15 * 60_000, waitMs = deadlineMs } = options
  for (const [key, ms] of Object.entries({ deadlineMs, waitMs }))
    if (!(ms >= 0 && Number.isFinite(ms)))
      throw new ConfigError(`approvals.${key}`, ms, 'milliseconds, from 0 up')
  const store = options.store ?? memoryApprovalStore({ now })
  const verify = statementVerifier(approvers)
  const waits = createWaits()
  const presented = new Map<string, AbortController>()

  async function accept(statement: string, expected: string | undefined, signal: AbortSignal): Promise<void> {
    const said = await verify(statement)
    if (!said)
      throw new ApprovalError('ERR_APPROVAL_REQUIRED', 'No registered approver has signed this decision.')
    const record =
      expected === undefined || said.digest === expected
        ? await store.byDigest(said.digest, { signal })
        : undefined
    if (!record || record.answer)
      throw new ApprovalError('ERR_APPROVAL_STALE', 'The decision fits no open request.')
    const { id } = record.request
    const at = now()
    if (at >= record.request.expires)
      throw new ApprovalError('ERR_APPROVAL_EXPIRED', 'The decision came after its deadline.', {
        requestId: id,
      })
    if (!mayDecide(said, record.request))
      throw new ApprovalError('ERR_APPROVAL_REQUIRED', 'The approver may not decide on this request.', {
        requestId: id,
      })
    if (!(await store.answer(id, { said, statement, at }, { signal })))
      throw new ApprovalError('ERR_APPROVAL_STALE', 'The request was decided on before.', { requestId: id })
    waits.wake(id)
    presented.get(id)?.abort()
  }

  /** What an answered request is worth to the call in hand. Only this function makes an `approved`. */
  async function spend(
    record: ApprovalRecord,
    call: ApprovalCall,
    signal: AbortSignal,
  ): Promise<ApprovalOutcome> {
    const { request, answer } = record
    const requestId = request.id
    const said = answer && (await verify(answer.statement))
    // Computed from the call in hand, so that neither the store nor the channel can swap what was signed.
    const digest = approvalDigest(call, requestId, request.expires)
    if (!answer || !said || said.digest !== digest || !mayDecide(said, call))
      return { outcome: 'stale', requestId }
    const decidedAfterMs = answer.at.getTime() - request.asked.getTime()
    const by = { requestId, digest, by: said.approver, authenticatedAt: said.authenticatedAt, decidedAfterMs }
    if (said.decision === 'reject') return { outcome: 'rejected', ...by }
    if (now() >= request.expires) return { outcome: 'expired', requestId }
    return (await store.consume(requestId, { signal }))
      ? { outcome: 'approved', ...by }
      : { outcome: 'stale', requestId }
  }

  function present(request: ApprovalRequest, signal: AbortSignal): void {
    const over = new AbortController()
    presented.set(request.id, over)
    const left = Math.max(0, request.expires.getTime() - now().getTime())
    const late = AbortSignal.timeout(Math.min(left, LONGEST_TIMER))
    const shown = async (): Promise<void> => {
      try {
        const statement = await channel.present(request, {
          signal: AbortSignal.any([signal, over.signal, late]),
        })
        if (statement !== undefined) await accept(statement, request.digest, NEVER)
      } catch (error) {
        await withdraw(request.id, error)
      } finally {
        presented.delete(request.id)
      }
    }
    void shown()
  }

  // A request that nobody can see any more must not be picked up by the next identical call.
  async function withdraw(id: string, cause: unknown): Promise<void> {
    try {
      const record = await store.byId(id, { signal: NEVER })
      if (record?.answer) return
      await store.consume(id, { signal: NEVER })
      waits.fail(id, cause)
    } catch (error) {
      waits.fail(id, error)
    }
  }

  async function outcomeOf(id: string, call: ApprovalCall, signal: AbortSignal): Promise<ApprovalOutcome> {
    const until = now().getTime() + waitMs
    // A timer's word is enough to stop waiting, so that a clock that stands still cannot hold a call for ever.
    for (let elapsed = false; ;) {
      const record = await store.byId(id, { signal })
      if (record?.answer) return spend(record, call, signal)
      const failure = waits.failure(id)
      if (failure) return refusal(id, failure.cause)
      if (!record) return { outcome: 'stale', requestId: id }
      const at = now().getTime()
      const expires = record.request.expires.getTime()
      if (at >= expires || (elapsed && expires <= until)) return { outcome: 'expired', requestId: id }
      if (at >= until || elapsed) return { outcome: 'pending', requestId: id }
      elapsed = !(await waits.sleep(id, Math.min(until, expires) - at, signal))
    }
  }

  /** Spend what was answered before; else the id of a request that still waits for an answer, claimed for this call. */
  async function earlier(
    call: ApprovalCall,
    key: string,
    { signal, requestId, turn }: AskOptions,
  ): Promise<ApprovalOutcome | string | undefined> {
    const named = requestId === undefined ? undefined : await store.byId(requestId, { signal })
    if (requestId !== undefined && named?.key !== key) return { outcome: 'stale', requestId }
    const found = named ? [named] : await store.byKey(key, { signal })
    const live = found.filter(({ request }) => request.expires > now())
    if (named && live.length === 0) return { outcome: 'expired', requestId: named.request.id }
    const answered = live.filter(({ answer, request }) => answer && !waits.has(request.id))
    // A yes to one of several identical requests stands beside a no to another.
    for (const record of answered.toSorted((a, b) => rank(a) - rank(b))) {
      const refusedThen =
        record.answer?.said.decision === 'reject' && turn !== undefined && record.turn !== turn
      if (refusedThen && !named) continue
      const outcome = await spend(record, call, signal)
      if (named || outcome.outcome === 'approved' || outcome.outcome === 'rejected') return outcome
    }
    const open = live.find(({ answer, request }) => !answer && !waits.has(request.id))
    if (open) waits.claim(open.request.id)
    // The named request is another call's to wait for: this one is its duplicate.
    else if (named) return { outcome: 'pending', requestId: named.request.id }
    return open?.request.id
  }

  async function openRequest(
    id: string,
    key: string,
    { facts }: Pick<Parameters<Approvals['ask']>[0], 'facts'>,
    fixed: ApprovalCall,
    asking: AskOptions,
    shownWhile: AbortSignal,
  ): Promise<void> {
    const asked = now()
    const expires = new Date(asked.getTime() + (asking.deadlineMs ?? deadlineMs))
    const digest = approvalDigest(fixed, id, expires)
    const request = Object.freeze({ ...fixed, id, asked, expires, digest, facts: shownFacts(facts) })
    await store.add({ request, key, turn: asking.turn, answer: undefined }, { signal: asking.signal })
    present(request, shownWhile)
  }

  async function askAhead(call: Parameters<Approvals['ask']>[0], asking: AskOptions): Promise<void> {
    const fixed = fixedCall(call)
    const key = callKey(fixed)
    const found = await store.byKey(key, { signal: asking.signal })
    if (found.some((record) => record.request.expires > now())) return
    // Nobody waits for the answer here, so it stays open until its deadline.
    await openRequest(newId(), key, call, fixed, asking, NEVER)
  }

  async function ask(call: Parameters<Approvals['ask']>[0], asking: AskOptions): Promise<ApprovalOutcome> {
    const { signal } = asking
    signal.throwIfAborted()
    const fixed = fixedCall(call)
    const key = callKey(fixed)
    const before = await earlier(fixed, key, asking)
    if (typeof before === 'object') return before
    const id = before ?? newId()
    if (before === undefined) waits.claim(id)
    let heard: { [Symbol.dispose](): void } | undefined
    try {
      if (before === undefined) await openRequest(id, key, call, fixed, asking, signal)
      // The answer may be given in another process.
      if (store.watch) heard = await store.watch(id, () => waits.wake(id), { signal })
      const outcome = await outcomeOf(id, fixed, signal)
      if (outcome.outcome === 'expired') presented.get(id)?.abort()
      return outcome
    } finally {
      heard?.[Symbol.dispose]()
      waits.end(id)
    }
  }

  return {
    ask: (call, asking) => orUnavailable(() => ask(call, asking), asking.signal),
    request: (call, asking) => orUnavailable(() => askAhead(call, asking), asking.signal),
    decide: (statement, { signal = NEVER } = {}) =>
      orUnavailable(() => accept(statement, undefined, signal), signal),
    pending: ({ signal = NEVER } = {}) =>
      orUnavailable(async () => {
        const open = await store.open({ signal })
        return open.map(({ request }) => request).filter(({ expires }) => expires > now())
      }, signal),
  }
}

/** The rule of the request, and the one rule that none may set aside: no agent approves its own call. */
function mayDecide(said: Statement, call: ApprovalCall): boolean {
  return (call.approvers?.includes(said.approver) ?? true) && !isAgent(said.approver, call.agent)
}

function rank({ answer }: ApprovalRecord): number {
  return answer?.said.decision === 'approve' ? 0 : 1
}

function refusal(requestId: string, cause: unknown): ApprovalOutcome {
  if (cause instanceof ApprovalError && cause.code === 'ERR_APPROVAL_STALE')
    return { outcome: 'stale', requestId }
  if (cause instanceof ApprovalError && cause.code === 'ERR_APPROVAL_EXPIRED')
    return { outcome: 'expired', requestId }
  throw unavailable(cause)
}

async function orUnavailable<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof GuardError || (signal.aborted && error === signal.reason)) throw error
    throw unavailable(error)
  }
}

function unavailable(cause: unknown): UnavailableError {
  return new UnavailableError(
    'ERR_APPROVALS_UNAVAILABLE',
    'No approval could be asked for, so the call was refused.',
    {
      cause,
    },
  )
}
