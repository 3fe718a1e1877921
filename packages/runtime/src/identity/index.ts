// The entry `@gatewright/runtime/identity`: who the agent is, for whom it acts, and who is in between.
export { fileAgents, type FileAgentsOptions } from './file-agents.ts'
export { memoryAgents, storeAgents, type StoreAgentsOptions } from './store-agents.ts'
export {
  type AgentChangeOptions,
  type AgentDriver,
  type AgentRegistry,
  type AgentRotation,
  type AgentUpdate,
  registryOf,
} from './agents.ts'
export type { AgentChange, AgentCredential, AgentOverlap, AgentRecord, AgentSpec } from './agent-record.ts'
export type { AgentReference } from './agent-standing.ts'
export { type AgentSessions, type CountedSession, storeSessions } from './sessions.ts'
export { retireAgent, type RetireOptions, type RetireStep } from './retire.ts'

export { type JwtSubject, type JwtSubjectOptions, subjectFromJwt } from './jwt-subject.ts'
export { noSubject, sessionSubject, type SessionSubjectOptions } from './session-subject.ts'
export type { AuthenticatedSubject, Authentication } from './authentication.ts'
export {
  chainOf,
  type Delegation,
  type DelegationActor,
  type DelegationRules,
  parseDelegation,
} from './delegation.ts'
