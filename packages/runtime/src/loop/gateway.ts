// The entry `@gatewright/runtime/gateway`: what stands between agents and tools that run elsewhere.
export { type Audit, createAudit } from '../audit/audit.ts'
export type { Redact } from '../audit/redact.ts'
export { recordRefused } from './record-refused.ts'
export { callUnseen, type UnseenCall } from './unseen-call.ts'
