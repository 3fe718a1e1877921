import { AsyncLocalStorage } from 'node:async_hooks'
import type { ModelMessage } from 'ai'
import { refusal } from '../decide.ts'
import { DeniedError } from '../errors.ts'
import { type Json, plainJson } from '../json/plain.ts'
import type { CallRecord, Snapshot } from '../ledger/ledger.ts'
import type { Awaitable } from '../policy/decision.ts'
import { REFUSAL } from '../refuse.ts'
import { record, type RunState } from '../run-state.ts'
import type { GuardedTool } from '../tool.ts'
import { violated } from '../watch.ts'

/** A call in flight, for the calls that its tool makes in turn. */
export interface Frame {
  readonly run: RunState
  readonly call: string
  readonly snapshot: Snapshot
  /** Fires when the call is to stop, and they with it. */
  readonly signal: AbortSignal
  /** What those calls have brought back so far: their causes grow by it. */
  readonly returned: number[]
}

/** The call that is in flight, for whatever its tool does. */
export const frames: AsyncLocalStorage<Frame> = new AsyncLocalStorage<Frame>()

/** A call as the AI SDK hands it to a tool. */
export interface OfferedCall {
  readonly id: string
  readonly input: unknown
  /** The conversation up to the call; it holds the call itself only if that came back in a history. */
  readonly messages: readonly ModelMessage[]
}

/**
 * Take up the call that the model made, once; or one that a guarded tool makes in turn.
 *
 * @throws {DeniedError} `ERR_CALL_REPLAYED` for a call that was made before, `ERR_CALL_UNKNOWN` for one that the
 * model of this run did not make.
 */
export function takeUp(
  run: RunState,
  tool: GuardedTool,
  { id, input, messages }: OfferedCall,
  outer: Frame | undefined,
): Awaitable<TakenUp> {
  const known = run.ledger.call(id)
  const made = known && run.ledger.snapshots[known.step]
  if (known !== undefined && made !== undefined && known.tool === tool.name && !known.taken) {
    known.taken = true
    const given = plainJson(input)
    const snapshot = comesBack(messages, id) ? asReturned(run, made, id, input) : made
    if (given.ok) run.transcript.rememberInput(id, JSON.stringify(given.value))
    return { call: id, snapshot }
  }
  // A tool that makes calls may pass the id of its own call on, or any other that the run does not know.
  if (outer?.run === run && (known === undefined || id === outer.call)) {
    const snapshot = run.ledger.snapshot([...outer.snapshot.chunks, ...outer.returned])
    const call = run.guard.newId()
    run.ledger.recordCall({
      id: call,
      providerId: id,
      tool: tool.name,
      step: snapshot.step,
      said: undefined,
    }).taken = true
    return { call, snapshot }
  }
  return refuseUnknown(run, tool, id, known)
}

export interface TakenUp {
  readonly call: string
  readonly snapshot: Snapshot
}

async function refuseUnknown(
  run: RunState,
  tool: GuardedTool,
  id: string,
  known: CallRecord | undefined,
): Promise<never> {
  run.counts.refusals += 1
  await run.audit.record({ type: 'call-unknown', call: id, tool: tool.name }, { signal: run.signal })
  await violated(run, 'refusal', tool.name)
  const replayed = known?.taken === true && known.tool === tool.name
  const rule = replayed ? 'call-replayed' : 'call-unknown'
  throw new DeniedError(replayed ? 'ERR_CALL_REPLAYED' : 'ERR_CALL_UNKNOWN', REFUSAL, {
    decision: refusal(
      'contract',
      rule,
      'The model of this run did not make this call, or it was made before.',
    ),
  })
}

/** Whether a call stands in the messages already: it waited for an approval, and a client has had it since. */
export function comesBack(messages: readonly ModelMessage[], id: string): boolean {
  const last = messages.at(-1)
  if (last?.role !== 'tool' || !last.content.some(({ type }) => type === 'tool-approval-response'))
    return false
  return messages.some(
    ({ role, content }) =>
      role === 'assistant' &&
      typeof content !== 'string' &&
      content.some((part) => part.type === 'tool-call' && part.toolCallId === id),
  )
}

/** An input that the model did not write is anyone's: whoever had the call may have edited it. */
function asReturned(run: RunState, made: Snapshot, id: string, input: unknown): Snapshot {
  const given = plainJson(input)
  if (given.ok && run.transcript.hadInput(id, given.value)) return made
  const content: Json = given.ok ? given.value : null
  const edited = record(run, { kind: 'history' }, ['anyone'], content)
  return run.ledger.snapshot([...made.chunks, edited.id])
}
