import type { Decided } from './decide.ts'
import type { GuardErrorCode } from './errors.ts'
import type { Invocation, Progress } from './invocation.ts'
import { placeText } from './json/path.ts'
import type { Awaitable, Decision } from './policy/decision.ts'
import type { RunState } from './run-state.ts'

/** Record a decision about a call, whichever it was. A permit is recorded before the effect. */
export function auditCall(
  run: RunState,
  { call, tool, snapshot, input }: Invocation,
  decided: Decided | undefined,
  outcome: Decision['outcome'],
  approval: Progress['approval'],
  code?: GuardErrorCode,
  decision: Decision | undefined = decided?.decision,
): Awaitable<void> {
  const { contract } = tool
  return run.audit.record(
    {
      type: 'decision',
      call,
      tool: tool.name,
      outcome,
      code,
      turn: run.ledger.turn,
      step: snapshot.step,
      effect: contract.effect,
      risk: contract.risk,
      action: decided?.request?.action ?? tool.name,
      resource: decided?.request?.resource ?? { type: 'tool', id: tool.name },
      input: decided?.input ?? (typeof input === 'object' ? {} : null),
      cause: snapshot.cause,
      causeChunks: snapshot.chunks,
      arguments: (decided?.leaves ?? []).map(({ place, by, chunk }) => ({
        path: placeText(place),
        standing: by ?? 'unattested',
        authors: by === undefined ? snapshot.cause.authors : [run.principal.subject],
        chunks: chunk === undefined ? [] : [chunk],
      })),
      reasons: decision?.reasons ?? [],
      obligations: (decision?.obligations ?? []).map(({ kind }) => kind),
      approval: approval && {
        requestId: approval.requestId,
        by: approval.by,
        authenticatedAt: approval.authenticatedAt?.toISOString(),
        decidedAfterMs: approval.decidedAfterMs,
      },
      contractDigest: contract.digest,
      policyVersion: decided?.policyVersion,
    },
    { signal: run.signal },
  )
}
