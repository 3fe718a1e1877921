import type { ModelMessage, ToolSet } from 'ai'
import { type Run, stateOf } from '../run.ts'
import { preview } from '../invoke.ts'
import { plainJson } from '../json/plain.ts'
import { comesBack } from './take-up.ts'

type Status = 'not-applicable' | 'user-approval'

/**
 * The AI SDK's way to pause and show a call that needs a person: pass it as `toolApproval`.
 *
 * It is not the authority. The client's answer lets the call reach the guard again, where a signed approval of
 * that exact call must be waiting; a forged or replayed answer finds none.
 */
export function toolApproval(
  run: Run,
): (options: {
  toolCall: { toolCallId: string; toolName: string; input: unknown }
  tools: ToolSet | undefined
  messages: ModelMessage[]
}) => Promise<Status> {
  const state = stateOf(run)
  return async ({ toolCall, messages }) => {
    const record = state.ledger.call(toolCall.toolCallId)
    const tool = state.tools.get(toolCall.toolName)
    const snapshot = record && state.ledger.snapshots[record.step]
    // Nothing to show for what the guard will refuse anyway.
    if (tool === undefined || snapshot === undefined || record?.taken !== false) return 'not-applicable'
    // What the model wrote, as the schema and refinements made it; one that comes back may have been edited.
    const given = plainJson(toolCall.input)
    if (given.ok && !comesBack(messages, record.id))
      state.transcript.rememberInput(record.id, JSON.stringify(given.value))
    const asks = await preview(state, {
      call: record.id,
      tool,
      input: toolCall.input,
      snapshot,
      perform: tool.perform,
    })
    return asks ? 'user-approval' : 'not-applicable'
  }
}
