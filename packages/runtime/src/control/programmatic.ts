import type { Awaitable } from '../policy/decision.ts'
import type { ApprovalChannel, ApprovalRequest } from './approval.ts'
import type { ApprovalSigner } from './approval-signature.ts'

/** What a person, or code that speaks for one, answers; undefined if the answer comes later through `decide`. */
export type Decide = (
  request: ApprovalRequest,
  options: { readonly signal: AbortSignal },
) => Awaitable<'approve' | 'reject' | undefined>

/** A channel whose answers come from a function of yours: a queue, a chat message, a test. */
export function programmaticChannel(decide: Decide, signer: ApprovalSigner): ApprovalChannel {
  return {
    async present(request, options) {
      const decision = await decide(request, options)
      return decision === undefined ? undefined : await signer(request, decision)
    },
  }
}
