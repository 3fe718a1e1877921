import { expect, test } from 'vitest'
import * as identity from './identity/index.ts'
import * as contract from './contract/index.ts'
import * as runtime from './index.ts'
import * as policy from './policy/index.ts'

test('the root entry exports these names, and a new one is added on purpose', () => {
  expect(Object.keys(runtime).toSorted()).toMatchInlineSnapshot(`
    [
      "ApprovalError",
      "ConfigError",
      "ContractError",
      "CredentialError",
      "DeniedError",
      "GuardError",
      "HaltedError",
      "LimitError",
      "UnavailableError",
      "approvalSigner",
      "createGuard",
      "grantFrom",
      "guardAgent",
      "guardModel",
      "guardTools",
      "haltReports",
      "hear",
      "jsonLinesAudit",
      "labelled",
      "memoryAudit",
      "participant",
      "programmaticChannel",
      "storeApprovals",
      "storeHalts",
      "storeLedgers",
      "storeLimits",
      "terminalChannel",
      "toolApproval",
      "untrusted",
    ]
  `)
})

test('the entries of contracts and policies export these names', () => {
  expect(Object.keys(contract).toSorted()).toMatchInlineSnapshot(`
    [
      "attributed",
      "authored",
      "choice",
      "content",
      "contractFromOutputSchema",
      "date",
      "describeContract",
      "email",
      "iban",
      "id",
      "minted",
      "money",
      "name",
      "number",
      "phone",
      "provenance",
      "text",
      "time",
      "url",
    ]
  `)
  expect(Object.keys(policy).toSorted()).toMatchInlineSnapshot(`
    [
      "ask",
      "between",
      "classificationAtMost",
      "deny",
      "not",
      "obligate",
      "permit",
      "permitContracted",
      "policy",
      "policySource",
      "rolesAndRelations",
      "shadow",
      "tenantIs",
      "velocityBelow",
      "withinHours",
    ]
  `)
})

test('the entry of identities exports these names', () => {
  expect(Object.keys(identity).toSorted()).toMatchInlineSnapshot(`
    [
      "chainOf",
      "fileAgents",
      "memoryAgents",
      "noSubject",
      "parseDelegation",
      "registryOf",
      "retireAgent",
      "sessionSubject",
      "storeAgents",
      "storeSessions",
      "subjectFromJwt",
    ]
  `)
})
