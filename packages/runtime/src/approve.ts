import type { LeafVerdict } from './attest/attest.ts'
import { auditCall } from './audit-call.ts'
import type { ToolCredentials } from './contract/contract.ts'
import type { Approvals } from './control/approval.ts'
import type { Decided } from './decide.ts'
import { ApprovalError } from './errors.ts'
import type { Invocation, Progress } from './invocation.ts'
import { placeText } from './json/path.ts'
import type { Json } from './json/plain.ts'
import type { Snapshot } from './ledger/ledger.ts'
import { REFUSAL } from './refuse.ts'
import type { RunState } from './run-state.ts'
import { sourcesOf } from './sources.ts'

/**
 * Step 8: spend an approval of this exact call, or ask a person and wait for one.
 *
 * @throws {ApprovalError} For every outcome but a yes.
 */
export async function approve(
  run: RunState,
  invocation: Invocation,
  decided: Decided,
  signal: AbortSignal,
): Promise<Progress['approval']> {
  const { tool } = invocation
  const { approvals } = run.guard
  const { decision } = decided
  await auditCall(run, invocation, decided, 'ask', undefined, 'ERR_APPROVAL_REQUIRED')
  if (approvals === undefined) throw new ApprovalError('ERR_APPROVAL_REQUIRED', REFUSAL, { decision })
  const outcome = await approvals.ask(approvalCall(run, invocation, decided), {
    signal,
    turn: run.ledger.turn,
    ...deadline(invocation),
  })
  await run.audit.record(
    {
      type: 'approval',
      call: invocation.call,
      tool: tool.name,
      ...('by' in outcome
        ? { ...outcome, authenticatedAt: outcome.authenticatedAt?.toISOString() }
        : { requestId: outcome.requestId, outcome: outcome.outcome }),
    },
    { signal },
  )
  if (outcome.outcome === 'approved') return outcome
  const codes = { rejected: 'REJECTED', pending: 'REQUIRED', expired: 'EXPIRED', stale: 'STALE' } as const
  throw new ApprovalError(`ERR_APPROVAL_${codes[outcome.outcome]}`, REFUSAL, {
    decision,
    requestId: outcome.requestId,
  })
}

function destinationOf(credentials: ToolCredentials | undefined): string | undefined {
  if (credentials === undefined) return undefined
  return 'secret' in credentials ? credentials.origin : credentials.audience
}

/** The call as a person says yes to it, with what they need to decide. */
export function approvalCall(
  run: RunState,
  { tool, snapshot }: Invocation,
  decided: Decided,
): Parameters<Approvals['ask']>[0] {
  return {
    tool: tool.name,
    destination: destinationOf(tool.contract.contract.credentials) ?? tool.contract.operator,
    input: decided.input,
    labels: labelsOf(run, decided.leaves, snapshot),
    run: run.id,
    tenant: run.principal.tenant,
    subject: run.principal.subject,
    agent: run.actor,
    approvers: decided.approvers,
    contractDigest: tool.contract.digest,
    policyVersion: decided.policyVersion,
    facts: {
      what: `${tool.name} (${tool.contract.effect})`,
      toWhom: decided.recipients,
      sources: sourcesOf(run, snapshot, decided.input, decided.leaves),
      reasons: decided.decision.reasons
        .filter(({ outcome }) => outcome === 'ask')
        .map(({ text, path }) => (path === undefined ? text : `${path}: ${text}`)),
    },
  }
}

/** How long the contract lets a request of this call stay open. */
export function deadline({ tool }: Invocation): { deadlineMs?: number } {
  const { deadlineMs } = tool.contract.contract.approval ?? {}
  return deadlineMs === undefined ? {} : { deadlineMs }
}

function labelsOf(run: RunState, verdicts: readonly LeafVerdict[], snapshot: Snapshot): Json {
  const authors = snapshot.cause.authors
  return Object.fromEntries(
    verdicts.map(({ place, by }) => [placeText(place), by === undefined ? authors : [run.principal.subject]]),
  )
}
