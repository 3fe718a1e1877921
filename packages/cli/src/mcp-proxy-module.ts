import { stat } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { ConfigError, type GuardOptions } from '@gatewright/runtime'
import type { McpUpstream } from '@gatewright/adapters/mcp'

/** What modules of a configuration may export besides `contracts` and `policy`: parts of a guard that are code. */
const PARTS = ['approvals', 'authority', 'credentials', 'directory', 'limits', 'network'] as const

export type ProxyCode = Pick<GuardOptions, 'policy' | (typeof PARTS)[number]> & {
  /** By server, then by the server's own name of the tool. */
  readonly contracts: Readonly<Record<string, McpUpstream['contracts']>>
}

/**
 * Load what a configuration names as code. The modules are run, as any import is; TypeScript needs no build.
 *
 * @throws {ConfigError} If one is not there, cannot be loaded, or does not export what it is for.
 */
export async function loadProxyCode(
  contractsFile: string,
  policyFile: string = contractsFile,
): Promise<ProxyCode> {
  const first = await load('contracts', contractsFile)
  const second = policyFile === contractsFile ? first : await load('policy', policyFile)
  const { contracts } = first
  const policy = second['policy'] ?? first['policy']
  if (!isObject(contracts) || !Object.values(contracts).every(isObject))
    throw new ConfigError(
      'contracts',
      contractsFile,
      "a module that exports 'contracts', by server and then by tool",
    )
  if (!isObject(policy)) throw new ConfigError('policy', policyFile, "a module that exports 'policy'")
  const parts = PARTS.flatMap((name) => {
    const part = second[name] ?? first[name]
    return part === undefined ? [] : [[name, part]]
  })
  return { contracts, policy, ...Object.fromEntries(parts) } as ProxyCode
}

async function load(key: string, file: string): Promise<Readonly<Record<string, unknown>>> {
  const isFile = await stat(file).then(
    (found) => found.isFile(),
    () => false,
  )
  if (!isFile) throw new ConfigError(key, file, 'the path of a module that is there')
  try {
    return (await import(pathToFileURL(file).href)) as Readonly<Record<string, unknown>>
  } catch (error) {
    const [line = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new ConfigError(key, file, `a module that can be loaded (${line})`)
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
