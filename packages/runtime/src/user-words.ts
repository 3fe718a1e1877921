import { ownWords } from './attest/own-words.ts'
import type { Chunk } from './ledger/chunk.ts'
import { record, type RunState } from './run-state.ts'

/** Begin a turn: what the turn before had made and been granted is over. */
export function beginTurn(state: RunState): void {
  state.ledger.beginTurn()
  // A sink that is out of reach shows at the next decision, which is refused then.
  void Promise.resolve(
    state.audit.record({ type: 'turn', turn: state.ledger.turn }, { signal: state.signal }),
  ).catch(() => {})
}

/** Take in text of the subject: only its own words are trusted text. */
export function hearUser(state: RunState, text: string): Chunk {
  const parts = ownWords(text)
  const isOwn = parts.every(({ own }) => own)
  const chunk = record(
    state,
    { kind: 'user-message' },
    isOwn ? [state.principal.subject] : [state.principal.subject, 'anyone'],
    text.toWellFormed(),
  )
  const at = state.guard.now()
  state.said.push({ chunk: chunk.id, at })
  indexUserText(state, parts, chunk, at)
  state.transcript.remember('user', text, chunk.id)
  return chunk
}

/** Make the own words of a message quotable. */
export function indexUserText(
  state: RunState,
  parts: ReturnType<typeof ownWords>,
  { id, turn }: Chunk,
  at: Date,
): void {
  for (const part of parts)
    if (part.own) state.trusted.add(part.text, { chunk: id, turn }, { ...state.writing, now: at })
}
