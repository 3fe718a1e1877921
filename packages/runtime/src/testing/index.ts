export {
  type ArgumentAudit,
  auditContracts,
  type AuditedContracts,
  type ContractsAudit,
  type FieldAudit,
  type ToolAudit,
} from './audit-contracts.ts'
export type { AuditedAudience } from './audit/audience.ts'
export type { Narrowing } from './audit/narrow.ts'
export type { Reach } from './audit/reach.ts'
export {
  type Attack,
  type AttackedAgent,
  type AttackSuite,
  describeAttacks,
  type Plant,
  type TestApi,
} from './describe-attacks.ts'
export { callTool, say, scriptedModel } from './scripted-model.ts'
export type { Part, ScriptedModel, ScriptedStep, Step, ToolCall } from './scripted-model.ts'
export { obeyingModel, type ObeyingOptions, type TaskStep } from './obeying-model.ts'
export { instruct, type Instruction, instructionsIn } from './instruction.ts'
export { injected, type Place, PLACES } from './injected.ts'
export { recordCalls, type RecordedCall, type RecordedTools } from './record-calls.ts'
export { type CallPattern, expectBlocked, expectNoViolation, type Violations } from './expect.ts'
export {
  type PermitSet,
  permitSet,
  type PermitSetOptions,
  type PermittedArgument,
  type PermittedTool,
  type PermittedValue,
  wouldPermit,
} from './permit-set.ts'
export { type AgentsUnderTest, describeAgents } from './agents-conformance.ts'
export { describeStore, type StoreUnderTest } from './store-conformance.ts'
export { CORPUS } from './corpus/corpus.ts'
export type {
  CorpusCase,
  CorpusFamily,
  CorpusStage,
  CorpusStep,
  CorpusTurn,
  CorpusTwin,
  Door,
  Never,
  StageAgent,
} from './corpus/case.ts'
export { playCase, type Played, type PlayOptions, undone, violations, wasTried } from './corpus/play.ts'
export {
  type AgentReport,
  type AgentUnderAudit,
  auditAgent,
  type CaseReport,
  describeCorpus,
  type TwinReport,
} from './kit.ts'
export type { Skipped } from './kit-case.ts'
export type { LeftToAnyone } from './kit-play.ts'
export { printReport } from './report.ts'
