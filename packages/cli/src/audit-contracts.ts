import { auditContracts as audit } from '@gatewright/runtime/testing'
import { loadContracts } from './load-contracts.ts'
import { printAudit } from './print-audit.ts'
import type { Terminal } from './terminal.ts'

/**
 * Audit the contracts that a module exports and print a table, or one JSON object.
 *
 * Resolves with 1 if a contract would be refused, else with 0. Doubts are for a person to judge and fail nothing.
 *
 * @throws {UsageError} If the file cannot be loaded or does not export what is needed.
 */
export async function auditContracts(
  file: string,
  { json = false }: { readonly json?: boolean },
  terminal: Terminal,
): Promise<number> {
  const result = await audit(await loadContracts(file))
  await terminal.out(json ? `${JSON.stringify({ file, ...result })}\n` : printAudit(result, terminal))
  return result.ok ? 0 : 1
}
