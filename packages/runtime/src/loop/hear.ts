import type { ModelMessage } from 'ai'
import { join } from '../label/join.ts'
import type { Label } from '../label/label.ts'
import type { Chunk } from '../ledger/chunk.ts'
import { isUser } from '../principal.ts'
import { type Run, stateOf } from '../run.ts'
import { record, type RunState } from '../run-state.ts'
import { labelOfAllSeen } from '../sub-run.ts'
import { beginTurn, hearUser } from '../user-words.ts'
import { markOf } from './marks.ts'
import { type Frame, frames } from './take-up.ts'

/**
 * Take in what the application passes as the conversation: the messages of the authenticated user that the run
 * has not heard yet are the user's words, and begin a turn.
 *
 * Call it once for each message of the user, before the model is asked. Everything else in the messages is
 * recognised by what the run itself has recorded, and is authored by anyone where it is not.
 *
 * Inside a guarded tool, and in the run of a sub-agent, nothing is the user's: a tool that asks another agent hands on what a model wrote, so it
 * has the label of what led to the call of the tool, and attests nothing.
 */
export function hear(run: Run, conversation: string | readonly ModelMessage[]): void {
  const state = stateOf(run)
  const messages: readonly ModelMessage[] =
    typeof conversation === 'string' ? [{ role: 'user', content: conversation }] : conversation
  const fresh = unheard(state, messages)
  // An event started this run: whatever stands in a user's place was composed by the application, and is not the
  // user's either when the conversation goes on with a person.
  if (state.isTriggered) return
  // Nor is it where no user is behind the run: only what the developer vouches for is known there.
  if (!isUser(state.principal.subject)) return
  const frame = frames.getStore()
  if (frame !== undefined || state.parent !== undefined) {
    const label = labelOfTask(state, frame)
    for (const { message } of fresh) hearMessage(state, message, label)
    return
  }
  const lastAnswer = messages.findLastIndex(({ role }) => role === 'assistant' || role === 'tool')
  for (const { message } of fresh.filter(({ index }) => index < lastAnswer)) hearMessage(state, message)
  const current = fresh.filter(({ index }) => index > lastAnswer)
  if (current.length === 0) return
  beginTurn(state)
  for (const { message } of current) hearMessage(state, message)
}

interface Placed {
  readonly index: number
  readonly message: ModelMessage
}

/** Messages of the user, without the ones heard before: the same text said twice is two messages. */
function unheard(state: RunState, messages: readonly ModelMessage[]): Placed[] {
  const left = new Map<string, number>()
  const out: Placed[] = []
  messages.forEach((message, index) => {
    if (message.role !== 'user') return
    const key = JSON.stringify(textsOf(message).map(({ text }) => text))
    const before = left.get(key) ?? state.heard.get(key) ?? 0
    left.set(key, Math.max(0, before - 1))
    if (before === 0) out.push({ index, message })
  })
  for (const { message } of out) {
    const key = JSON.stringify(textsOf(message).map(({ text }) => text))
    state.heard.set(key, (state.heard.get(key) ?? 0) + 1)
  }
  return out
}

/** Everything that led to a call, and what the calls of its tool have brought back so far. */
function labelOfCall({ run: { ledger }, snapshot, returned }: Frame): Label {
  return returned.reduce((all, id) => {
    const { label, selectedBy } = ledger.chunks[id] as Chunk
    return join(selectedBy === undefined ? all : join(all, selectedBy), label)
  }, snapshot.cause)
}

/** What a sub-agent is told: by the call that it was started in, or else by all that its parent has seen. */
function labelOfTask({ parent }: RunState, frame: Frame | undefined): Label {
  if (parent === undefined || frame?.run === parent) return labelOfCall(frame as Frame)
  const all = labelOfAllSeen(parent)
  return frame === undefined ? all : join(all, labelOfCall(frame))
}

/** `writtenBy`: the label of a message that stands in the user's place and is not theirs. */
function hearMessage(state: RunState, message: ModelMessage, writtenBy?: Label): void {
  const whole = markOf(message)
  for (const part of textsOf(message)) {
    const own = markOf(part)
    const mark = own.kind === 'none' ? whole : own
    if (part.text === '') continue
    if (mark.kind === 'none' && writtenBy === undefined) hearUser(state, part.text)
    else if (mark.kind === 'none') {
      const origin = { kind: 'marked', from: 'a tool' } as const
      const content = part.text.toWellFormed()
      const { id } = state.ledger.append({ origin, label: writtenBy as Label, content })
      state.transcript.remember('user', part.text, id)
    } else {
      const chunk: Chunk =
        mark.kind === 'participant'
          ? record(state, { kind: 'participant-message' }, [mark.who], part.text.toWellFormed())
          : record(state, { kind: 'marked', from: mark.origin }, ['anyone'], part.text.toWellFormed())
      state.transcript.remember('user', part.text, chunk.id)
    }
  }
}

function textsOf({
  content,
}: ModelMessage): { text: string; providerOptions?: ModelMessage['providerOptions'] }[] {
  if (typeof content === 'string') return [{ text: content }]
  return content.filter((part) => part.type === 'text')
}
