// The entry `@gatewright/adapters/mcp`: MCP servers under the guard of a run.
export { type GuardedMcp, guardMcp, type GuardMcpOptions } from './guard-mcp.ts'
export type { RefusedBecause } from './refused-tools.ts'
export type { McpClient } from './client.ts'
export { type McpAuthorization, mcpAuthorization, type McpAuthorizationOptions } from './authorization.ts'
export {
  guardMcpRequests,
  type McpRequest,
  type McpRequestKind,
  type McpRequestRule,
  type McpRequestRules,
} from './requests.ts'
export type { ToolAnnotations, ToolDefinition } from './definition.ts'
export { compareToPins, type Pin, type PinDifference, pinOf, type PinStore } from './pins.ts'
export { filePins } from './file-pins.ts'
export { storePins } from './store-pins.ts'
export { type Difference, differences } from './difference.ts'
export { type ListedDefinitions, listDefinitions } from './list-definitions.ts'
export { McpToolError } from './result.ts'
export type { ContentBlock, ContentResult } from './result.ts'
export type { ToolNaming } from './name.ts'
export {
  type GuardedMcpServer,
  guardMcpServer,
  type GuardMcpServerOptions,
  type McpAuthInfo,
  type ServeMcp,
} from './guard-server.ts'
export { callerCheck, type CallerOf, type McpCaller, type McpCallerOptions } from './guard-server-caller.ts'
export type { ResultFilter } from './guard-server-filter.ts'
export type { McpServerAudit } from './guard-server-refusals.ts'
export type { McpToolRule, McpToolRules } from './guard-server-messages.ts'
export { nodeListener } from './guard-server-node.ts'
export {
  mcpProxy,
  type McpProxyOptions,
  type McpProxySession,
  type McpUpstream,
  type ProxiedTool,
  type RefusedTool,
} from './proxy.ts'
export {
  type CheckUserMessage,
  USER_MESSAGE,
  type UserMessage,
  userMessageCheck,
  type UserMessageOptions,
  userMessageSigner,
  type UserMessageSignerOptions,
} from './proxy-user-message.ts'
