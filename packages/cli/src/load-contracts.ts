import { stat } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { AuditedContracts } from '@gatewright/runtime/testing'
import { UsageError } from './usage-error.ts'

/**
 * What a module exports to be audited: `tools` and `contracts`, and if it likes `trusted` and `agent`, each by name
 * or all in a default export.
 *
 * The module is run, as any import is. TypeScript needs no build: Node strips its types.
 *
 * @throws {UsageError} If there is no such file, it cannot be loaded, or it does not export these.
 */
export async function loadContracts(file: string): Promise<AuditedContracts> {
  const path = resolve(file)
  const isFile = await stat(path).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) throw new UsageError(`there is no file '${file}'.`)
  const exported = await import(pathToFileURL(path).href).catch((error: unknown) => {
    throw new UsageError(`'${file}' cannot be loaded: ${firstLine(error)}`)
  })
  return auditable(file, exported as Readonly<Record<string, unknown>>)
}

function auditable(file: string, exported: Readonly<Record<string, unknown>>): AuditedContracts {
  const inside = isObject(exported['default']) ? exported['default'] : {}
  const of = (name: string): unknown => exported[name] ?? inside[name]
  const [tools, contracts, trusted, agent] = ['tools', 'contracts', 'trusted', 'agent'].map(of)
  if (!isObject(tools) || !isObject(contracts)) {
    const names = [...new Set([...Object.keys(exported), ...Object.keys(inside)])]
    throw new UsageError(
      `'${file}' must export 'tools' and 'contracts', by name or in a default export; it exports ${names.length === 0 ? 'nothing' : names.join(', ')}.`,
    )
  }
  const stray = Object.entries(tools).find(
    ([, tool]) =>
      !isObject(tool) || (!isObject(tool['inputSchema']) && typeof tool['inputSchema'] !== 'function'),
  )
  if (stray !== undefined)
    throw new UsageError(
      `'${file}' exports tools.${stray[0]}, which is not an AI SDK tool: it has no inputSchema.`,
    )
  if (trusted !== undefined && !(Array.isArray(trusted) && trusted.every((one) => typeof one === 'string')))
    throw new UsageError(
      `'${file}' exports 'trusted', which must be a list of principals such as 'operator:shop'.`,
    )
  if (agent !== undefined && !isObject(agent))
    throw new UsageError(
      `'${file}' exports 'agent', which must be the agent's registration, as createGuard takes it.`,
    )
  return {
    tools: tools as AuditedContracts['tools'],
    contracts,
    ...(trusted === undefined ? {} : { trusted: trusted as NonNullable<AuditedContracts['trusted']> }),
    ...(agent === undefined ? {} : { agent: agent as NonNullable<AuditedContracts['agent']> }),
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n')
  return /[.!?]$/.test(line) ? line : `${line}.`
}
