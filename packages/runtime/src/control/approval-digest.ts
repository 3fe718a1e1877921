import { createHash } from 'node:crypto'
import { canonicalJson, type Json, plainJson } from '../json/plain.ts'
import { GuardError } from '../errors.ts'
import type { ApprovalCall } from './approval.ts'

/**
 * The call alone, fixed: only the parts that an approval covers, as a frozen copy.
 *
 * @throws {GuardError} `ERR_INPUT_INVALID`, if the input or the labels are not plain JSON.
 */
export function fixedCall(call: ApprovalCall): ApprovalCall {
  return Object.freeze({
    tool: call.tool,
    destination: call.destination,
    input: plain(call.input),
    labels: plain(call.labels),
    run: call.run,
    tenant: call.tenant,
    subject: call.subject,
    agent: call.agent,
    approvers: call.approvers && Object.freeze([...call.approvers]),
    contractDigest: call.contractDigest,
    policyVersion: call.policyVersion,
  })
}

/** What two calls share if and only if an approval of the one could serve the other: SHA-256 in hex. */
export function callKey(call: ApprovalCall): string {
  return digest({ kind: 'gatewright-call', ...parts(call) })
}

/** What an approver signs for one request: SHA-256 in hex over RFC 8785 canonical JSON. */
export function approvalDigest(call: ApprovalCall, id: string, expires: Date): string {
  return digest({ kind: 'gatewright-approval', id, expires: expires.toISOString(), ...parts(call) })
}

// Nothing may be left out silently: `undefined` has no JSON form, so absence is written as null.
function parts(call: ApprovalCall): { readonly [P in keyof ApprovalCall]-?: Json } {
  return {
    tool: call.tool,
    destination: call.destination ?? null,
    input: call.input,
    labels: call.labels,
    run: call.run,
    tenant: call.tenant ?? null,
    subject: call.subject,
    agent: call.agent,
    approvers: call.approvers ?? null,
    contractDigest: call.contractDigest,
    policyVersion: call.policyVersion,
  }
}

function digest(value: Json): string {
  return createHash('sha256').update(canonicalJson(value)).digest('hex')
}

function plain(value: Json): Json {
  const result = plainJson(value)
  if (!result.ok)
    throw new GuardError(
      'ERR_INPUT_INVALID',
      `The call cannot be approved: its input holds ${result.reason}.`,
    )
  return result.value
}
