export { createGuard, type Guard, type GuardOptions, type RunOptions } from './guard.ts'
export type { Run } from './run.ts'
export type { Trigger } from './trigger.ts'
export type { Directory } from './run-state.ts'
export type { Acting, AgentIdentity, Principal, PrincipalId } from './principal.ts'
export {
  ApprovalError,
  ConfigError,
  ContractError,
  CredentialError,
  DeniedError,
  GuardError,
  type GuardErrorCode,
  HaltedError,
  LimitError,
  UnavailableError,
} from './errors.ts'

export { type CarriedLabel, labelled } from './label/carried.ts'

export type { ApprovalChannel, ApprovalRequest } from './control/approval.ts'
export { approvalSigner } from './control/approval-signature.ts'
export { programmaticChannel } from './control/programmatic.ts'
export { terminalChannel } from './control/terminal.ts'
export type { HaltRecord, HaltResult, HaltScope } from './control/halt.ts'
export type { HaltHook } from './control/halt-hooks.ts'
export type { CallInFlight } from './control/in-flight.ts'
export { type HaltReport, haltReports } from './control/halt-reports.ts'
export type { Alert } from './control/alert.ts'
export type { Limits } from './control/quota.ts'
export { storeApprovals } from './control/store-approvals.ts'
export { type StoreHalts, storeHalts, type StoreHaltsOptions } from './control/store-halts.ts'
export { storeLimits } from './control/store-limits.ts'
export type { LimitOptions } from './limit-options.ts'
export type { CredentialSource } from './credentials/source.ts'
export type { CredentialAccess } from './tool.ts'
export type { GuardCredentials } from './guard-credentials.ts'

export type { AuditEvent } from './audit/event.ts'
export type { AuditSink } from './audit/sink.ts'
export { jsonLinesAudit } from './audit/json-lines.ts'
export { memoryAudit } from './audit/memory.ts'

export type { LedgerStore } from './ledger/store.ts'
export { storeLedgers } from './ledger/store-ledgers.ts'
export type { SavedLedger } from './ledger/saved.ts'

export { guardAgent, type GuardedAgent, type GuardedCallOptions } from './loop/guard-agent.ts'
export { guardModel } from './loop/guard-model.ts'
export { guardTools } from './loop/guard-tools.ts'
export { hear } from './loop/hear.ts'
export { participant, untrusted } from './loop/marks.ts'
export { toolApproval } from './loop/tool-approval.ts'
export { grantFrom } from './loop/turn-grant.ts'
