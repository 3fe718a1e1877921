import type { Mutant } from './mutant.ts'
import { APPROVAL_MUTANTS } from './mutants/approvals.ts'
import { ATTESTATION_MUTANTS } from './mutants/attestation.ts'
import { CANONICAL_MUTANTS } from './mutants/canonical.ts'
import { CREDENTIAL_MUTANTS } from './mutants/credentials.ts'
import { FLOW_MUTANTS } from './mutants/flow.ts'
import { IDENTITY_MUTANTS } from './mutants/identity.ts'
import { MCP_MUTANTS } from './mutants/mcp.ts'
import { MCP_SERVER_MUTANTS } from './mutants/mcp-server.ts'
import { INVOKE_MUTANTS } from './mutants/invoke.ts'
import { LABEL_MUTANTS } from './mutants/labels.ts'
import { RETRIEVAL_MUTANTS } from './mutants/retrieval.ts'

/** Every check that a test must hold. A new check of the guard brings its mutant along. */
export const MUTANTS: readonly Mutant[] = [
  ...IDENTITY_MUTANTS,
  ...MCP_MUTANTS,
  ...MCP_SERVER_MUTANTS,
  ...INVOKE_MUTANTS,
  ...FLOW_MUTANTS,
  ...ATTESTATION_MUTANTS,
  ...CANONICAL_MUTANTS,
  ...APPROVAL_MUTANTS,
  ...LABEL_MUTANTS,
  ...CREDENTIAL_MUTANTS,
  ...RETRIEVAL_MUTANTS,
]
