import type { Readable, Writable } from 'node:stream'
import { isCancel, note, select } from '@clack/prompts'
import pLimit from 'p-limit'
import type { ApprovalChannel } from './approval.ts'
import { requestLines } from './approval-facts.ts'
import type { ApprovalSigner } from './approval-signature.ts'

export interface TerminalOptions {
  /** Signs as the person at this terminal. */
  readonly signer: ApprovalSigner
  /** Default: the process's own. */
  readonly input?: Readable & { readonly isTTY?: boolean }
  readonly output?: Writable & { readonly isTTY?: boolean }
}

/**
 * Ask at the terminal, one request at a time; no is the answer that is preselected, and Ctrl-C is a no.
 *
 * Needs an interactive terminal: a pipe could be written to by the agent. Without one every request is refused.
 * The signing key lives in the process of the agent loop, so this suits development and single-user tools.
 */
export function terminalChannel({
  signer,
  input = process.stdin,
  output = process.stdout,
}: TerminalOptions): ApprovalChannel {
  const one = pLimit(1)
  return {
    present: (request, { signal }) =>
      one(async () => {
        if (input.isTTY !== true || output.isTTY !== true)
          throw new Error('The terminal channel needs an interactive terminal; its input or output is none.')
        if (signal.aborted) return undefined
        note(requestLines(request).join('\n'), 'Approval needed', { output })
        const answer = await select({
          message: 'Let this call go through, once?',
          options: [
            { value: 'reject' as const, label: 'No' },
            { value: 'approve' as const, label: 'Yes, this call' },
          ],
          initialValue: 'reject' as const,
          input,
          output,
          signal,
        })
        // The prompt reports an abort and Ctrl-C alike; only the second is somebody's answer.
        if (signal.aborted) return undefined
        return signer(request, isCancel(answer) ? 'reject' : answer)
      }),
  }
}
