/**
 * What the benchmarks reach of the runtime's inside: parts that cannot be timed alone through its public entry.
 * Nothing else here imports from another package's source.
 */
export { createEvidence } from '../../packages/runtime/src/attest/evidence.ts'
export { labelResult } from '../../packages/runtime/src/attest/label-result.ts'
export { createTrustedIndex } from '../../packages/runtime/src/attest/trusted-index.ts'
export { compileContract } from '../../packages/runtime/src/contract/compile.ts'
export { invoke } from '../../packages/runtime/src/invoke.ts'
export { label, readableBy } from '../../packages/runtime/src/label/label.ts'
export type { Snapshot } from '../../packages/runtime/src/ledger/ledger.ts'
export { compileTools } from '../../packages/runtime/src/loop/guard-tools.ts'
export { record, registerTools, type RunState } from '../../packages/runtime/src/run-state.ts'
export { stateOf } from '../../packages/runtime/src/run.ts'
export type { GuardedTool } from '../../packages/runtime/src/tool.ts'
